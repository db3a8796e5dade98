#include "profiler/explain/launch_floor.h"

#include "profiler/explain/gap.h"
#include "profiler/explain/repetition.h"

#include <algorithm>
#include <map>

namespace moescope {

namespace {

// A kernel that is longer has worked.
constexpr double kLongestLaunchNs = 3000;

std::string device_of(const RunRecord &run) { return run.device.host + "|" + run.device.id + "|" + run.device.name; }

} // namespace

Session with_launch_floors(Session session) {
    KernelsByMeasurement kernels;
    kernels.update(session);
    std::map<std::string, double> shortest; // of each device
    for (std::uint32_t i = 0; i < session.runs.size(); ++i)
        if (const double ns = shortest_kernel_ns(session, {i}, kernels); ns > 0) {
            const auto [at, added] = shortest.try_emplace(device_of(session.runs[i]), ns);
            at->second = std::min(at->second, ns);
        }
    const auto launch_of = [&](const RunRecord &run) {
        const auto found = shortest.find(device_of(run));
        const bool known = run.device.is_cpu() || run.device.ceilings.launch_ns > 0 || found == shortest.end();
        return known || found->second > kLongestLaunchNs ? 0 : found->second;
    };
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i) {
        Measurement m = session.measurements[i];
        const double launch = m.run.value < session.runs.size() ? launch_of(session.runs[m.run.value]) : 0;
        if (launch <= m.floor_ns || m.floor_ns <= 0)
            continue;
        m.floor_ns = launch;
        session.measurements.set(i, std::move(m));
    }
    for (std::uint32_t i = 0; i < session.runs.size(); ++i)
        if (const double launch = launch_of(session.runs[i]); launch > 0) {
            RunRecord run = session.runs[i];
            run.device.ceilings.launch_ns = launch;
            session.runs.set(i, std::move(run));
        }
    return session;
}

} // namespace moescope
