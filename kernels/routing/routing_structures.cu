#include "kernels/common/argument_check.h"
#include "kernels/common/cuda_check.h"
#include "kernels/routing/ragged_metadata.cuh"
#include "kernels/routing/routing_checks.h"

#include <algorithm>
#include <cstdint>

namespace moescope {

namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMaxBlocks = 1024;

// A thread a word of a token; a warp writes 32 tokens' words at once.
__global__ void __launch_bounds__(kThreads)
    set_bits(const __grid_constant__ ms_bitmatrix_args args) {
    const int word = int(blockIdx.y);
    for (std::int64_t token = std::int64_t(blockIdx.x) * kThreads + threadIdx.x;
         token < args.bits_stride; token += std::int64_t(gridDim.x) * kThreads) {
        std::uint32_t bits = 0;
        if (token < args.tokens)
            for (int i = 0; i < args.top_k; ++i) {
                const std::int32_t id = args.ids[token * args.top_k + i];
                if (unsigned(id) < unsigned(args.experts) && id / 32 == word)
                    bits |= 1u << (id % 32);
            }
        args.bits[word * args.bits_stride + token] = bits;
    }
}

ms_status enqueue_bits(const ms_bitmatrix_args &args, ms_stream stream) {
    if (args.bits_stride == 0)
        return succeed();
    const std::int64_t blocks = (args.bits_stride + kThreads - 1) / kThreads;
    const dim3 grid(unsigned(std::min(blocks, kMaxBlocks)), unsigned(args.experts + 31) / 32);
    set_bits<<<grid, kThreads, 0, stream>>>(args);
    MS_LAUNCH_CHECK();
    return succeed();
}

} // namespace

} // namespace moescope

extern "C" size_t ms_bitmatrix_workspace_bytes(const ms_bitmatrix_args *args) {
    using namespace moescope;
    ms_bitmatrix_args full;
    ArgumentCheck("ms_bitmatrix_workspace_bytes").read(args, full);
    const ms_route_metadata_args sort = sort_of(full);
    return ms_route_metadata_workspace_bytes(&sort);
}

extern "C" ms_status ms_bitmatrix(const ms_bitmatrix_args *args, ms_stream stream) {
    using namespace moescope;
    ms_bitmatrix_args full;
    if (const ms_status status = check_bitmatrix(args, full); status != MS_OK)
        return status;
    const ms_route_metadata_args sort = sort_of(full);
    if (const ms_status status = ms_route_metadata(&sort, stream); status != MS_OK)
        return status;
    return enqueue_bits(full, stream);
}

extern "C" size_t ms_routing_data_workspace_bytes(const ms_routing_data_args *args) {
    using namespace moescope;
    ms_routing_data_args full;
    ArgumentCheck("ms_routing_data_workspace_bytes").read(args, full);
    const ms_route_metadata_args sort = sort_of(full);
    return ms_route_metadata_workspace_bytes(&sort);
}

extern "C" ms_status ms_routing_data(const ms_routing_data_args *args, ms_stream stream) {
    using namespace moescope;
    ms_routing_data_args full;
    if (const ms_status status = check_routing_data(args, full); status != MS_OK)
        return status;
    const ms_route_metadata_args sort = sort_of(full);
    if (const ms_status status = ms_route_metadata(&sort, stream); status != MS_OK)
        return status;
    ms_ragged_metadata_args schedules = schedules_of(full);
    schedules.slice_offs = nullptr; // the sort has written them
    const WeightOrder order{full.weights, full.gather_indx, full.slots, full.gate_scal};
    return enqueue_ragged_metadata(schedules, full.slots > 0 ? order : WeightOrder{}, stream);
}
