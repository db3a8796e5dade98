// What a sweep varies: the parameters of a workload, the values each takes, and the workloads that
// come of it.
#pragma once

#include "profiler/workload/workload.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

struct SweepParameter {
    std::string_view name;    // "top_k": on the command line, where a hyphen does as well
    std::string_view title;   // "Top-k": on an axis
    std::string_view example; // values that a first look is worth
    // From one value as it is typed. Errors name the parameter; whether the value fits the rest of
    // the workload is validate()'s to say.
    Status (*set)(Workload &workload, std::string_view value);
    std::string (*get)(const Workload &workload);
    // Its place on a numeric axis; nothing for words ("nf4").
    std::optional<double> (*number)(const Workload &workload);
    bool whole = false; // takes whole numbers, and so ranges of them
};

std::span<const SweepParameter> sweep_parameters();
// The error lists those there are.
Result<const SweepParameter *> find_sweep_parameter(std::string_view name);

struct SweepAxis {
    const SweepParameter *parameter = nullptr;
    std::vector<std::string> values;
    friend bool operator==(const SweepAxis &, const SweepAxis &) = default;
};

// "tokens=1,8,64", "rank=0,1..256:x2", "tokens=16..256:+16": values and ranges, the last value of a
// range at most its end.
Result<SweepAxis> parse_axis(std::string_view text);
Result<SweepAxis> parse_axis(const SweepParameter &parameter, std::string_view values);

inline constexpr std::size_t kMostSweepPoints = 512;

struct SweepPoint {
    std::vector<std::string> values; // one an axis
    std::string label;               // "tokens 512, rank 16"
    Workload workload;
    Status status; // why this workload cannot be
};

// Every combination of the axes' values, the last axis fastest. Errors: two axes of one parameter,
// more points than kMostSweepPoints. A point that cannot be is kept with its reason.
Result<std::vector<SweepPoint>> expand(const Workload &base, std::span<const SweepAxis> axes);

} // namespace moescope
