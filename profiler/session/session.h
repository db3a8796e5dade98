// An immutable snapshot of everything measured. Views and exporters read a
// std::shared_ptr<const Session>; a SessionBuilder makes the next one.
#pragma once

#include "profiler/base/chunked_vector.h"
#include "profiler/session/records.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace moescope {

enum class Origin { Live, Recorded }; // Recorded: opened from a file

struct Session {
    std::string title;
    std::string path;          // of its file; "" while it has none
    Origin origin = Origin::Live;
    std::int64_t created_ns = 0;
    std::string app_version;
    std::uint64_t version = 0; // grows with every snapshot

    ChunkedVector<std::string, 256> names;
    ChunkedVector<RunRecord, 16> runs;
    ChunkedVector<Measurement, 64> measurements;
    ChunkedVector<Candidate, 256> candidates;
    ChunkedVector<RoutingRecord, 16> routings;
    ChunkedVector<KernelRecord> kernels;
    ChunkedVector<ApiRecord> api_calls;
    ChunkedVector<CopyRecord> copies;
    ChunkedVector<MemoryRecord> memory;
    ChunkedVector<OverheadRecord> overheads;
    ChunkedVector<CounterRecord> counters;
    ChunkedVector<PmSampleRecord> pm_samples;
    ChunkedVector<DeviceStateRecord> device_states;
    ChunkedVector<PcSampleRecord> pc_samples;
    ChunkedVector<Failure, 16> failures;

    std::string_view name(NameId id) const {
        return id.valid() && id.value < names.size() ? std::string_view(names[id.value]) : std::string_view();
    }
    bool empty() const { return runs.empty(); }
};

using SessionPtr = std::shared_ptr<const Session>;

} // namespace moescope
