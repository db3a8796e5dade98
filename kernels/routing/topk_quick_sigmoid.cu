#include "kernels/common/cuda_check.h"
#include "kernels/routing/quick_sigmoid.cuh"
#include "kernels/routing/topk_variants.h"

#include <cstdint>

namespace moescope {

namespace {

// kLanes lanes a row; rows that stay open are routed again, by the whole warp.
template <int kLanes, int kWarps>
__global__ void __launch_bounds__(kWarps *kWarpSize)
    topk_quick_sigmoid_kernel(const __grid_constant__ TopkPlan plan) {
    using Quick = QuickSigmoid<kLanes>;
    __shared__ typename Quick::Biases biases;
    const ms_topk_args &args = plan.args;
    const std::int64_t row =
        std::int64_t(blockIdx.x) * (kWarps * kWarpSize / kLanes) + threadIdx.x / kLanes;
    const bool exists = row < args.tokens; // lanes of no row repeat the last one
    Quick quick(plan, exists ? row : args.tokens - 1);
    biases.template load<kWarps * kWarpSize>(args);
    const auto write = [&](std::int64_t of, int rank, int expert, float weight) {
        args.weights[of * args.top_k + rank] = weight;
        args.ids[of * args.top_k + rank] = expert;
    };
    const bool open = quick.route(biases, [&](int rank, int expert, float weight) {
        if (exists)
            write(row, rank, expert, weight);
    });
    const bool again = open && exists && threadIdx.x % kLanes == 0;
    for (unsigned left = __ballot_sync(kFullWarp, again); left != 0; left &= left - 1) {
        const std::int64_t of = __shfl_sync(kFullWarp, row, __ffs(int(left)) - 1);
        TopkRow<TopkKind::Sigmoid, kUsualShape>::route(
            plan, of, [&](int rank, int expert, float weight) { write(of, rank, expert, weight); });
    }
}

template <int kLanes, int kWarps> void launch(const ms_topk_args &args, ms_stream stream) {
    constexpr int rows_per_block = kWarps * kWarpSize / kLanes;
    const auto blocks = unsigned((args.tokens + rows_per_block - 1) / rows_per_block);
    topk_quick_sigmoid_kernel<kLanes, kWarps>
        <<<blocks, kWarps * kWarpSize, 0, stream>>>(plan_topk(args, kUsualShape));
}

} // namespace

bool takes_quick_sigmoid(const ms_topk_args &args) {
    const bool groups_fit =
        args.groups_kept == args.groups || args.groups == kQuickExperts / kQuickGroup;
    return args.score == MS_SCORE_SIGMOID && args.experts == kQuickExperts && groups_fit &&
           args.top_k <= kMergedList && plan_topk(args, kManyMergedShape).whole_lanes;
}

ms_status topk_quick_sigmoid(const ms_topk_args &args, ms_stream stream) {
    constexpr std::int64_t kManyTokens = 2048; // fewer leave processors idle
    if (args.tokens >= kManyTokens)
        launch<8, 8>(args, stream);
    else
        launch<32, 4>(args, stream);
    MS_LAUNCH_CHECK();
    return succeed();
}

} // namespace moescope
