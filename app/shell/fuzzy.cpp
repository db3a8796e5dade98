#include "app/shell/fuzzy.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

namespace moescope {

namespace {

constexpr int kLetter = 16, kSideBySide = 30, kWordStart = 24, kFirst = 8, kGap = 2;
constexpr int kNever = -1'000'000;

char lower(char c) { return char(std::tolower(static_cast<unsigned char>(c))); }

bool is_word_letter(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80;
}

bool starts_word(std::string_view text, std::size_t at) {
    return is_word_letter(text[at]) && (at == 0 || !is_word_letter(text[at - 1]));
}

int letter_score(std::string_view text, std::size_t at) {
    return kLetter + (starts_word(text, at) ? kWordStart : 0) + (at == 0 ? kFirst : 0);
}

// The best placing of a word's letters: for each letter, the best score that ends at each place.
std::optional<int> word_score(std::string_view word, std::string_view text) {
    std::vector<int> ends(text.size(), kNever), next(text.size());
    for (std::size_t w = 0; w < word.size(); ++w) {
        int reach = kNever; // the best score before this place, less what the gap costs
        for (std::size_t t = 0; t < text.size(); ++t) {
            next[t] = kNever;
            if (lower(word[w]) == lower(text[t])) {
                const int beside = w > 0 && t > 0 && ends[t - 1] > kNever ? ends[t - 1] + kSideBySide : kNever;
                const int before = w == 0 ? 0 : std::max(beside, reach);
                if (before > kNever)
                    next[t] = before + letter_score(text, t);
            }
            if (w > 0)
                reach = std::max(reach, ends[t]) - (reach > kNever ? kGap : 0);
        }
        ends.swap(next);
    }
    const int best = ends.empty() ? kNever : *std::max_element(ends.begin(), ends.end());
    return best > kNever / 2 ? std::optional(best) : std::nullopt;
}

} // namespace

std::optional<int> words_score(std::string_view query, std::string_view text) {
    const auto starts_one = [&](std::string_view word) {
        for (std::size_t at = 0; at + word.size() <= text.size(); ++at)
            if ((at == 0 || !is_word_letter(text[at - 1])) &&
                std::equal(word.begin(), word.end(), text.begin() + std::ptrdiff_t(at),
                           [](char a, char b) { return lower(a) == lower(b); }))
                return true;
        return false;
    };
    for (std::string_view rest = query; !rest.empty();) {
        const std::size_t blank = std::min(rest.find(' '), rest.size());
        if (blank > 0 && !starts_one(rest.substr(0, blank)))
            return std::nullopt;
        rest.remove_prefix(std::min(blank + 1, rest.size()));
    }
    return fuzzy_score(query, text);
}

std::optional<int> fuzzy_score(std::string_view query, std::string_view text) {
    int total = 0;
    while (!query.empty()) {
        const std::size_t blank = std::min(query.find(' '), query.size());
        if (blank > 0) {
            const auto score = word_score(query.substr(0, blank), text);
            if (!score)
                return std::nullopt;
            total += *score * 4;
        }
        query.remove_prefix(std::min(blank + 1, query.size()));
    }
    return total == 0 ? 0 : total - int(std::min<std::size_t>(text.size(), 200));
}

} // namespace moescope
