#include "kernels/common/cuda_check.h"
#include "kernels/routing/logits.cuh"
#include "kernels/routing/order_key.h"
#include "kernels/routing/routing_math.h"
#include "kernels/routing/softmax_topk_variants.h"

#include <cstdint>

namespace moescope {

namespace {

constexpr int kThreads = 64;

// A compensated sum (Kahan): one thread adds a row of any length.
class Sum {
  public:
    __device__ void add(float value) {
        const float corrected = value - error_;
        const float next = total_ + corrected;
        error_ = (next - total_) - corrected;
        total_ = next;
    }
    __device__ float total() const { return total_; }

  private:
    float total_ = 0, error_ = 0;
};

struct Row {
    const ms_softmax_topk_args &args;
    std::int64_t start;

    __device__ std::uint64_t key(int expert) const {
        return rank_key(load_logit(args.logits, args.logits_dtype, start + expert), expert);
    }

    // The largest key below `bound`.
    __device__ std::uint64_t next_below(std::uint64_t bound) const {
        std::uint64_t best = 0;
        for (int expert = 0; expert < args.experts; ++expert) {
            const std::uint64_t candidate = key(expert);
            if (candidate < bound && candidate > best)
                best = candidate;
        }
        return best;
    }

    __device__ float mass(float largest) const {
        Sum sum;
        for (int expert = 0; expert < args.experts; ++expert)
            sum.add(softmax_term(rank_key_value(key(expert)), largest));
        return sum.total();
    }
};

__global__ void __launch_bounds__(kThreads)
    softmax_topk_scalar_scan(const __grid_constant__ ms_softmax_topk_args args) {
    const std::int64_t token = std::int64_t(blockIdx.x) * kThreads + threadIdx.x;
    if (token >= args.tokens)
        return;
    const Row row{args, token * args.logits_stride};
    float *weights = args.weights + token * args.top_k;
    std::int32_t *ids = args.ids + token * args.top_k;

    std::uint64_t best = row.next_below(~std::uint64_t(0));
    const float largest = rank_key_value(best);
    const float mass = row.mass(largest);
    Sum selected;
    for (int i = 0; i < args.top_k; ++i) {
        const float weight = mass > 0 ? softmax_term(rank_key_value(best), largest) / mass : 0.0f;
        selected.add(weight);
        weights[i] = weight;
        ids[i] = rank_key_index(best);
        if (i + 1 < args.top_k)
            best = row.next_below(best);
    }
    const float divisor = renorm_divisor(args.renorm, selected.total(), args.renorm_epsilon);
    for (int i = 0; i < args.top_k; ++i)
        weights[i] = final_weight(weights[i], divisor, args.routed_scaling);
}

} // namespace

ms_status softmax_topk_scalar(const ms_softmax_topk_args &args, ms_stream stream) {
    const auto blocks = unsigned((args.tokens + kThreads - 1) / kThreads);
    softmax_topk_scalar_scan<<<blocks, kThreads, 0, stream>>>(args);
    MS_LAUNCH_CHECK();
    return succeed();
}

} // namespace moescope
