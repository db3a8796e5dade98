// The routing of rows of sigmoids for many rows at once: first by approximate choices, whose 24
// bits share a key with the expert's 8, and which are known to within a margin. Only what that
// leaves open is looked at by its exact value: the order of the selected experts always, and where
// a choice or a group's score is within the margin of the last that is selected, which of them that
// is. A row that is still open then is given back. So the result is that of TopkRow to the bit.
#pragma once

#include "kernels/include/moescope/kernels.h"
#include "kernels/routing/logits.cuh"
#include "kernels/routing/merged_lists.cuh"
#include "kernels/routing/topk_row.cuh"

#include <bit>
#include <cstdint>

namespace moescope {

constexpr int kQuickExperts = 256, kQuickGroup = 32;

// An approximate choice plus an origin has a fixed point: its last bits count in units of 2^-20, or
// of 2^-16 where a bias is large. It differs from the exact choice by rounding twice to that unit;
// by 2^-22 in the sigmoid and by 2^-23 of the exact one's, where choices are below 4; and by half a
// unit in the last place of a float32 where that is rounded itself: 1.5 units at most, of either
// size.
struct QuickChoice {
    // What a bias is clamped to, and the origin, for the smaller unit; all are 16 times that for
    // the larger one. A sum's last 24 bits are 0 at 8, and count from there.
    static constexpr float kLowest = -3.75f, kHighest = 2.75f, kOrigin = 12, kUnit = 0x1p-20f;
    static constexpr float kLargeScale = 16;
    // Choices of other keys than these are not known: of a clamped bias, or a NaN among them.
    static constexpr std::uint32_t kFirst = std::uint32_t((kLowest + 1 + kOrigin - 8) / kUnit) << 8;
    static constexpr std::uint32_t kLast = std::uint32_t((kHighest + kOrigin - 8) / kUnit) << 8;
    static constexpr std::uint32_t kZero = std::uint32_t((kOrigin - 8) / kUnit) << 8;
    // Two choices whose keys differ by more are in that order.
    static constexpr std::uint32_t kMargin = 4u << 8 | 0xff;
    static constexpr int kGroupMargin = 8; // of two sums of two choices, in units

    __device__ static float sigmoid(float logit) {
        float e, share;
        asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(e) : "f"(logit * -1.44269504f));
        asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(share) : "f"(1.0f + e));
        return share;
    }
    __device__ static bool is_large(float bias) {
        return bias < kLowest + 1 || bias > kHighest - 1;
    }
    // With the origin; a NaN counts as the least.
    __device__ static float bias(float bias, float scale) {
        return fminf(fmaxf(bias, kLowest * scale), kHighest * scale) + kOrigin * scale;
    }
    // complements: of four experts, a byte each.
    template <int kByte>
    __device__ static std::uint32_t key(float choice, std::uint32_t complements) {
        return __byte_perm(std::bit_cast<std::uint32_t>(choice), complements, 0x2104 + kByte);
    }
    __device__ static int expert(std::uint32_t key) { return int(0xff - (key & 0xff)); }
};

// A row by kLanes lanes; 32 / kLanes rows share a warp, all of whose lanes take part.
template <int kLanes> class QuickSigmoid {
    static constexpr int kItems = kQuickExperts / kLanes, kGroupLanes = kQuickGroup / kItems;
    static constexpr int kGroups = kQuickExperts / kQuickGroup;
    static constexpr int kBiasStride = kItems + 4; // lanes' 16 bytes lie in banks of their own
    static constexpr bool kSharesBiases = kLanes < kWarpSize; // else a lane reads its own
    using Row = Lanes<kLanes>;
    using Key = std::uint32_t;

  public:
    // The biases as the keys need them.
    struct Biases {
        alignas(16) float values[kSharesBiases ? kLanes * kBiasStride : 4];

        template <int kThreads> __device__ void load(const ms_topk_args &args) {
            if constexpr (kSharesBiases) {
                constexpr int kEach = (kQuickExperts + kThreads - 1) / kThreads;
                float biases[kEach] = {};
                bool large = false;
                for_each<kThreads>([&](int i, int expert) {
                    biases[i] = args.bias ? args.bias[expert] : 0.0f;
                    large |= QuickChoice::is_large(biases[i]);
                });
                const float scale = __syncthreads_or(large) ? QuickChoice::kLargeScale : 1.0f;
                for_each<kThreads>([&](int i, int expert) {
                    values[expert / kItems * kBiasStride + expert % kItems] =
                        QuickChoice::bias(biases[i], scale);
                });
                __syncthreads();
            }
        }

      private:
        template <int kThreads, class Visit> static __device__ void for_each(Visit visit) {
#pragma unroll
            for (int i = 0; i * kThreads < kQuickExperts; ++i)
                if (const int expert = i * kThreads + int(threadIdx.x); expert < kQuickExperts)
                    visit(i, expert);
        }
    };

    __device__ QuickSigmoid(const TopkPlan &plan, std::int64_t row)
        : args_(plan.args), start_(row * args_.logits_stride), lane_(int(threadIdx.x % kLanes)) {
        if (args_.logits_dtype == MS_BF16)
            load<__nv_bfloat16>();
        else if (args_.logits_dtype == MS_F32)
            load<float>();
        else
            load<__half>();
        if constexpr (!kSharesBiases)
            load_biases(plan.whole_bias);
    }

    // Calls emit(rank, expert, weight) once for each rank below k, on one of the row's lanes each.
    // Returns whether the row is still open: then it emits nothing.
    template <class Emit> __device__ bool route(const Biases &biases, Emit emit) {
        make_keys(biases);
        largest_of(keys_, list_);
        merge_lists<1, kGroupLanes>(list_);
        open_ = list_[0] >= QuickChoice::kLast;
        if (args_.groups_kept < args_.groups)
            drop_groups();
        merge_lists<kGroupLanes, kLanes>(list_);
        choose();
        const bool open = __ballot_sync(kFullWarp, open_) & row_mask();
        const float weight = final_weight_of(mine_.weight);
        if (!open && lane_ < args_.top_k)
            emit(rank_, mine_.expert, weight);
        return open;
    }

  private:
    // An expert as the exact choice ranks it: distinct, and 0 for none.
    struct Exact {
        std::uint64_t order = 0;
        float weight = 0;
        int expert = 0;
    };

    template <class T> __device__ void load() {
        load_consecutive(static_cast<const T *>(args_.logits) + start_, lane_ * kItems, logits_);
    }
    __device__ void load_biases(bool whole) {
#pragma unroll
        for (float &bias : biases_)
            bias = 0;
        if (args_.bias && whole)
            load_consecutive(args_.bias, lane_ * kItems, biases_);
        else if (args_.bias)
            load_typed_row(args_.bias, lane_ * kItems, 1, kQuickExperts, 0.0f, biases_);
    }
    __device__ void place_biases() {
        bool large = false;
#pragma unroll
        for (float bias : biases_)
            large |= QuickChoice::is_large(bias);
        const float scale = __any_sync(kFullWarp, large) ? QuickChoice::kLargeScale : 1.0f;
#pragma unroll
        for (float &bias : biases_)
            bias = QuickChoice::bias(bias, scale);
    }
    __device__ unsigned row_mask() const {
        return kLanes == kWarpSize ? kFullWarp
                                   : ((1u << kLanes % 32) - 1) << (threadIdx.x % 32 - lane_);
    }
    __device__ int row_start() const { return int(threadIdx.x) % kWarpSize - lane_; }

    __device__ void make_keys(const Biases &biases) {
        if constexpr (!kSharesBiases)
            place_biases();
        const auto *shared = reinterpret_cast<const float4 *>(biases.values + lane_ * kBiasStride);
        std::uint32_t complements = 0xfcfdfeff - 0x01010101u * unsigned(lane_ * kItems);
#pragma unroll
        for (int i = 0; i < kItems; i += 4) {
            float4 bias;
            if constexpr (kSharesBiases)
                bias = shared[i / 4];
            else
                bias = make_float4(biases_[i], biases_[i + 1], biases_[i + 2], biases_[i + 3]);
            key<0>(i, bias.x, complements);
            key<1>(i, bias.y, complements);
            key<2>(i, bias.z, complements);
            key<3>(i, bias.w, complements);
            complements -= 0x04040404;
        }
    }
    template <int kByte> __device__ void key(int i, float bias, std::uint32_t complements) {
        keys_[i + kByte] =
            QuickChoice::key<kByte>(QuickChoice::sigmoid(logits_[i + kByte]) + bias, complements);
    }

    // The same steps as TopkRow's of the Sigmoid kind.
    static __device__ Exact exact_of(const void *logits, ms_dtype dtype, const float *bias,
                                     std::int64_t start, Key key) {
        Exact exact;
        exact.expert = QuickChoice::expert(key);
        const float logit = without_nan(load_logit(logits, dtype, start + exact.expert));
        exact.weight =
            fabsf(logit) <= kModerateLogit ? sigmoid_of_moderate(logit) : called_sigmoid(logit);
        exact.order = rank_key(exact.weight + (bias ? bias[exact.expert] : 0.0f), exact.expert);
        return exact;
    }
    // Not inlined: few experts come here.
    static __device__ __noinline__ Exact called_exact_of(const void *logits, ms_dtype dtype,
                                                         const float *bias, std::int64_t start,
                                                         Key key) {
        return exact_of(logits, dtype, bias, start, key);
    }
    __device__ Exact rarely_exact(Key key) const {
        return called_exact_of(args_.logits, args_.logits_dtype, args_.bias, start_, key);
    }

    // A group is kept whatever its score within the margin is, or dropped whatever it is; else all
    // groups' exact scores decide.
    __device__ void drop_groups() {
        const Key second = args_.group_score == MS_GROUP_MAX ? list_[0] : list_[1];
        const int score = int(list_[0] >> 8) + int(second >> 8);
        int better = 0, perhaps_better = 0;
#pragma unroll
        for (int group = 1; group < kGroups; ++group) {
            const int ahead = __shfl_xor_sync(kFullWarp, score, group * kGroupLanes) - score;
            better += ahead > QuickChoice::kGroupMargin;
            perhaps_better += ahead >= -QuickChoice::kGroupMargin;
        }
        kept_ = perhaps_better < args_.groups_kept;
        const bool unsure = (!kept_ && better < args_.groups_kept) || second < QuickChoice::kFirst;
        const unsigned unsure_lanes = __ballot_sync(kFullWarp, unsure);
        if (unsure_lanes != 0) {
            const bool exactly = keeps_exactly();
            kept_ = unsure_lanes & row_mask() ? exactly : kept_;
        }
#pragma unroll
        for (Key &key : list_)
            key = kept_ ? key : 0;
    }
    // By the exact choices of the group's three best, of which two are the two best.
    __device__ bool keeps_exactly() {
        Key best = 0, second = 0;
#pragma unroll
        for (int i = 0; i < 3; ++i) {
            const Key key = Key(rarely_exact(list_[i]).order >> 32);
            second = max(second, min(best, key));
            best = max(best, key);
        }
        open_ |= list_[1] < QuickChoice::kFirst || list_[1] - list_[3] <= QuickChoice::kMargin;
        const Key score = group_key(args_, best, second);
        const int group = lane_ / kGroupLanes;
        int better = 0;
#pragma unroll
        for (int i = 1; i < kGroups; ++i) {
            const Key other = __shfl_xor_sync(kFullWarp, score, i * kGroupLanes);
            better += other > score || (other == score && (group ^ i) < group);
        }
        return better < args_.groups_kept;
    }

    // How far the next key below `last` is from it, modulo 2^32: further than any that is not
    // below.
    __device__ Key step_below(Key last) const {
        Key step = 0;
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            step = max(step, keys_[i] - last);
        return Row::max(kept_ ? step : 0);
    }

    // Lane i of each eight takes the i-th of the approximate order, and ranks it by its exact
    // choice.
    __device__ void choose() {
        const int place = lane_ % kMergedList;
        const Key key = listed(list_, place);
        const Key last = __shfl_sync(kFullWarp, key, row_start() + args_.top_k - 1);
        const Key next = last + step_below(last);
        const bool zeros =
            args_.groups_kept < args_.groups && args_.masked_fill == MS_MASKED_ZERO_COMPAT;
        open_ |= last < (zeros ? QuickChoice::kZero + QuickChoice::kMargin : QuickChoice::kFirst);
        if (place < args_.top_k)
            mine_ = exact_of(args_.logits, args_.logits_dtype, args_.bias, start_, key);
        rank_selected();
        const bool close = last - next <= QuickChoice::kMargin;
        if (__any_sync(kFullWarp, close))
            consider(next, last, close);
    }
    // By the choices alone unless two are the same.
    __device__ void rank_selected() {
        const auto choice = Key(mine_.order >> 32);
        bool repeats = false;
        rank_ = 0;
#pragma unroll
        for (int i = 1; i < kMergedList; ++i) {
            const Key other = __shfl_xor_sync(kFullWarp, choice, i);
            rank_ += other > choice;
            repeats |= other == choice;
        }
        if (!__any_sync(kFullWarp, repeats && choice != 0))
            return;
        rank_ = 0;
#pragma unroll
        for (int i = 1; i < kMergedList; ++i)
            rank_ += __shfl_xor_sync(kFullWarp, mine_.order, i) > mine_.order;
    }
    // One more expert, where it may be among the selected.
    __device__ void consider(Key next, Key last, bool close) {
        const Key after = next + step_below(next); // by all lanes
        open_ |= close && last - after <= QuickChoice::kMargin;
        const Exact other = rarely_exact(next);
        const bool selects = lane_ < args_.top_k;
        const unsigned better =
            __ballot_sync(kFullWarp, selects && mine_.order > other.order) & row_mask();
        rank_ += close && other.order > mine_.order;
        if (close && selects && rank_ >= args_.top_k) {
            mine_ = other;
            rank_ = __popc(better);
        }
    }

    __device__ float final_weight_of(float weight) const {
        const float sum = args_.renorm != MS_RENORM_NONE ? Lanes<kMergedList>::sum(weight) : 0.0f;
        const float divisor = renorm_divisor(args_.renorm, sum, args_.renorm_epsilon);
        return rounded_weight(final_weight(weight, divisor, args_.routed_scaling),
                              args_.weights_round);
    }

    const ms_topk_args &args_;
    const std::int64_t start_; // of the row in the logits
    const int lane_;           // within the row
    float logits_[kItems];
    float biases_[kSharesBiases ? 1 : kItems];
    Key keys_[kItems], list_[kMergedList]; // list_: of the lane, its group, then the row
    bool kept_ = true;                     // the lane's group
    bool open_ = false;                    // the keys do not tell
    Exact mine_;
    int rank_ = 0;
};

} // namespace moescope
