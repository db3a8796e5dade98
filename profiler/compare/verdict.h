// Whether one measurement is faster than another: by how much, how surely, and in words why.
#pragma once

#include "profiler/session/records.h"
#include "profiler/stats/ratio.h"

#include <optional>
#include <string>

namespace moescope {

enum class Change { Slower, Faster, Same, Unclear };
const char *name_of(Change change); // slower, faster, same, unclear

inline constexpr double kDefaultThreshold = 0.03; // 3 %: what clocks and placement move between runs

struct TimeVerdict {
    Change change = Change::Unclear;
    std::optional<RatioInterval> ratio; // B's median / A's; nothing where too few samples were kept
    double a_ns = 0, b_ns = 0;          // the medians it is of
    std::string reason;                 // one sentence
    friend bool operator==(const TimeVerdict &, const TimeVerdict &) = default;
};

// Two questions of one interval: does it hold 1 (no difference), and does it reach beyond the
// threshold (a difference that matters)? Both: unclear. Else the median ratio decides: slower or
// faster beyond the threshold, the same within it. A threshold of 3 % reaches from 1 / 1.03 to 1.03.
Change judge(const RatioInterval &ratio, double threshold);

// By the timer that both have: CUDA events where CUPTI timed one side only.
TimeVerdict judge(const Measurement &a, const Measurement &b, double threshold);

} // namespace moescope
