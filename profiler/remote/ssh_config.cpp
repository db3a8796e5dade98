#include "profiler/remote/ssh_config.h"

#include <glob.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace moescope {

namespace {

constexpr int kDeepest = 16; // as ssh
constexpr std::size_t kMostHosts = 200;

class Reader {
  public:
    explicit Reader(std::filesystem::path folder) : folder_(std::move(folder)) {}

    void read(const std::filesystem::path &file, int depth) {
        std::ifstream in(file);
        for (std::string line; std::getline(in, line);)
            read_line(std::move(line), depth);
    }
    std::vector<std::string> take() { return std::move(hosts_); }

  private:
    // "Host a b", "Host=a b", with quotes round names.
    void read_line(std::string line, int depth) {
        std::ranges::replace(line, '"', ' ');
        if (const std::size_t equals = line.find('='); equals != line.npos)
            line[equals] = ' ';
        std::istringstream words(line);
        std::string key;
        words >> key;
        std::ranges::transform(key, key.begin(), [](unsigned char c) { return char(std::tolower(c)); });
        for (std::string word; words >> word && word.front() != '#';)
            if (key == "host")
                add(word);
            else if (key == "include" && depth < kDeepest)
                include(word, depth);
    }

    void add(const std::string &name) {
        const bool pattern = name.find_first_of("*?!") != name.npos;
        if (!pattern && hosts_.size() < kMostHosts && std::ranges::find(hosts_, name) == hosts_.end())
            hosts_.push_back(name);
    }

    void include(const std::string &word, int depth) {
        std::filesystem::path pattern = word;
        if (word.starts_with("~/"))
            pattern = folder_.parent_path() / word.substr(2);
        else if (pattern.is_relative())
            pattern = folder_ / pattern;
        glob_t found{};
        if (glob(pattern.c_str(), 0, nullptr, &found) == 0)
            for (std::size_t i = 0; i < found.gl_pathc; ++i)
                read(found.gl_pathv[i], depth + 1);
        globfree(&found);
    }

    std::filesystem::path folder_;
    std::vector<std::string> hosts_;
};

} // namespace

std::vector<std::string> ssh_config_hosts(const std::filesystem::path &config) {
    Reader reader(config.parent_path());
    reader.read(config, 0);
    return reader.take();
}

std::filesystem::path ssh_config_path() {
    const passwd *user = getpwuid(getuid());
    if (user && user->pw_dir)
        return std::filesystem::path(user->pw_dir) / ".ssh/config";
    return {};
}

} // namespace moescope
