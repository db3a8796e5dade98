// Reads the test vectors that the scripts beside this file make from the real libraries.
//
// A vector file is text. Lines that begin with # are comments. A file is a list of cases:
//
//     case NAME
//     KEY WORD                     a setting
//     KEY [COUNT] V V V ...        an array: the values follow on the same line
//     end
//
// Floats are written as C hexadecimal floats ("0x1.8p+1"), "inf", "-inf" or "nan": exact to the
// bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace moescope::test {

class VectorCase {
  public:
    std::string name;

    bool has(const std::string &key) const { return values_.contains(key); }

    const std::string &text(const std::string &key) const { return words(key, 1).front(); }
    double number(const std::string &key) const { return parse(text(key)); }
    std::int32_t integer(const std::string &key) const { return std::int32_t(number(key)); }

    // An array of exactly `count` values.
    template <class T> std::vector<T> array(const std::string &key, std::size_t count) const {
        std::vector<T> result;
        result.reserve(count);
        for (const std::string &word : words(key, count))
            result.push_back(T(parse(word)));
        return result;
    }

    void set(const std::string &key, std::vector<std::string> words) {
        values_[key] = std::move(words);
    }

  private:
    const std::vector<std::string> &words(const std::string &key, std::size_t count) const {
        const auto found = values_.find(key);
        if (found == values_.end())
            throw std::runtime_error("case " + name + " has no " + key);
        if (found->second.size() != count)
            throw std::runtime_error("case " + name + ": " + key + " has " +
                                     std::to_string(found->second.size()) + " values, expected " +
                                     std::to_string(count));
        return found->second;
    }

    double parse(const std::string &word) const {
        char *end = nullptr;
        const double value = std::strtod(word.c_str(), &end);
        if (end == word.c_str() || *end != '\0')
            throw std::runtime_error("case " + name + ": '" + word + "' is not a number");
        return value;
    }

    std::map<std::string, std::vector<std::string>> values_;
};

// All cases of tests/kernels/vectors/`file`. Throws if the file is missing, malformed or empty.
inline std::vector<VectorCase> read_vectors(const std::string &file) {
    const std::string path = std::string(MOESCOPE_TEST_DATA) + "/kernels/vectors/" + file;
    std::ifstream stream(path);
    if (!stream)
        throw std::runtime_error("cannot open " + path);
    std::vector<VectorCase> cases;
    bool open = false;
    for (std::string line; std::getline(stream, line);) {
        std::istringstream fields(line);
        std::string key;
        if (!(fields >> key) || key[0] == '#')
            continue;
        if (key == "case") {
            cases.emplace_back();
            fields >> cases.back().name;
            open = true;
            continue;
        }
        if (!open)
            throw std::runtime_error(path + ": '" + line.substr(0, 40) + "' stands outside a case");
        if (key == "end") {
            open = false;
            continue;
        }
        std::vector<std::string> words;
        for (std::string word; fields >> word;)
            if (!words.empty() || word[0] != '[')
                words.push_back(word);
        cases.back().set(key, std::move(words));
    }
    if (open || cases.empty())
        throw std::runtime_error(path + (open ? ": the last case has no end" : ": holds no case"));
    return cases;
}

} // namespace moescope::test
