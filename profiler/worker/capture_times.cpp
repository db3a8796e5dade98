#include "profiler/worker/capture_times.h"

#include <algorithm>
#include <vector>

namespace moescope {

namespace {

struct Interval {
    std::int64_t start_ns, end_ns;
};

struct Activity {
    std::vector<Interval> intervals;
    std::int32_t kernels = 0;
};

RepetitionTimes times_of(Activity activity) {
    RepetitionTimes times;
    times.kernels = activity.kernels;
    std::sort(activity.intervals.begin(), activity.intervals.end(),
              [](const Interval &a, const Interval &b) { return a.start_ns < b.start_ns; });
    std::int64_t busy_until = activity.intervals.front().start_ns;
    for (const Interval &each : activity.intervals) {
        times.kernel_ns += double(each.end_ns - each.start_ns);
        times.gap_ns += double(std::max<std::int64_t>(0, each.start_ns - busy_until));
        busy_until = std::max(busy_until, each.end_ns);
    }
    times.span_ns = double(busy_until - activity.intervals.front().start_ns);
    return times;
}

} // namespace

bool misses_kernels(double captured_ns, double event_ns) {
    constexpr double kLaunchNs = 20e3; // what events round a repetition count besides, and then some
    return event_ns > 2 * captured_ns + kLaunchNs;
}

std::map<std::int32_t, RepetitionTimes> repetition_times(const CaptureBatch &batch, MeasurementId measurement) {
    std::map<std::int32_t, Activity> activities;
    auto add = [&](const auto &record) -> Activity * {
        if (record.tag.measurement != measurement || record.tag.repetition < 0)
            return nullptr;
        Activity &activity = activities[record.tag.repetition];
        activity.intervals.push_back({record.start_ns, record.end_ns});
        return &activity;
    };
    for (const KernelRecord &kernel : batch.kernels)
        if (Activity *activity = add(kernel))
            ++activity->kernels;
    for (const CopyRecord &copy : batch.copies)
        add(copy);

    std::map<std::int32_t, RepetitionTimes> times;
    for (const auto &[repetition, activity] : activities)
        if (activity.kernels > 0)
            times[repetition] = times_of(activity);
    return times;
}

} // namespace moescope
