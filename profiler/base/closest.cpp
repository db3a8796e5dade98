#include "profiler/base/closest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace moescope {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t(0));
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0]++;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row.back();
}

std::vector<std::string> closest_names(const std::vector<std::string> &names,
                                       std::string_view wanted, std::size_t distance) {
    std::vector<std::pair<std::size_t, std::string>> ranked;
    for (const std::string &name : names) {
        const std::size_t edits = edit_distance(wanted, name);
        const bool part = wanted.size() >= 3 && name.find(wanted) != std::string::npos;
        if (edits <= distance || part)
            ranked.emplace_back(part ? 0 : edits, name);
    }
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const auto &a, const auto &b) { return a.first < b.first; });
    std::vector<std::string> closest;
    for (std::size_t i = 0; i < ranked.size() && i < 4; ++i)
        closest.push_back(ranked[i].second);
    return closest;
}

} // namespace moescope
