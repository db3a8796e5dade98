// What every operator needs to call the kernels: errors as ours, dtypes as theirs, filled buffers.
#pragma once

#include "profiler/base/result.h"
#include "profiler/base/try.h"
#include "profiler/plan/plan.h"
#include "profiler/worker/device.h"
#include "profiler/workload/kernel_dtype.h"

#include <cstdint>
#include <functional>
#include <string_view>

namespace moescope {

// `what` was being done; the library's message is the reason.
Status kernel_status(ms_status code, std::string_view what);

// What an operator whose launch is such a layer compiles first: see Operator::compile_first().
std::function<Status()> compile_layer(Device &device, const ms_moe_mlp_args &args, std::string_view what);

TileConfig tile_config(const ms_tile_config &from);
ms_tile_config kernel_config(const TileConfig &from);

// The power of two nearest to `value`: fill_uniform() is exact only for those.
float nearest_power_of_two(double value);

// Which tensor of a workload a fill is for: each has its own values.
enum class Tensor : std::uint32_t {
    Hidden = 1,
    Gate,
    GateLoraA,
    GateLoraB,
    Bias,
    X,
    Weights,
    LoraA,
    LoraB,
    Packed,
    Absmax,
    AbsmaxBytes,
    NestedAbsmax,
    Gradient,
    RoutingWeights,
    Scales,
    Exponents,
    DenseWeights,
    VocabularyLogits,
    SelectedTokens,
};

// Replaces `buffer` by a new one; what it held is freed first.
Status allocate(Device &device, Buffer &buffer, std::int64_t bytes, std::string_view label);

// The same, filled: [count] of dtype with uniform values in [-scale, scale), or with uniform bytes.
// Different operators (`salt`) get different values from the same tensor.
struct FillFor {
    std::uint64_t seed;
    Tensor tensor;
    OperatorId salt;
    std::int64_t first = 0; // the buffer's first element within the tensor: a multiple of 8
};
Status allocate_uniform(Device &device, Buffer &buffer, std::string_view label, ms_dtype dtype, std::int64_t count,
                        FillFor fill, float scale);
Status allocate_bytes(Device &device, Buffer &buffer, std::string_view label, std::int64_t count, FillFor fill);

} // namespace moescope
