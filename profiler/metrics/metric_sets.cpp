#include "profiler/metrics/metric_sets.h"

#include "profiler/base/try.h"
#include "profiler/base/units.h"
#include "profiler/metrics/metric_unit.h"
#include "profiler/model/json_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

using nlohmann::json;

Status read_text(const json &entry, const std::string &where, const char *key, std::string &to) {
    if (!entry.is_object() || !entry.contains(key) || !entry[key].is_string())
        return Error{fmt::format("{} has no \"{}\"", where, key), "each entry needs it, as a text", ""};
    to = entry[key].get<std::string>();
    return {};
}

Status read_list(const json &entry, const std::string &where, const char *key, std::vector<std::string> &to) {
    const Error wrong{fmt::format("{} has no \"{}\"", where, key), "it must be a list of texts, and not empty", ""};
    if (!entry.is_object() || !entry.contains(key) || !entry[key].is_array() || entry[key].empty())
        return wrong;
    for (const json &each : entry[key]) {
        if (!each.is_string())
            return wrong;
        to.push_back(each.get<std::string>());
    }
    return {};
}

Result<NamedMetric> read_metric(const std::string &id, const json &entry, const std::string &file) {
    NamedMetric metric;
    metric.id = id;
    const std::string where = fmt::format("{}: metric \"{}\"", file, id);
    MOESCOPE_TRY(read_list(entry, where, "names", metric.names));
    MOESCOPE_TRY(read_text(entry, where, "title", metric.title));
    MOESCOPE_TRY(read_text(entry, where, "unit", metric.unit));
    MOESCOPE_TRY(read_text(entry, where, "explain", metric.explain));
    return metric;
}

Result<MetricSet> read_set(const json &entry, const MetricSets &known, const std::string &file) {
    MetricSet set;
    MOESCOPE_TRY(read_text(entry, file + ": a set", "name", set.name));
    const std::string where = fmt::format("{}: set \"{}\"", file, set.name);
    MOESCOPE_TRY(read_text(entry, where, "title", set.title));
    MOESCOPE_TRY(read_text(entry, where, "explain", set.explain));
    MOESCOPE_TRY(read_list(entry, where, "metrics", set.metrics));
    for (const std::string &id : set.metrics)
        if (!known.find_id(id))
            return Error{fmt::format("{} names the metric \"{}\"", where, id), "the file has none of that name", ""};
    return set;
}

void add_once(std::vector<std::string> &to, std::string name) {
    if (std::ranges::find(to, name) == to.end())
        to.push_back(std::move(name));
}

// As CUPTI writes them: "dram__bytes_read.sum".
bool looks_like_a_metric(const std::string &word) {
    return word.find("__") != word.npos && word.find('.') != word.npos;
}

template <typename List, typename Matches> auto find_first(const List &list, Matches matches) -> decltype(list.data()) {
    const auto found = std::ranges::find_if(list, matches);
    return found == list.end() ? nullptr : &*found;
}

} // namespace

std::string NamedMetric::wanted() const { return fmt::format("{}", fmt::join(names, "|")); }

const MetricSet *MetricSets::find_set(std::string_view name) const {
    return find_first(sets, [&](const MetricSet &set) { return set.name == name; });
}

const NamedMetric *MetricSets::find_id(std::string_view id) const {
    return find_first(metrics, [&](const NamedMetric &metric) { return metric.id == id; });
}

const NamedMetric *MetricSets::find_metric(std::string_view name) const {
    return find_first(metrics, [&](const NamedMetric &metric) {
        return metric.wanted() == name || std::ranges::find(metric.names, name) != metric.names.end();
    });
}

std::vector<std::string> MetricSets::wanted(const MetricSet &set) const {
    std::vector<std::string> names;
    for (const std::string &id : set.metrics)
        add_once(names, find_id(id)->wanted());
    return names;
}

std::string MetricSets::title(std::string_view metric) const {
    const NamedMetric *named = find_metric(metric);
    return named ? named->title : std::string(metric);
}

std::string MetricSets::value_text(std::string_view metric, double value) const {
    const NamedMetric *named = find_metric(metric);
    const std::string unit = named ? named->unit : metric_unit(metric);
    if (!std::isfinite(value))
        return "not defined"; // a share of nothing
    if (unit == "ns")
        return format_duration_ns(value);
    if (unit == "bytes")
        return format_bytes(value);
    if (unit == "%")
        return fmt::format("{:.1f} %", value);
    if (unit == "bytes/s")
        return format_bandwidth(value);
    if (unit == "warps")
        return fmt::format("{:.2f} warps", value);
    const std::string number = value == std::floor(value) ? format_count(value) : fmt::format("{:.4g}", value);
    return unit.empty() || unit == "count" || unit == "ratio" ? number : number + " " + unit;
}

Result<MetricSets> load_metric_sets(const std::filesystem::path &path) {
    const Result<std::string> text = read_text_file(path);
    MOESCOPE_TRY(text);
    const std::string file = path.filename().string();
    const Result<json> document = parse_json_object(*text, file);
    MOESCOPE_TRY(document);
    MetricSets all;
    for (const char *key : {"metrics", "sets"})
        if (!document->contains(key) || !(*document)[key].is_structured())
            return Error{fmt::format("{} has no \"{}\"", file, key), "it is not a file of metrics", ""};
    for (const auto &[id, entry] : (*document)["metrics"].items()) {
        Result<NamedMetric> metric = read_metric(id, entry, file);
        MOESCOPE_TRY(metric);
        all.metrics.push_back(std::move(*metric));
    }
    for (const json &entry : (*document)["sets"]) {
        Result<MetricSet> set = read_set(entry, all, file);
        MOESCOPE_TRY(set);
        all.sets.push_back(std::move(*set));
    }
    return all;
}

Result<std::vector<std::string>> metrics_named(const MetricSets &sets, const std::vector<std::string> &words) {
    std::vector<std::string> names;
    for (const std::string &word : words) {
        if (const MetricSet *set = sets.find_set(word)) {
            for (std::string &name : sets.wanted(*set))
                add_once(names, std::move(name));
        } else if (const NamedMetric *metric = sets.find_id(word)) {
            add_once(names, metric->wanted());
        } else if (looks_like_a_metric(word)) {
            add_once(names, word); // the chip decides
        } else {
            std::vector<std::string> known;
            for (const MetricSet &set : sets.sets)
                known.push_back(set.name);
            return Error{fmt::format("\"{}\" is no set of counters", word),
                         fmt::format("the sets are {}", fmt::join(known, ", ")),
                         "moescope metrics lists the counters of a chip by name"};
        }
    }
    return names;
}

} // namespace moescope
