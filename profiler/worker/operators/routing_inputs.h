// The routing all operators of a run share: made once, on the device itself, from the workload's
// popularity of experts.
#pragma once

#include "profiler/ranks/share.h"
#include "profiler/worker/device.h"
#include "profiler/workload/workload.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace moescope {

class RankGroup;

struct PreparedRouting {
    std::int64_t tokens = 0;
    std::int64_t first_token = 0; // of the workload's: a rank has its share of them
    RankGroup *ranks = nullptr;   // who has the rest; null: nobody
    std::int64_t slots = 0; // S = T * k
    std::int32_t experts = 0, top_k = 0;
    Buffer ids;          // int32 [S]
    Buffer counts;       // int32 [E]
    Buffer offsets;      // int32 [E + 1]
    Buffer sorted_slots; // int32 [S]
    Buffer inverse;      // int32 [S]
    std::vector<std::int32_t> host_counts; // [E]

    std::int64_t active_experts() const;
};

// Logits [T, E] whose softmax top-k visits the experts as the workload's skew says.
Result<Buffer> make_routing_logits(Device &device, const Workload &workload, ms_dtype dtype);

// Logits, softmax top-k and the sort by expert, of the share's tokens (of all, without one). The memory
// check comes first: the error has the bytes that are needed and those that are free.
Result<PreparedRouting> prepare_routing(Device &device, const Workload &workload, std::optional<Share> share = {});

// The same from expert ids [S] that were chosen elsewhere.
Result<PreparedRouting> routing_from_ids(Device &device, const Workload &workload, std::span<const std::int32_t> ids);

// What the session keeps: counts, and the ids of the first 64 tokens.
Result<RoutingRecord> routing_record(Device &device, const PreparedRouting &routing);

// An error if `bytes` for `what` are more than the device's `free_bytes`.
Status check_fits(const DeviceInfo &device, double bytes, std::int64_t free_bytes, std::string_view what);

} // namespace moescope
