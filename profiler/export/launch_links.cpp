#include "profiler/export/launch_links.h"

#include <algorithm>
#include <cstdint>
#include <map>

namespace moescope {

namespace {

std::uint64_t key(std::uint32_t run, std::uint32_t correlation) {
    return std::uint64_t(run) << 32 | correlation;
}

struct Range {
    std::uint64_t low = UINT64_MAX, high = 0;
};

} // namespace

LaunchLinks::LaunchLinks(const Session &session) : session_(session) {
    std::map<std::uint32_t, Range> used;
    const auto note = [&](const auto &record) {
        if (record.correlation == 0)
            return;
        Range &range = used[run_of(record.tag, record.start_ns)];
        range.low = std::min<std::uint64_t>(range.low, record.correlation);
        range.high = std::max<std::uint64_t>(range.high, record.correlation);
    };
    for (std::size_t at = 0; at < session.api_calls.size(); ++at) {
        const ApiRecord &call = session.api_calls[at];
        note(call);
        if (call.correlation != 0)
            calls_.emplace_back(key(run_of(call.tag, call.start_ns), call.correlation), at);
    }
    std::sort(calls_.begin(), calls_.end());
    for (const KernelRecord &kernel : session.kernels)
        note(kernel);
    for (const CopyRecord &copy : session.copies)
        note(copy);

    // Runs in order; one whose ids would meet an earlier run's is moved past all of them.
    std::uint64_t highest = 0;
    for (const auto &[run, range] : used) {
        const std::uint64_t offset = range.low <= highest ? highest + 1 - range.low : 0;
        offset_[run] = offset;
        highest = std::max(highest, range.high + offset);
    }
}

std::uint32_t LaunchLinks::run_of(Tag tag, std::int64_t start_ns) const {
    const std::uint32_t measurement = tag.measurement.value;
    if (measurement < session_.measurements.size())
        return session_.measurements[measurement].run.value;
    for (std::size_t run = session_.runs.size(); run-- > 0;) {
        const RunRecord &candidate = session_.runs[run];
        const bool over = candidate.finished_ns > 0 && candidate.finished_ns < start_ns;
        if (candidate.started_ns <= start_ns && !over)
            return std::uint32_t(run);
    }
    return RunId::kNone;
}

std::uint64_t LaunchLinks::id(std::uint32_t run, std::uint32_t correlation) const {
    const auto found = offset_.find(run);
    return correlation == 0 || found == offset_.end() ? correlation : correlation + found->second;
}

std::optional<std::size_t> LaunchLinks::call(std::uint32_t run, std::uint32_t correlation) const {
    const std::uint64_t wanted = key(run, correlation);
    const auto found =
        std::lower_bound(calls_.begin(), calls_.end(), std::pair(wanted, std::size_t{0}));
    if (correlation == 0 || found == calls_.end() || found->first != wanted)
        return std::nullopt;
    return found->second;
}

} // namespace moescope
