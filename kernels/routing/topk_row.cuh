// The routing of one row of logits by the lanes of a warp: scores, groups, top-k and weights, all
// in registers. Each lane sorts the keys of the consecutive experts it holds; then k times the best
// of the lists' heads is selected and its list moves up. kLanes lanes hold a row, so that 32 /
// kLanes rows share a warp.
//
// Keys order (choice, expert) pairs as order_key.h says, so the selection is the same to the bit
// whatever the layout.
#pragma once

#include "kernels/include/moescope/kernels.h"
#include "kernels/routing/logits.cuh"
#include "kernels/routing/merged_lists.cuh"
#include "kernels/routing/order_key.h"
#include "kernels/routing/routing_math.h"
#include "kernels/routing/sorted_keys.cuh"
#include "kernels/routing/topk_shapes.h"
#include "kernels/routing/warp.cuh"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace moescope {

// What the kernels are compiled for, one by one; what they have in common is decided as they run.
enum class TopkKind {
    Bf16Softmax, // of bfloat16 logits, without groups: the logit and its expert fit in 32 bits
    Bf16Logit,   // the same for MS_SCORE_TOPK_*
    Softmax,     // ordered by the logits
    Logit,       // the same for MS_SCORE_TOPK_*
    Sigmoid,
    SqrtSoftplus,
    Choice, // a bias that meets a softmax or a logit, and a softmax's groups by their two best
};

inline TopkKind topk_kind(const ms_topk_args &args) {
    if (args.score == MS_SCORE_SIGMOID)
        return TopkKind::Sigmoid;
    if (args.score == MS_SCORE_SQRT_SOFTPLUS)
        return TopkKind::SqrtSoftplus;
    if (!orders_by_logit(args))
        return TopkKind::Choice;
    const bool packed = args.logits_dtype == MS_BF16 && args.groups_kept == args.groups;
    if (args.score == MS_SCORE_SOFTMAX)
        return packed ? TopkKind::Bf16Softmax : TopkKind::Softmax;
    return packed ? TopkKind::Bf16Logit : TopkKind::Logit;
}

inline TopkShape warp_select_shape(const ms_topk_args &args) {
    return warp_select_shape(args.experts, args.groups_kept < args.groups ? args.groups : 1,
                             args.top_k);
}

// order_key() of a value that is neither NaN nor -0, and of one that is no NaN.
__device__ inline std::uint32_t nonzero_order_key(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return bits ^ (std::uint32_t(std::int32_t(bits) >> 31) | 0x80000000);
}
__device__ inline std::uint32_t fast_order_key(float value) {
    return nonzero_order_key(value + 0.0f); // -0 becomes +0
}

// The upper halves of the order keys of two bfloat16 values; a NaN counts as -infinity, -0 as +0.
__device__ inline std::uint32_t order_pair(std::uint32_t pair) {
    std::uint32_t value, signs;
    asm("max.bf16x2 %0, %1, %2;" : "=r"(value) : "r"(pair), "r"(0xff80ff80));
    asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(value) : "r"(value), "r"(0x3f803f80), "r"(0));
    asm("prmt.b32 %0, %1, 0, 0xbb99;" : "=r"(signs) : "r"(value)); // each half's, 16 times
    return value ^ (signs | 0x80008000);
}

// A packed key is the upper half of a bfloat16 value's order key and the complement of the expert:
// distinct, and ordered as rank_key() orders. complement_pair() is that of `expert` and the next.
__device__ inline std::uint32_t complement_pair(int expert) {
    return std::uint32_t(0xffff - expert) * 0x10001u - 0x10000u;
}
template <int kHalf>
__device__ inline std::uint32_t packed_key(std::uint32_t order, std::uint32_t complement) {
    return __byte_perm(complement, order, kHalf == 0 ? 0x5410 : 0x7632);
}
__device__ inline int packed_key_expert(std::uint32_t key) { return int(0xffff - (key & 0xffff)); }
__device__ inline float packed_key_value(std::uint32_t key) {
    return order_key_value(key & 0x80000000 ? key & 0xffff0000 : key | 0xffff);
}

// The kItems consecutive elements from `first` on, in the widest loads their number allows.
template <int kItems, class T>
__device__ inline void load_consecutive(const T *row, int first, float (&values)[kItems]) {
    constexpr int kBytes = kItems * int(sizeof(T));
    using Chunk = std::conditional_t<
        kBytes % 16 == 0, uint4,
        std::conditional_t<kBytes % 8 == 0, uint2,
                           std::conditional_t<kBytes % 4 == 0, unsigned, unsigned short>>>;
    constexpr int kChunks = kBytes / int(sizeof(Chunk));
    constexpr int kPerChunk = int(sizeof(Chunk) / sizeof(T));
    Chunk chunks[kChunks];
#pragma unroll
    for (int i = 0; i < kChunks; ++i)
        chunks[i] = __ldg(reinterpret_cast<const Chunk *>(row + first) + i);
#pragma unroll
    for (int i = 0; i < kItems; ++i)
        values[i] = widen(reinterpret_cast<const T *>(&chunks[i / kPerChunk])[i % kPerChunk]);
}

// The same of 16-bit elements, two a word.
template <int kWords>
__device__ inline void load_words(const std::uint16_t *from, std::uint32_t (&words)[kWords]) {
    using Chunk = std::conditional_t<kWords % 4 == 0, uint4,
                                     std::conditional_t<kWords % 2 == 0, uint2, unsigned>>;
    constexpr int kPerChunk = int(sizeof(Chunk) / 4);
#pragma unroll
    for (int i = 0; i < kWords / kPerChunk; ++i) {
        const Chunk chunk = __ldg(reinterpret_cast<const Chunk *>(from) + i);
#pragma unroll
        for (int j = 0; j < kPerChunk; ++j)
            words[i * kPerChunk + j] = reinterpret_cast<const std::uint32_t *>(&chunk)[j];
    }
}

// Not inlined: few logits come here.
__device__ __noinline__ inline float called_sigmoid(float logit) { return sigmoid(logit); }

// What a routing's rows have in common.
struct TopkPlan {
    ms_topk_args args;
    // Logits are read a lane's items at a time where every row starts on 16 bytes and no lane holds
    // a part of what it could.
    bool whole_lanes = false;
    bool whole_bias = false; // the same of the bias
    bool limits_groups = false;
    bool needs_mass = true; // of a softmax: else it drops out where the weights are renormalised
    int group_shift = 0;    // a group has 1 << group_shift lanes
};

inline TopkPlan plan_topk(const ms_topk_args &args, const TopkShape &shape) {
    const int size = args.logits_dtype == MS_F32 ? 4 : 2;
    TopkPlan plan{args};
    plan.whole_lanes = reinterpret_cast<std::uintptr_t>(args.logits) % 16 == 0 &&
                       args.logits_stride * size % 16 == 0 && args.experts % shape.items == 0 &&
                       shape.items * size % 4 == 0;
    plan.whole_bias =
        reinterpret_cast<std::uintptr_t>(args.bias) % 16 == 0 && args.experts % shape.items == 0;
    plan.limits_groups = args.groups_kept < args.groups;
    plan.needs_mass = args.renorm == MS_RENORM_NONE || args.renorm_epsilon != 0;
    if (plan.limits_groups)
        plan.group_shift = std::countr_zero(unsigned(args.experts / args.groups / shape.items));
    return plan;
}

// The same for rows that are not cut so well. Not inlined: few rows come here.
template <int kItems>
__device__ __noinline__ void load_one_by_one(const ms_topk_args &args, std::int64_t row_start,
                                             int first, float *values) {
    float loaded[kItems];
    load_row(args.logits, args.logits_dtype, row_start, first, 1, args.experts, -INFINITY, loaded);
#pragma unroll
    for (int i = 0; i < kItems; ++i)
        values[i] = loaded[i];
}

// kRows: consecutive rows that a whole warp selects for, together where the logits are packed, else
// one after the other; an equal part of the lanes holds each row's selections then, and weighs
// them.
template <TopkKind kKind, TopkShape kShape, int kRows = 1> class TopkRow {
    static constexpr int kLanes = kShape.lanes, kItems = kShape.items;
    static constexpr bool kPacked = kKind == TopkKind::Bf16Softmax || kKind == TopkKind::Bf16Logit;
    static constexpr bool kByLogit =
        kPacked || kKind == TopkKind::Softmax || kKind == TopkKind::Logit;
    static constexpr bool kSoftmax = kKind == TopkKind::Bf16Softmax || kKind == TopkKind::Softmax;
    using Row = Lanes<kLanes>;
    // Selections a lane keeps until all weights are known: selection i is lane i % kKeepers'.
    static constexpr int kKept = kShape.kept, kKeepers = kLanes / kRows;
    using Keepers = Lanes<kKeepers>;
    static constexpr int kWords = (kItems + 1) / 2; // of two bfloat16 logits
    static_assert(!kShape.merges || (kPacked && kRows == 1 && kShape.list == kMergedList));
    static_assert(kRows == 1 ||
                  (kLanes == kWarpSize && kKept == 1 && (kPacked || kKind == TopkKind::Sigmoid)));

  public:
    // Routes row `row`; all lanes of the warp call it, a row's lanes with the same row. Calls
    // emit(rank, expert, weight) once for each rank below k, on one of the row's lanes. With kRows,
    // `row` is the first; past the last row that is repeated, and lane i emits of row i / kKeepers.
    template <class Emit>
    __device__ static void route(const TopkPlan &plan, std::int64_t row, Emit emit) {
        TopkRow self(plan, row);
        if constexpr (kPacked) {
            self.load_packed();
            if constexpr (kSoftmax && kLanes == 1)
                return self.finish_alone(emit);
            if constexpr (kShape.merges)
                self.select_merged();
            else
                self.select_packed();
        } else {
#pragma unroll 1
            for (int part = 0; part < kRows; ++part) {
                self.start_ = self.start_of(part);
                self.load();
                self.make_keys();
                largest_of(self.keys_, self.list_);
                if (plan.limits_groups)
                    self.mask_groups();
                self.select_listed(part);
                self.find_experts(part);
            }
            self.start_ = self.start_of(self.lane_ / kKeepers);
        }
        if constexpr (kSoftmax)
            self.find_mass();
        self.finish(emit);
    }

    // The same of a row that one lane has for itself, with k known: every rank of emit's is a
    // constant.
    template <int kTopK, class Emit>
    __device__ static void route_few(const TopkPlan &plan, std::int64_t row, Emit emit) {
        static_assert(kPacked && kSoftmax && kLanes == 1);
        TopkRow self(plan, row);
        self.load_packed();
        self.template finish_few<kTopK>(emit);
    }

  private:
    __device__ TopkRow(const TopkPlan &plan, std::int64_t row)
        : plan_(plan), args_(plan.args), row_(row), lane_(int(threadIdx.x % kLanes)),
          first_(lane_ * kItems) {}

    // In the logits, of a row of these.
    __device__ std::int64_t start_of(int part) const {
        return (kRows == 1 ? row_ : min(row_ + part, args_.tokens - 1)) * args_.logits_stride;
    }
    __device__ bool exists(int item) const { return first_ + item < args_.experts; }
    // Of the row's first lane, in the warp.
    __device__ int row_start() const { return int(threadIdx.x) % kWarpSize - lane_; }
    __device__ unsigned row_mask() const {
        return kLanes == kWarpSize ? kFullWarp : ((1u << (kLanes % 32)) - 1) << row_start();
    }

    template <class T> __device__ void load_lane() {
        load_consecutive(static_cast<const T *>(args_.logits) + start_, first_, logits_);
    }
    __device__ void load_any_lane() {
        float values[kItems];
        load_one_by_one<kItems>(args_, start_, first_, values);
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            logits_[i] = values[i];
    }
    __device__ void load() {
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            logits_[i] = -INFINITY;
        if (!plan_.whole_lanes)
            load_any_lane();
        else if (!exists(0))
            ;
        else if (args_.logits_dtype == MS_BF16)
            load_lane<__nv_bfloat16>();
        else if (args_.logits_dtype == MS_F32)
            load_lane<float>();
        else
            load_lane<__half>();
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            logits_[i] = without_nan(logits_[i]);
    }

    __device__ void load_words_of(std::int64_t start, std::uint32_t (&words)[kWords]) const {
        const auto *from = static_cast<const std::uint16_t *>(args_.logits) + start + first_;
#pragma unroll
        for (int i = 0; i < kWords; ++i)
            words[i] = 0xff80ff80; // -infinity
        if (kItems % 2 == 0 && plan_.whole_lanes) {
            if (exists(0))
                load_words(from, words);
            return;
        }
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            if (exists(i))
                words[i / 2] = __byte_perm(words[i / 2], from[i], i % 2 == 0 ? 0x3254 : 0x5410);
    }
    __device__ void load_packed() {
        std::uint32_t words[kRows][kWords];
#pragma unroll
        for (int row = 0; row < kRows; ++row)
            load_words_of(start_of(row), words[row]);
        const std::uint32_t complements = complement_pair(first_);
        const bool all_exist = args_.experts == kShape.experts();
#pragma unroll
        for (int row = 0; row < kRows; ++row)
#pragma unroll
            for (int i = 0; i < kWords; ++i) {
                const std::uint32_t order = order_pair(words[row][i]);
                const std::uint32_t complement = complements - 0x20002u * unsigned(i);
                packed_[row][2 * i] = packed_key<0>(order, complement);
                if (2 * i + 1 < kItems)
                    packed_[row][2 * i + 1] = packed_key<1>(order, complement);
            }
        if (!all_exist)
#pragma unroll
            for (int row = 0; row < kRows; ++row)
#pragma unroll
                for (int i = 0; i < kItems; ++i)
                    packed_[row][i] = exists(i) ? packed_[row][i] : 0;
    }

    // The keys of score(logit)'s value plus the bias.
    template <class Score> __device__ void key_scores(Score score) {
        float bias[kItems] = {};
        load_bias(bias);
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            keys_[i] = fast_order_key(without_nan(score(logits_[i]) + bias[i]));
    }
    __device__ void load_bias(float (&bias)[kItems]) const {
        if (!args_.bias)
            return;
        if (plan_.whole_bias && exists(0))
            load_consecutive(args_.bias, first_, bias);
        else
            load_typed_row(args_.bias, first_, 1, args_.experts, 0.0f, bias);
    }
    __device__ void key_sigmoids() {
        float bias[kItems] = {};
        load_bias(bias);
        float most = 0;
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            most = fmaxf(most, fabsf(logits_[i]));
        float scores[kItems];
        if (most <= kModerateLogit) {
#pragma unroll
            for (int i = 0; i < kItems; ++i)
                scores[i] = sigmoid_of_moderate(logits_[i]);
        } else {
#pragma unroll
            for (int i = 0; i < kItems; ++i)
                scores[i] = called_sigmoid(logits_[i]);
        }
#pragma unroll
        for (int i = 0; i < kItems; ++i) // no score is -0, and so no sum
            keys_[i] = nonzero_order_key(without_nan(scores[i] + bias[i]));
    }

    __device__ void make_keys() {
        if constexpr (kByLogit) {
#pragma unroll
            for (int i = 0; i < kItems; ++i)
                keys_[i] = fast_order_key(logits_[i]);
        } else if constexpr (kKind == TopkKind::Sigmoid) {
            key_sigmoids();
        } else if constexpr (kKind == TopkKind::SqrtSoftplus) {
            key_scores([](float logit) { return sqrt_softplus(logit); });
        } else if (args_.score == MS_SCORE_SOFTMAX) {
            find_exact_softmax();
            key_scores([this](float logit) { return exact_.share(logit); });
        } else {
            key_scores([](float logit) { return logit; });
        }
        drop_missing();
    }

    // The keys of experts there are not become 0, which is below every other.
    __device__ void drop_missing() {
        if (args_.experts == kShape.experts())
            return;
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            keys_[i] = exists(i) ? keys_[i] : 0;
    }

    __device__ void find_exact_softmax() {
        float largest = -INFINITY;
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            largest = fmaxf(largest, logits_[i]);
        exact_.largest = order_key_value(Row::max(fast_order_key(largest)));
        std::uint64_t sum = 0;
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            sum +=
                exact_.fixed_term(logits_[i]); // 0 for -infinity, and so for experts there are not
        exact_.set_mass(Row::sum(sum));
    }

    // Gives every expert outside the best groups the fill. A group is a power of two of whole
    // lanes.
    __device__ void mask_groups() {
        const int lanes_per_group = 1 << plan_.group_shift;
        const int group = lane_ >> plan_.group_shift;
        std::uint32_t best = list_[0];
        std::uint32_t second = kItems > 1 ? list_[1] : 0;
        for (int distance = 1; distance < lanes_per_group; distance *= 2) {
            const std::uint32_t other = __shfl_xor_sync(kFullWarp, best, distance);
            const std::uint32_t other_second = __shfl_xor_sync(kFullWarp, second, distance);
            second = max(min(best, other), max(second, other_second));
            best = max(best, other);
        }
        const std::uint32_t score = group_key(args_, best, second);
        int better = 0; // groups before this one: its lanes share the others out
        for (int start = 0; start < args_.groups; start += lanes_per_group) {
            const int i = start + (lane_ & (lanes_per_group - 1));
            const std::uint32_t other = __shfl_sync(
                kFullWarp, score, row_start() + (min(i, args_.groups - 1) << plan_.group_shift));
            better += i < args_.groups && (other > score || (other == score && i < group));
        }
        for (int distance = 1; distance < lanes_per_group; distance *= 2)
            better += __shfl_xor_sync(kFullWarp, better, distance);
        if (better < args_.groups_kept)
            return;
        const std::uint32_t fill = fast_order_key(masked_choice(args_));
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            keys_[i] = fill;
        drop_missing();
#pragma unroll
        for (int i = 0; i < kShape.list; ++i)
            list_[i] = keys_[i]; // where some are missing, they are the last
    }

    // Calls round(kept, i) for every selection, i being the lane of the row that keeps it.
    template <class Round> __device__ void for_each_selection(Round round) const {
#pragma unroll
        for (int kept = 0; kept < kKept; ++kept) {
            if (kept * kLanes >= args_.top_k)
                break;
            const int count = min(args_.top_k - kept * kLanes, kLanes);
#pragma unroll 1
            for (int i = 0; i < count; ++i)
                round(kept, i);
        }
    }

    // Keys are distinct: the next one is the largest below the last. Modulo 2^32, what is below it
    // is further above it than anything that is not. How far that is for this lane's keys, in a row
    // alone by two chains of which neither waits for the other:
    __device__ std::uint32_t step_below(int row, std::uint32_t last) const {
        constexpr int kChains = kRows == 1 ? 2 : 1;
        std::uint32_t step[2] = {};
#pragma unroll
        for (int item = 0; item < kItems; ++item)
            step[item % kChains] = max(step[item % kChains], packed_[row][item] - last);
        return max(step[0], step[1]);
    }
    __device__ void select_packed() {
        std::uint32_t last[kRows] = {};
        for_each_selection([&](int kept, int i) {
            std::uint32_t kept_here = 0;
#pragma unroll
            for (int row = 0; row < kRows; ++row) {
                last[row] += Row::max(step_below(row, last[row]));
                if (row == 0 || lane_ / kKeepers == row)
                    kept_here = last[row];
            }
            if (lane_ % kKeepers == i)
                selected_[kept] = kept_here;
        });
#pragma unroll
        for (int kept = 0; kept < kKept; ++kept)
            experts_[kept] = packed_key_expert(selected_[kept]);
    }
    __device__ void select_merged() {
        std::uint32_t list[kMergedList];
        largest_of(packed_[0], list);
        merge_lists<1, kLanes>(list);
        selected_[0] = listed(list, lane_);
        experts_[0] = packed_key_expert(selected_[0]);
    }

    // Of the lists' heads the largest is next, and of equal ones that of the lowest lane, which has
    // the lowest experts.
    __device__ void select_listed(int part) {
        const unsigned lower_lanes = row_mask() & ((1u << (threadIdx.x % kWarpSize)) - 1);
        for_each_selection([&](int kept, int i) {
            const std::uint32_t best = Row::max(list_[0]);
            const bool head = list_[0] == best;
            const unsigned heads = __ballot_sync(kFullWarp, head);
            if (lane_ == part * kKeepers + i) {
                selected_[kept] = best;
                heads_[kept] = heads;
            }
            if (head && (heads & lower_lanes) == 0) {
#pragma unroll
                for (int item = 0; item + 1 < kShape.list; ++item)
                    list_[item] = list_[item + 1];
                list_[kShape.list - 1] = 0;
            }
        });
    }

    // Whether two selections, one after the other, have one key.
    __device__ bool repeats(int part) const {
        bool some = false;
#pragma unroll
        for (int kept = 0; kept < kKept; ++kept) {
            const int before = kept > 0 ? kept - 1 : 0;
            std::uint32_t previous =
                __shfl_sync(kFullWarp, selected_[kept], int(threadIdx.x % kWarpSize) - (lane_ > 0));
            if (kKept > 1) {
                const std::uint32_t last =
                    __shfl_sync(kFullWarp, selected_[before], row_start() + kLanes - 1);
                previous = lane_ > 0 ? previous : last;
            }
            some |= keeps(kept) && rank(kept) > 0 && selected_[kept] == previous;
        }
        return some && (kRows == 1 || lane_ / kKeepers == part);
    }

    // The lane of the warp that a selection came from.
    __device__ int owner(int kept) const { return __ffs(int(heads_[kept] & row_mask())) - 1; }

    // How many selections before this one have the same key and came from the same lane.
    __device__ int earlier_twins(int kept) const {
        int twins = 0;
#pragma unroll
        for (int other = 0; other <= kept; ++other)
#pragma unroll 1
            for (int i = 0; i < kLanes; ++i) {
                const std::uint32_t key = __shfl_sync(kFullWarp, selected_[other], row_start() + i);
                const int lane = __shfl_sync(kFullWarp, owner(other), row_start() + i);
                twins += key == selected_[kept] && lane == owner(kept) &&
                         i / kKeepers == lane_ / kKeepers &&
                         other * kLanes + i < kept * kLanes + lane_;
            }
        return twins;
    }

    // Which expert of its lane each selection is: the first with its key, or of twins the next.
    __device__ void find_experts(int part) {
        const bool twins = __any_sync(kFullWarp, repeats(part));
#pragma unroll
        for (int kept = 0; kept < kKept; ++kept) {
            if (kept * kLanes >= args_.top_k)
                break;
            const int item = twins ? twin_item(kept) : first_item(kept);
            if (kRows == 1 || lane_ / kKeepers == part)
                experts_[kept] = (owner(kept) - row_start()) * kItems + item;
        }
    }
    __device__ int first_item(int kept) const {
        int item = 0;
#pragma unroll
        for (int i = kItems - 1; i >= 0; --i)
            if (__shfl_sync(kFullWarp, keys_[i], owner(kept)) == selected_[kept])
                item = i;
        return item;
    }
    __device__ int twin_item(int kept) const {
        int skip = earlier_twins(kept), item = 0;
        bool found = false;
#pragma unroll
        for (int i = 0; i < kItems; ++i) {
            const std::uint32_t key = __shfl_sync(kFullWarp, keys_[i], owner(kept));
            const bool same = key == selected_[kept];
            if (same && skip == 0 && !found) {
                item = i;
                found = true;
            }
            skip -= same && skip > 0;
        }
        return item;
    }

    // The denominator of a softmax over all experts. The first selection has the largest logit.
    __device__ void find_mass() {
        const int keeper = lane_ / kKeepers;
        largest_ = __shfl_sync(kFullWarp, logit_of(0), row_start() + keeper * kKeepers);
        if (!plan_.needs_mass)
            return;
#pragma unroll
        for (int row = 0; row < kRows; ++row) {
            const float largest = __shfl_sync(kFullWarp, largest_, row_start() + row * kKeepers);
            const float mass = Row::sum(lane_mass(row, largest));
            mass_ = keeper == row ? mass : mass_;
        }
    }
    __device__ float lane_mass(int row, float largest) const {
        float sum = 0;
        if (fabsf(largest) < INFINITY) {
#pragma unroll
            for (int i = 0; i < kItems; ++i)
                sum += fast_exp(item_logit(row, i) - largest); // a large term has a small argument
        } else if (largest > 0) {
#pragma unroll
            for (int i = 0; i < kItems; ++i)
                sum += item_logit(row, i) == largest ? 1.0f : 0.0f;
        }
        return sum;
    }
    __device__ float item_logit(int row, int item) const {
        if constexpr (kPacked)
            return without_nan(packed_key_value(packed_[row][item])); // a missing one's is NaN
        else
            return logits_[item];
    }

    __device__ static float fast_exp(float value) {
        float result;
        asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(value * 1.44269504f));
        return result;
    }

    __device__ int rank(int kept) const { return kept * kKeepers + lane_ % kKeepers; }
    __device__ bool keeps(int kept) const { return rank(kept) < args_.top_k; }

    // The logit of a selection that this lane keeps.
    __device__ float logit_of(int kept) const {
        if constexpr (kPacked)
            return packed_key_value(selected_[kept]);
        else if constexpr (kByLogit)
            return order_key_value(selected_[kept]);
        else
            return without_nan(
                load_logit(args_.logits, args_.logits_dtype, start_ + experts_[kept]));
    }

    __device__ float score_of(float logit) const {
        if constexpr (kSoftmax)
            return mass_ > 0 ? __fdividef(softmax_term(logit, largest_), mass_) : 0.0f;
        else if constexpr (kKind == TopkKind::Sigmoid)
            return sigmoid(logit);
        else if constexpr (kKind == TopkKind::SqrtSoftplus)
            return sqrt_softplus(logit);
        else if (kKind == TopkKind::Choice && args_.score == MS_SCORE_SOFTMAX)
            return exact_.share(logit);
        else
            return args_.score == MS_SCORE_TOPK_SIGMOID ? sigmoid(logit) : logit;
    }

    // weights hold the selected logits, and hold their softmax after.
    __device__ void softmax_of_selected(float (&weights)[kKept]) const {
        float largest = -INFINITY;
#pragma unroll
        for (int kept = 0; kept < kKept; ++kept)
            largest = fmaxf(largest, weights[kept]);
        largest = order_key_value(Keepers::max(fast_order_key(largest)));
        float sum = 0;
#pragma unroll
        for (int kept = 0; kept < kKept; ++kept) {
            weights[kept] = softmax_term(weights[kept], largest);
            sum += weights[kept];
        }
        sum = Keepers::sum(sum); // 0, or at least 1
#pragma unroll
        for (int kept = 0; kept < kKept; ++kept)
            weights[kept] = sum > 0 ? __fdividef(weights[kept], sum) : 0.0f;
    }

    // Renormalised and scaled. A softmax's weights add up to 0 or to no less than 1 / E.
    __device__ void scale(float (&weights)[kKept]) const {
        float sum = 0;
        if (args_.renorm != MS_RENORM_NONE) {
#pragma unroll
            for (int kept = 0; kept < kKept; ++kept)
                sum += weights[kept];
            sum = Keepers::sum(sum);
        }
        const float divisor = renorm_divisor(args_.renorm, sum, args_.renorm_epsilon);
        const float factor = kSoftmax ? softmax_factor(divisor) : 0.0f;
#pragma unroll
        for (int kept = 0; kept < kKept; ++kept)
            weights[kept] = kSoftmax ? weights[kept] * factor
                                     : final_weight(weights[kept], divisor, args_.routed_scaling);
    }
    __device__ float softmax_factor(float divisor) const {
        return divisor > 0 ? __fdividef(args_.routed_scaling, divisor) : 0.0f;
    }

    // Of a row that one lane has for itself.
    template <class Emit> __device__ void finish_alone(Emit emit) {
        if (args_.top_k == 2)
            finish_few<2>(emit);
        else
            finish_some(emit);
    }
    template <int kTopK, class Emit> __device__ void finish_few(Emit emit) {
        std::uint32_t keys[kTopK], last = 0;
#pragma unroll
        for (std::uint32_t &key : keys)
            key = last += step_below(0, last);
        find_alone_mass(packed_key_value(keys[0]));
        float weights[kTopK], sum = 0;
#pragma unroll
        for (int i = 0; i < kTopK; ++i)
            sum += weights[i] = score_of(packed_key_value(keys[i]));
        const float factor = alone_factor(sum);
#pragma unroll
        for (int i = 0; i < kTopK; ++i)
            emit_alone(i, keys[i], weights[i] * factor, emit);
    }
    // It selects twice, and keeps no selection.
    template <class Emit> __device__ void finish_some(Emit emit) {
        find_alone_mass(packed_key_value(step_below(0, 0)));
        float sum = 0;
        each_alone([&](int, std::uint32_t key) { sum += score_of(packed_key_value(key)); });
        const float factor = alone_factor(sum);
        each_alone([&](int rank, std::uint32_t key) {
            emit_alone(rank, key, score_of(packed_key_value(key)) * factor, emit);
        });
    }
    __device__ void find_alone_mass(float largest) {
        largest_ = largest;
        if (plan_.needs_mass)
            mass_ = lane_mass(0, largest);
    }
    __device__ float alone_factor(float sum) const {
        return softmax_factor(renorm_divisor(args_.renorm, sum, args_.renorm_epsilon));
    }
    template <class Emit>
    __device__ void emit_alone(int rank, std::uint32_t key, float weight, Emit emit) const {
        emit(rank, packed_key_expert(key), rounded_weight(weight, args_.weights_round));
    }
    template <class Visit> __device__ void each_alone(Visit visit) const {
        std::uint32_t last = 0;
#pragma unroll 1
        for (int rank = 0; rank < args_.top_k; ++rank) {
            last += step_below(0, last);
            visit(rank, last);
        }
    }

    template <class Emit> __device__ void finish(Emit emit) const {
        constexpr bool may_be_topk_softmax =
            kKind == TopkKind::Bf16Logit || kKind == TopkKind::Logit || kKind == TopkKind::Choice;
        const bool topk_softmax = may_be_topk_softmax && args_.score == MS_SCORE_TOPK_SOFTMAX;
        float weights[kKept];
#pragma unroll
        for (int kept = 0; kept < kKept; ++kept) {
            weights[kept] = topk_softmax ? -INFINITY : 0.0f;
            if (keeps(kept))
                weights[kept] = score_of(logit_of(kept));
        }
        if (topk_softmax)
            softmax_of_selected(weights);
        scale(weights);
#pragma unroll
        for (int kept = 0; kept < kKept; ++kept)
            if (keeps(kept))
                emit(rank(kept), experts_[kept],
                     rounded_weight(weights[kept], args_.weights_round));
    }

    const TopkPlan &plan_;
    const ms_topk_args &args_;
    const std::int64_t row_; // the first
    std::int64_t start_ = 0; // of the row in the logits
    const int lane_, first_; // within the row; the first expert this lane holds
    float logits_[kItems];   // NaN taken for -infinity; -infinity for experts there are not
    std::uint32_t keys_[kItems], packed_[kRows][kItems]; // one of the two
    std::uint32_t list_[kShape.list];    // the largest keys that are left, the largest first
    std::uint32_t selected_[kKept] = {}; // keys
    unsigned heads_[kKept] = {};         // the lanes of the warp whose lists began with them
    int experts_[kKept] = {};
    ExactSoftmax exact_{};         // where a softmax decides
    float largest_ = 0, mass_ = 1; // where it only weighs
};

} // namespace moescope
