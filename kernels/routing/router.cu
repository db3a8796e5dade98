// The router's logits: one product of the hidden states with the gate, and with the gate LoRA's A as
// further columns, in parts of H where there are few tokens; then a pass that adds the parts in
// their order and the LoRA's delta; then the routing.
#include "kernels/common/argument_check.h"
#include "kernels/common/cuda_check.h"
#include "kernels/routing/gate_logits.cuh"
#include "kernels/routing/logits.cuh"
#include "kernels/routing/routing_checks.h"
#include "kernels/routing/warp.cuh"

#include <cstdint>

namespace moescope {

namespace {

constexpr int kMergeWarps = 4; // a block, one token each
constexpr std::int32_t kMaxRank = 256;
constexpr std::size_t kAlignment = 256;

GateTiling tiling_of(const ms_router_args &args) {
    return {args.tokens, std::int64_t(args.experts) + args.rank, args.hidden_size};
}

// Without parts to add and without LoRA the product writes the logits themselves.
std::size_t workspace_bytes(const ms_router_args &args) {
    const int parts = tiling_of(args).parts;
    if (parts == 1 && args.rank == 0)
        return 0;
    return std::size_t(parts) * std::size_t(args.tokens) *
           (std::size_t(args.experts) + std::size_t(args.rank)) * sizeof(float);
}

struct Merge {
    ms_router_args args;
    const float *partial; // [parts, T, E + R]
    int parts;
};

__device__ float sum_of_parts(const Merge &merge, std::int64_t token, int column) {
    const std::int64_t columns = std::int64_t(merge.args.experts) + merge.args.rank;
    const float *value = merge.partial + token * columns + column;
    float sum = 0;
    for (int part = 0; part < merge.parts; ++part)
        sum += value[part * merge.args.tokens * columns];
    return sum;
}

// One warp a token.
template <class T>
__global__ void __launch_bounds__(kMergeWarps *kWarpSize)
    merge_logits_kernel(const __grid_constant__ Merge merge) {
    __shared__ float all_xa[kMergeWarps][kMaxRank];
    const ms_router_args &args = merge.args;
    const int lane = int(threadIdx.x) % kWarpSize, warp = int(threadIdx.x) / kWarpSize;
    const std::int64_t token = std::int64_t(blockIdx.x) * kMergeWarps + warp;
    if (token >= args.tokens)
        return;
    float *xa = all_xa[warp]; // rounded to the dtype before it meets B
    for (int r = lane; r < args.rank; r += kWarpSize)
        xa[r] = rounded_weight(sum_of_parts(merge, token, args.experts + r), args.dtype);
    __syncwarp();
    for (int expert = lane; expert < args.experts; expert += kWarpSize) {
        float logit = sum_of_parts(merge, token, expert);
        if (args.rank > 0) {
            const T *b = static_cast<const T *>(args.lora_b) + std::int64_t(expert) * args.rank;
            float delta = 0;
            for (int r = 0; r < args.rank; ++r)
                delta += xa[r] * widen(b[r]);
            logit += args.scaling * delta;
        }
        args.logits[token * args.experts + expert] = logit;
    }
}

template <class T> ms_status enqueue_logits(const ms_router_args &args, ms_stream stream) {
    const GateTiling tiling = tiling_of(args);
    const bool merges = workspace_bytes(args) > 0;
    const int columns = args.experts + args.rank;
    auto *partial = merges ? static_cast<float *>(args.workspace) : args.logits;
    const GateProduct product{args.hidden,  args.hidden_stride, args.tokens,
                              args.gate,    args.lora_a,        args.experts,
                              columns,      args.hidden_size,   tiling.blocks_per_part,
                              partial};
    constexpr int shared_bytes = GateTiling::kStages * GateTiling::kStageBytes;
    MS_CUDA_TRY(cudaFuncSetAttribute(gate_logits_kernel<T>,
                                       cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes));
    const dim3 grid(unsigned(tiling.row_tiles), unsigned(tiling.column_tiles),
                    unsigned(tiling.parts));
    gate_logits_kernel<T><<<grid, GateTiling::kThreads, shared_bytes, stream>>>(product);
    MS_LAUNCH_CHECK();
    if (!merges)
        return succeed();
    const auto blocks = unsigned((args.tokens + kMergeWarps - 1) / kMergeWarps);
    merge_logits_kernel<T>
        <<<blocks, kMergeWarps * kWarpSize, 0, stream>>>({args, partial, tiling.parts});
    MS_LAUNCH_CHECK();
    return succeed();
}

ms_status check_workspace(const ms_router_args &args) {
    const std::size_t needed = workspace_bytes(args);
    ArgumentCheck check("ms_router");
    check.require(args.workspace_bytes >= needed, "workspace_bytes",
                  std::to_string(args.workspace_bytes), "at least " + std::to_string(needed));
    if (needed > 0)
        check.pointer("workspace", args.workspace, kAlignment);
    return check.status();
}

} // namespace

} // namespace moescope

extern "C" size_t ms_router_workspace_bytes(const ms_router_args *args) {
    using namespace moescope;
    ms_router_args full;
    return check_router_sizes(args, full) == MS_OK ? workspace_bytes(full) : 0;
}

extern "C" ms_status ms_router(const ms_router_args *args, ms_stream stream) {
    using namespace moescope;
    CheckedRouter full;
    if (const ms_status status = check_router(args, full); status != MS_OK)
        return status;
    if (const ms_status status = check_workspace(full.args); status != MS_OK)
        return status;
    const ms_status status = full.args.dtype == MS_F16
                                 ? enqueue_logits<__half>(full.args, stream)
                                 : enqueue_logits<__nv_bfloat16>(full.args, stream);
    return status == MS_OK ? ms_topk(&full.topk, stream) : status;
}
