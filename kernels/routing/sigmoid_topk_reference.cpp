#include "kernels/common/float_types.h"
#include "kernels/common/parallel_for.h"
#include "kernels/common/status.h"
#include "kernels/reference.h"
#include "kernels/routing/order_key.h"
#include "kernels/routing/routing_checks.h"
#include "kernels/routing/selected_weights.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

namespace moescope::reference {

namespace {

// One token's routing; the vectors are kept from token to token.
class TokenRouter {
  public:
    explicit TokenRouter(const ms_sigmoid_topk_args &args)
        : args_(args), group_size_(args.experts / args.groups), keys_(args.experts),
          group_keys_(args.groups) {}

    void route(std::int64_t token) {
        for (std::int32_t expert = 0; expert < args_.experts; ++expert)
            keys_[expert] = rank_key(choice(token, expert), expert);
        if (args_.groups_kept < args_.groups)
            mask_groups();
        std::partial_sort(keys_.begin(), keys_.begin() + args_.top_k, keys_.end(),
                          std::greater<>());

        float *weights = args_.weights + token * args_.top_k;
        for (std::int32_t i = 0; i < args_.top_k; ++i) {
            const std::int32_t expert = rank_key_index(keys_[i]);
            args_.ids[token * args_.top_k + i] = expert;
            weights[i] = sigmoid(logit(token, expert));
        }
        finish_weights(args_, weights);
    }

  private:
    float logit(std::int64_t token, std::int32_t expert) const {
        return load_as_float(args_.logits, args_.logits_dtype,
                             token * args_.logits_stride + expert);
    }

    float choice(std::int64_t token, std::int32_t expert) const {
        return sigmoid(logit(token, expert)) + (args_.bias ? args_.bias[expert] : 0.0f);
    }

    // The experts of all but the best groups lose their choice.
    void mask_groups() {
        for (std::int32_t group = 0; group < args_.groups; ++group)
            group_keys_[group] = rank_key(group_score(group), group);
        std::sort(group_keys_.begin(), group_keys_.end(), std::greater<>());
        const float fill = args_.masked_fill == MS_MASKED_ZERO_COMPAT ? 0.0f : -INFINITY;
        for (std::int32_t i = args_.groups_kept; i < args_.groups; ++i) {
            const std::int32_t first = rank_key_index(group_keys_[i]) * group_size_;
            for (std::int32_t expert = first; expert < first + group_size_; ++expert)
                keys_[expert] = rank_key(fill, expert);
        }
    }

    // A group of one expert has no second choice to add.
    float group_score(std::int32_t group) const {
        std::uint64_t best = 0;
        std::uint64_t second = 0;
        for (std::int32_t i = 0; i < group_size_; ++i) {
            const std::uint64_t key = keys_[group * group_size_ + i];
            second = std::max(second, std::min(best, key));
            best = std::max(best, key);
        }
        if (args_.group_score == MS_GROUP_MAX || group_size_ == 1)
            return rank_key_value(best);
        return rank_key_value(best) + rank_key_value(second);
    }

    const ms_sigmoid_topk_args &args_;
    std::int32_t group_size_;
    std::vector<std::uint64_t> keys_;       // by expert, then the best first
    std::vector<std::uint64_t> group_keys_; // the best first
};

} // namespace

ms_status sigmoid_topk(const ms_sigmoid_topk_args *args, ms_stream /*stream*/) {
    ms_sigmoid_topk_args full;
    if (const ms_status status = check_sigmoid_topk(args, full); status != MS_OK)
        return status;
    parallel_for(full.tokens, 1 + 4096 / full.experts, [&](std::int64_t begin, std::int64_t end) {
        TokenRouter router(full);
        for (std::int64_t token = begin; token < end; ++token)
            router.route(token);
    });
    return succeed();
}

} // namespace moescope::reference
