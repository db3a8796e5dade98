// The sets of counters a person asks for by one word, and what their metrics mean: assets/metrics.json,
// which a person may edit.
#pragma once

#include "profiler/base/result.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

// What a run samples over time where nothing else is asked for: it fits one pass.
inline constexpr const char *kSamplingSet = "sampling";

struct NamedMetric {
    std::string id;                 // "dram_read"
    std::vector<std::string> names; // CUPTI's, best first; the first that the chip offers is read
    std::string title, unit, explain;
    std::string wanted() const;     // as a plan has it: "a.sum|b.sum"
};

struct MetricSet {
    std::string name, title, explain;
    std::vector<std::string> metrics; // ids
};

struct MetricSets {
    std::vector<MetricSet> sets;
    std::vector<NamedMetric> metrics;

    const MetricSet *find_set(std::string_view name) const;
    const NamedMetric *find_id(std::string_view id) const;
    const NamedMetric *find_metric(std::string_view name) const; // by any of CUPTI's names for it
    std::vector<std::string> wanted(const MetricSet &set) const; // its metrics, as a plan has them
    // Of a record's metric: one that is not listed is its own title, its unit what its name tells.
    std::string title(std::string_view metric) const;
    std::string value_text(std::string_view metric, double value) const; // "1.23 GB", "87.5 %", "512 sectors"
};

// Errors name the file and the entry.
Result<MetricSets> load_metric_sets(const std::filesystem::path &path);

// "basic,lts__t_bytes.sum": sets, ids and CUPTI's names together, as a plan has them, each once. The error
// repeats the word that is none of them.
Result<std::vector<std::string>> metrics_named(const MetricSets &sets, const std::vector<std::string> &words);

} // namespace moescope
