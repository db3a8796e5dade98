#include "kernels/common/cuda_check.h"
#include "kernels/routing/logits.cuh"
#include "kernels/routing/order_key.h"
#include "kernels/routing/routing_math.h"
#include "kernels/routing/topk_variants.h"

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
        error_ = fabsf(next) < INFINITY ? (next - total_) - corrected : 0.0f;
        total_ = next;
    }
    __device__ float total() const { return total_; }

  private:
    float total_ = 0, error_ = 0;
};

class Row {
  public:
    __device__ Row(const ms_topk_args &args, std::int64_t start) : args_(args), start_(start) {
        if (args.score == MS_SCORE_SOFTMAX && !orders_by_logit(args))
            find_exact_softmax();
        if (args.groups_kept < args.groups)
            find_last_group();
    }

    __device__ float logit(int expert) const {
        return without_nan(load_logit(args_.logits, args_.logits_dtype, start_ + expert));
    }

    // The largest key below `bound`.
    __device__ std::uint64_t next_below(std::uint64_t bound) const {
        std::uint64_t best = 0;
        const int size = args_.experts / args_.groups;
        for (int group = 0; group < args_.groups; ++group) {
            const bool kept = last_group_ == 0 || group_rank(group) >= last_group_;
            for (int expert = group * size; expert < (group + 1) * size; ++expert) {
                const std::uint64_t candidate =
                    kept ? key(expert) : rank_key(masked_choice(args_), expert);
                if (candidate < bound && candidate > best)
                    best = candidate;
            }
        }
        return best;
    }

    __device__ float largest_logit() const {
        float largest = -INFINITY;
        for (int expert = 0; expert < args_.experts; ++expert)
            largest = fmaxf(largest, logit(expert));
        return largest;
    }

    // The denominator of the softmax over all experts.
    __device__ float mass(float largest) const {
        Sum sum;
        for (int expert = 0; expert < args_.experts; ++expert)
            sum.add(softmax_term(logit(expert), largest));
        return sum.total();
    }

  private:
    __device__ void find_exact_softmax() {
        exact_.largest = largest_logit();
        std::uint64_t sum = 0;
        for (int expert = 0; expert < args_.experts; ++expert)
            sum += exact_.fixed_term(logit(expert));
        exact_.set_mass(sum);
    }

    __device__ std::uint64_t key(int expert) const {
        const float bias = args_.bias ? args_.bias[expert] : 0.0f;
        return rank_key(choice_of(args_, logit(expert), bias, exact_), expert);
    }

    // Orders groups as rank_key orders experts.
    __device__ std::uint64_t group_rank(int group) const {
        const int size = args_.experts / args_.groups;
        std::uint32_t best = 0, second = 0;
        for (int expert = group * size; expert < (group + 1) * size; ++expert) {
            const auto order = std::uint32_t(key(expert) >> 32);
            second = max(second, min(best, order));
            best = max(best, order);
        }
        return rank_key(order_key_value(group_key(args_, best, second)), group);
    }

    __device__ void find_last_group() {
        std::uint64_t last = ~std::uint64_t(0);
        for (int kept = 0; kept < args_.groups_kept; ++kept) {
            std::uint64_t best = 0;
            for (int group = 0; group < args_.groups; ++group) {
                const std::uint64_t candidate = group_rank(group);
                if (candidate < last && candidate > best)
                    best = candidate;
            }
            last = best;
        }
        last_group_ = last;
    }

    const ms_topk_args &args_;
    const std::int64_t start_;
    ExactSoftmax exact_{};
    std::uint64_t last_group_ = 0; // the rank of the last group that is kept; 0: all are
};

// A selected expert's weight before the renormalisation; largest and mass are the softmax's.
__device__ float weight_of(const ms_topk_args &args, float logit, float largest, float mass) {
    switch (args.score) {
    case MS_SCORE_SOFTMAX:
    case MS_SCORE_TOPK_SOFTMAX:
        return mass > 0 ? softmax_term(logit, largest) / mass : 0.0f;
    case MS_SCORE_SQRT_SOFTPLUS:
        return sqrt_softplus(logit);
    default:
        return sigmoid(logit);
    }
}

__global__ void __launch_bounds__(kThreads)
    topk_scalar_kernel(const __grid_constant__ ms_topk_args args) {
    const std::int64_t token = std::int64_t(blockIdx.x) * kThreads + threadIdx.x;
    if (token >= args.tokens)
        return;
    const Row row(args, token * args.logits_stride);
    float *weights = args.weights + token * args.top_k;
    std::int32_t *ids = args.ids + token * args.top_k;

    std::uint64_t best = ~std::uint64_t(0);
    float largest = -INFINITY;
    for (int i = 0; i < args.top_k; ++i) {
        best = row.next_below(best);
        ids[i] = rank_key_index(best);
        largest = fmaxf(largest, row.logit(ids[i]));
    }
    float mass = 0;
    if (args.score == MS_SCORE_SOFTMAX) {
        largest = row.largest_logit();
        mass = row.mass(largest);
    } else if (args.score == MS_SCORE_TOPK_SOFTMAX) {
        Sum sum;
        for (int i = 0; i < args.top_k; ++i)
            sum.add(softmax_term(row.logit(ids[i]), largest));
        mass = sum.total();
    }
    Sum selected;
    for (int i = 0; i < args.top_k; ++i) {
        weights[i] = weight_of(args, row.logit(ids[i]), largest, mass);
        selected.add(weights[i]);
    }
    const float divisor = renorm_divisor(args.renorm, selected.total(), args.renorm_epsilon);
    for (int i = 0; i < args.top_k; ++i)
        weights[i] = rounded_weight(final_weight(weights[i], divisor, args.routed_scaling),
                                    args.weights_round);
}

} // namespace

ms_status topk_scalar(const ms_topk_args &args, ms_stream stream) {
    const auto blocks = unsigned((args.tokens + kThreads - 1) / kThreads);
    topk_scalar_kernel<<<blocks, kThreads, 0, stream>>>(args);
    MS_LAUNCH_CHECK();
    return succeed();
}

} // namespace moescope
