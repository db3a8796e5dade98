#include "profiler/session/collected.h"

#include <fmt/format.h>

#include <algorithm>

namespace moescope {

namespace {

std::string because(const DeviceInfo &device, std::string_view collector) {
    const DeviceInfo::Capability *capability = find_capability(device, collector);
    if (!capability || capability->state == "ok")
        return "";
    std::string text = ": " + capability->reason;
    if (!capability->remedy.empty())
        text += "; " + capability->remedy;
    return text;
}

bool any_measured(const Session &session, RunId run, Measurement::Timer timer) {
    return std::any_of(session.measurements.begin(), session.measurements.end(), [&](const Measurement &m) {
        return m.run == run && m.state == Measurement::State::Done && m.timer == timer;
    });
}

bool any_counters(const Session &session, RunId run) {
    return std::any_of(session.counters.begin(), session.counters.end(), [&](const CounterRecord &record) {
        return record.measurement.valid() && session.measurements[record.measurement.value].run == run;
    });
}

} // namespace

const DeviceInfo::Capability *find_capability(const DeviceInfo &device, std::string_view collector) {
    const auto found = std::ranges::find(device.capabilities, collector, &DeviceInfo::Capability::collector);
    return found == device.capabilities.end() ? nullptr : &*found;
}

std::vector<std::string> steps_down(const Session &session, RunId run) {
    const RunRecord &record = session.runs[run.value];
    std::vector<std::string> steps;
    const bool cpu = record.device.is_cpu();
    if (!record.plan.counters.empty() && !any_counters(session, run))
        steps.push_back("hardware counters were not read" + because(record.device, "hardware counters") +
                        "; everything else of the plan was carried out.");
    const auto not_sampled = [&](const char *what, const char *collector) {
        const DeviceInfo::Capability *capability = find_capability(record.device, collector);
        if (capability && capability->state != "ok") // else a failure says why
            steps.push_back(std::string(what) + " were not sampled" + because(record.device, collector) +
                            "; everything else of the plan was carried out.");
    };
    if (!record.plan.sampled.empty())
        not_sampled("counters over time", kPmSampling);
    if (record.plan.pc_sampling)
        not_sampled("instructions", kPcSampling);
    if (record.plan.capture && !cpu && any_measured(session, run, Measurement::Timer::CudaEvents))
        steps.push_back("times are CUDA events' instead of CUPTI's" + because(record.device, "cupti activity") + ".");
    return steps;
}

} // namespace moescope
