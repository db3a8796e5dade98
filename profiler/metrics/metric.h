// What a chip can count, as CUPTI tells it, and what a choice of it costs.
#pragma once

#include "profiler/base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace moescope {

enum class MetricKind : std::uint8_t { Counter, Ratio, Throughput };
const char *name_of(MetricKind kind); // "counter", "ratio", "throughput"

// A base metric. It is read with a suffix that says how the units' values are put together:
// "dram__bytes_read.sum", "lts__t_sector_hit_rate.pct".
struct MetricInfo {
    std::string name;
    MetricKind kind = MetricKind::Counter;
    std::string description; // "" for some
    std::string unit;        // "byte", "instruction", "percent"
    std::string hardware;    // the unit that counts it: "dram", "sm"
    friend bool operator==(const MetricInfo &, const MetricInfo &) = default;
};

// The suffix that is wanted most often: ".sum", ".pct", ".avg.pct_of_peak_sustained_elapsed".
std::string usual_suffix(const MetricInfo &metric);
std::string readable_name(const MetricInfo &metric); // with that suffix

struct MetricsRequest {
    std::string chip;                 // "GH100"; "" for the device's
    std::string device;               // "cuda:0", "auto"; where it has no chip, the first one's
    std::vector<std::string> metrics; // what passes are asked for; may be empty
    bool catalogue = true;            // list what the chip offers
};

struct MetricsAnswer {
    std::string chip;
    std::vector<std::string> chips;    // all that CUPTI knows
    std::vector<MetricInfo> catalogue; // sorted by name
    // Of the metrics asked for: as they are read on this chip, in order, and those it does not offer.
    std::vector<std::string> readable, missing;
    std::int32_t passes = 0; // how often a range runs to read all of them
    Error error;             // where there is no answer
};

// A metric may name alternatives, best first: "dram__bytes_read.sum|dram__bytes_op_read.sum" means
// the first that the chip offers.
std::vector<std::string> alternatives(const std::string &metric);

struct ResolvedMetrics {
    std::vector<std::string> readable, missing; // no name twice
};
// offers(name): whether the chip can read it.
template <typename Offers>
ResolvedMetrics resolve_metrics(const std::vector<std::string> &wanted, Offers offers);

// ---- Implementation

template <typename Offers>
ResolvedMetrics resolve_metrics(const std::vector<std::string> &wanted, Offers offers) {
    ResolvedMetrics resolved;
    const auto add = [](std::vector<std::string> &to, const std::string &name) {
        for (const std::string &there : to)
            if (there == name)
                return;
        to.push_back(name);
    };
    for (const std::string &metric : wanted) {
        const std::string *found = nullptr;
        const std::vector<std::string> names = alternatives(metric);
        for (const std::string &name : names)
            if (!found && offers(name))
                found = &name;
        if (found)
            add(resolved.readable, *found);
        else
            add(resolved.missing, metric);
    }
    return resolved;
}

} // namespace moescope
