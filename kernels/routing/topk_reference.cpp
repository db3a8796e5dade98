#include "kernels/common/float_types.h"
#include "kernels/common/parallel_for.h"
#include "kernels/common/status.h"
#include "kernels/reference.h"
#include "kernels/routing/order_key.h"
#include "kernels/routing/routing_checks.h"
#include "kernels/routing/routing_math.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

namespace moescope::reference {

namespace {

// One token's routing; the vectors are kept from token to token.
class TokenRouter {
  public:
    explicit TokenRouter(const ms_topk_args &args)
        : args_(args), group_size_(args.experts / args.groups), logits_(args.experts),
          keys_(args.experts), group_keys_(args.groups) {}

    void route(std::int64_t token) {
        for (std::int32_t expert = 0; expert < args_.experts; ++expert)
            logits_[expert] = without_nan(load_as_float(
                args_.logits, args_.logits_dtype, token * args_.logits_stride + expert));
        make_keys();
        if (args_.groups_kept < args_.groups)
            mask_groups();
        std::partial_sort(keys_.begin(), keys_.begin() + args_.top_k, keys_.end(),
                          std::greater<>());
        for (std::int32_t i = 0; i < args_.top_k; ++i)
            args_.ids[token * args_.top_k + i] = rank_key_index(keys_[i]);
        weigh(args_.weights + token * args_.top_k);
    }

  private:
    void make_keys() {
        ExactSoftmax softmax{};
        if (args_.score == MS_SCORE_SOFTMAX && !orders_by_logit(args_)) {
            softmax.largest = *std::max_element(logits_.begin(), logits_.end());
            std::uint64_t sum = 0;
            for (float logit : logits_)
                sum += softmax.fixed_term(logit);
            softmax.set_mass(sum);
        }
        for (std::int32_t expert = 0; expert < args_.experts; ++expert) {
            const float bias = args_.bias ? args_.bias[expert] : 0.0f;
            keys_[expert] = rank_key(choice_of(args_, logits_[expert], bias, softmax), expert);
        }
    }

    // The experts of all but the best groups lose their choice.
    void mask_groups() {
        for (std::int32_t group = 0; group < args_.groups; ++group)
            group_keys_[group] = rank_key(group_score(group), group);
        std::sort(group_keys_.begin(), group_keys_.end(), std::greater<>());
        for (std::int32_t i = args_.groups_kept; i < args_.groups; ++i) {
            const std::int32_t first = rank_key_index(group_keys_[i]) * group_size_;
            for (std::int32_t expert = first; expert < first + group_size_; ++expert)
                keys_[expert] = rank_key(masked_choice(args_), expert);
        }
    }

    float group_score(std::int32_t group) const {
        std::uint32_t best = 0;
        std::uint32_t second = 0;
        for (std::int32_t i = 0; i < group_size_; ++i) {
            const auto order = std::uint32_t(keys_[group * group_size_ + i] >> 32);
            second = std::max(second, std::min(best, order));
            best = std::max(best, order);
        }
        return order_key_value(group_key(args_, best, second));
    }

    float selected_logit(std::int32_t i) const { return logits_[rank_key_index(keys_[i])]; }

    // The sum of exp(logit - largest): over all experts, or over the selected ones.
    double mass(double largest) const {
        double sum = 0;
        if (args_.score == MS_SCORE_SOFTMAX)
            for (float logit : logits_)
                sum += softmax_term<double>(logit, largest);
        else
            for (std::int32_t i = 0; i < args_.top_k; ++i)
                sum += softmax_term<double>(selected_logit(i), largest);
        return sum;
    }

    double largest_logit() const {
        double largest = -INFINITY;
        if (args_.score == MS_SCORE_SOFTMAX)
            return *std::max_element(logits_.begin(), logits_.end());
        for (std::int32_t i = 0; i < args_.top_k; ++i)
            largest = std::max<double>(largest, selected_logit(i));
        return largest;
    }

    // The selected scores, in float32.
    void score(float *weights) const {
        if (args_.score == MS_SCORE_SOFTMAX || args_.score == MS_SCORE_TOPK_SOFTMAX) {
            const double largest = largest_logit(), sum = mass(largest);
            for (std::int32_t i = 0; i < args_.top_k; ++i)
                weights[i] =
                    sum > 0 ? float(softmax_term<double>(selected_logit(i), largest) / sum) : 0.0f;
            return;
        }
        for (std::int32_t i = 0; i < args_.top_k; ++i)
            weights[i] = args_.score == MS_SCORE_SQRT_SOFTPLUS ? sqrt_softplus(selected_logit(i))
                                                               : sigmoid(selected_logit(i));
    }

    // Scores, renormalised, scaled and rounded.
    void weigh(float *weights) const {
        score(weights);
        double sum = 0;
        for (std::int32_t i = 0; i < args_.top_k; ++i)
            sum += weights[i];
        const double divisor = renorm_divisor(args_.renorm, sum, args_.renorm_epsilon);
        for (std::int32_t i = 0; i < args_.top_k; ++i)
            weights[i] = round_to(args_.weights_round,
                                  float(final_weight<double>(weights[i], divisor,
                                                             args_.routed_scaling)));
    }

    const ms_topk_args &args_;
    std::int32_t group_size_;
    std::vector<float> logits_;             // NaN taken for -infinity
    std::vector<std::uint64_t> keys_;       // by expert, then the best first
    std::vector<std::uint64_t> group_keys_; // the best first
};

template <class Args>
ms_status route_all(const Args *args, ms_status (*check)(const Args *, ms_topk_args &)) {
    ms_topk_args full;
    if (const ms_status status = check(args, full); status != MS_OK)
        return status;
    parallel_for(full.tokens, 1 + 4096 / full.experts, [&](std::int64_t begin, std::int64_t end) {
        TokenRouter router(full);
        for (std::int64_t token = begin; token < end; ++token)
            router.route(token);
    });
    return succeed();
}

} // namespace

ms_status topk(const ms_topk_args *args, ms_stream /*stream*/) { return route_all(args, check_topk); }

ms_status softmax_topk(const ms_softmax_topk_args *args, ms_stream /*stream*/) {
    return route_all(args, check_softmax_topk);
}

ms_status sigmoid_topk(const ms_sigmoid_topk_args *args, ms_stream /*stream*/) {
    return route_all(args, check_sigmoid_topk);
}

} // namespace moescope::reference
