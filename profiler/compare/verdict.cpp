#include "profiler/compare/verdict.h"

#include "profiler/base/units.h"
#include "profiler/session/record_names.h"

#include <cmath>
#include <fmt/format.h>
#include <span>

namespace moescope {

namespace {

// The samples of both that one timer made.
struct Sides {
    std::span<const float> a, b;
    double a_ns = 0, b_ns = 0;
    std::string remark; // what to know about them; "" for nothing
};

Sides sides_of(const Measurement &a, const Measurement &b) {
    if (a.timer != b.timer && !a.event_samples_ns.empty() && !b.event_samples_ns.empty())
        return {a.event_samples_ns, b.event_samples_ns, a.event_time.median, b.event_time.median,
                "Both by CUDA events, as the timers differ."};
    Sides sides{a.samples_ns, b.samples_ns, a.time.median, b.time.median, {}};
    if (a.timer != b.timer)
        sides.remark = fmt::format("A was timed by {}, B by {}.", name_of(a.timer), name_of(b.timer));
    return sides;
}

std::string percent(double change) { return fmt::format("{:.1f} %", 100 * std::fabs(change)); }

// A ratio of times in words that "time" or "than" may follow: "16.5×", "7.6 % more", "24.5 % less".
std::string amount(double ratio) {
    return ratio >= 100 ? format_count(std::round(ratio)) + "×"
           : ratio >= 2 ? fmt::format("{:.3g}×", ratio)
                        : percent(ratio - 1) + (ratio < 1 ? " less" : " more");
}

std::string reason_of(Change change, const RatioInterval &r, double threshold) {
    const std::string range = fmt::format("{} to {}", amount(r.low), amount(r.high));
    const std::string measured =
        fmt::format("B takes {}{} time ({} at 95 %)", amount(r.ratio), r.ratio >= 2 ? " the" : "", range);
    if (change == Change::Unclear)
        return fmt::format("Too noisy: {}; that holds both no difference and one of more than {}; "
                           "more repetitions would tell.",
                           measured, percent(threshold));
    if (change == Change::Same)
        return fmt::format("{}: less than {} does not count.", measured, percent(threshold));
    return measured + ".";
}

std::string throttled(const Measurement &a, const Measurement &b) {
    if (a.throttle.empty() && b.throttle.empty())
        return {};
    const auto side = [](const char *name, const Measurement &m) {
        return m.throttle.empty() ? std::string()
                                  : fmt::format(" {}'s clocks were held back ({}).", name, m.throttle);
    };
    return side("A", a) + side("B", b);
}

} // namespace

const char *name_of(Change change) {
    constexpr const char *kNames[] = {"slower", "faster", "same", "unclear"};
    return kNames[int(change)];
}

Change judge(const RatioInterval &ratio, double threshold) {
    const double most = 1 + threshold, least = 1 / most;
    const bool holds_none = ratio.low <= 1 && ratio.high >= 1;
    const bool reaches_beyond = ratio.high > most || ratio.low < least;
    if (holds_none && reaches_beyond)
        return Change::Unclear;
    return ratio.ratio > most ? Change::Slower : ratio.ratio < least ? Change::Faster : Change::Same;
}

TimeVerdict judge(const Measurement &a, const Measurement &b, double threshold) {
    const Sides sides = sides_of(a, b);
    TimeVerdict verdict;
    verdict.a_ns = sides.a_ns;
    verdict.b_ns = sides.b_ns;
    verdict.ratio = ratio_of_medians(sides.a, sides.b);
    if (verdict.ratio) {
        verdict.change = judge(*verdict.ratio, threshold);
        verdict.reason = reason_of(verdict.change, *verdict.ratio, threshold);
    } else
        verdict.reason = fmt::format("Too few samples: A has {}, B {}, and an interval needs {} of each.",
                                     sides.a.size(), sides.b.size(), kFewestForRatio);
    if (!sides.remark.empty())
        verdict.reason += " " + sides.remark;
    verdict.reason += throttled(a, b);
    return verdict;
}

} // namespace moescope
