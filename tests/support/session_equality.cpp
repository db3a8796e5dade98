#include "tests/support/session_equality.h"

#include <cmath>

namespace moescope::test {

namespace {

template <typename Record> bool same(const Record &a, const Record &b) { return a == b; }
bool same(const KernelRecord &a, const KernelRecord &b) {
    if (!std::isnan(a.theoretical_occupancy) || !std::isnan(b.theoretical_occupancy))
        return a == b;
    KernelRecord x = a, y = b;
    x.theoretical_occupancy = y.theoretical_occupancy = 0;
    return x == y;
}

template <typename Column>
std::string difference(const char *table, const Column &a, const Column &b) {
    for (std::size_t at = 0; at < a.size() && at < b.size(); ++at)
        if (!same(a[at], b[at]))
            return std::string(table) + " " + std::to_string(at);
    return a.size() == b.size() ? "" : std::string(table) + "' size";
}

} // namespace

std::string first_difference(const Session &a, const Session &b) {
    if (a.title != b.title || a.created_ns != b.created_ns || a.app_version != b.app_version)
        return "title, created_ns or app_version";
    for (const std::string &found :
         {difference("names", a.names, b.names), difference("runs", a.runs, b.runs),
          difference("measurements", a.measurements, b.measurements),
          difference("candidates", a.candidates, b.candidates),
          difference("routings", a.routings, b.routings),
          difference("kernels", a.kernels, b.kernels),
          difference("api_calls", a.api_calls, b.api_calls),
          difference("copies", a.copies, b.copies), difference("memory", a.memory, b.memory),
          difference("overheads", a.overheads, b.overheads),
          difference("counters", a.counters, b.counters),
          difference("pm_samples", a.pm_samples, b.pm_samples),
          difference("device_states", a.device_states, b.device_states),
          difference("pc_samples", a.pc_samples, b.pc_samples),
          difference("failures", a.failures, b.failures)})
        if (!found.empty())
            return found;
    return "";
}

} // namespace moescope::test
