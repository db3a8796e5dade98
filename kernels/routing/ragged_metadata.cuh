// Offsets and schedules of a ragged tensor for several block sizes, in one launch.
#pragma once

#include "kernels/include/moescope/kernels.h"

#include <cstdint>

namespace moescope {

// Besides, where `weights` is not null: sorted_weights[i] = weights[order[i]], 0 where that is -1.
struct WeightOrder {
    const float *weights;
    const std::int32_t *order;
    std::int64_t slots;
    float *sorted_weights;
};

ms_status enqueue_ragged_metadata(const ms_ragged_metadata_args &args, const WeightOrder &order,
                                  ms_stream stream);

} // namespace moescope
