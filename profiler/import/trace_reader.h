// Chrome trace JSON as a stream of events: nothing is held but the event being read.
#pragma once

#include "profiler/import/trace_text.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace moescope {

// One element of traceEvents. Times are nanoseconds after the trace's base; absent fields keep
// their defaults, and those of the wrong type count as absent.
struct TraceEvent {
    std::string phase, category, name;
    std::optional<std::int64_t> pid, tid, ts_ns, dur_ns;
    // Of args:
    std::optional<std::int64_t> correlation, device, stream, bytes, address, device_type, device_id;
    std::optional<std::int64_t> registers, smem_bytes, occupancy_percent;
    std::array<std::int64_t, 3> grid{}, block{};
};

// One element of deviceProperties.
struct TraceDevice {
    std::string name;
    std::optional<std::int64_t> id, memory_bytes, compute_major, compute_minor, max_threads_per_block,
        max_threads_per_sm, registers_per_block, registers_per_sm, warp_size, smem_per_block,
        smem_per_sm, smem_per_block_optin, multiprocessors;
};

struct TraceHead {
    std::int64_t base_ns = 0;
    std::string host;
    std::int64_t runtime_version = 0; // 13000: CUDA 13.0
    std::vector<TraceDevice> devices;
    bool has_events = false;          // there is a list of events, if only an empty one
    std::uint64_t events = 0;
};

// "4410479814871.196" microseconds -> 4410479814871196 ns: exact, as a double is not. Nothing for
// what is no decimal number or too large.
std::optional<std::int64_t> nanoseconds_of(std::string_view microseconds);

// Calls on_event for each event in the file's order. Errors name the file: unreadable, not JSON,
// beyond a limit.
Result<TraceHead> read_trace(const std::filesystem::path &path, const TraceLimits &limits,
                             const std::function<void(const TraceEvent &)> &on_event);

} // namespace moescope
