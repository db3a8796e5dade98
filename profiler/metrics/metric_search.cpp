#include "profiler/metrics/metric_search.h"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <string>

namespace moescope {

namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    return out;
}

} // namespace

std::vector<const MetricInfo *> search_metrics(const std::vector<MetricInfo> &catalogue, std::string_view text) {
    std::vector<std::string> words;
    std::istringstream stream{lower(text)};
    for (std::string word; stream >> word;)
        words.push_back(word);
    std::vector<const MetricInfo *> by_name, others;
    for (const MetricInfo &metric : catalogue) {
        const std::string name = lower(metric.name), all = name + ' ' + lower(metric.description);
        const auto in = [&](const std::string &where) {
            return std::ranges::all_of(words, [&](const std::string &word) { return where.find(word) != where.npos; });
        };
        if (in(name))
            by_name.push_back(&metric);
        else if (in(all))
            others.push_back(&metric);
    }
    by_name.insert(by_name.end(), others.begin(), others.end());
    return by_name;
}

} // namespace moescope
