// The routing of one row of logits by the lanes of a warp: scores, groups, top-k and weights, all in
// registers. Each lane sorts the keys of the consecutive experts it holds; then k times the best of
// the lists' heads is selected and its list moves up. kLanes lanes hold a row, so that 32 / kLanes
// rows share a warp.
//
// Keys order (choice, expert) pairs as order_key.h says, so the selection is the same to the bit
// whatever the layout.
#pragma once

#include "kernels/include/moescope/kernels.h"
#include "kernels/routing/logits.cuh"
#include "kernels/routing/order_key.h"
#include "kernels/routing/routing_math.h"
#include "kernels/routing/topk_shapes.h"
#include "kernels/routing/warp.cuh"

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace moescope {

// What a row is ordered by, and how wide a key that takes.
enum class TopkOrder {
    Bf16Logit, // logits of 16 bits with the expert's number fit in 32
    Logit,
    Choice, // a score, a bias or both
};

inline TopkOrder topk_order(const ms_topk_args &args) {
    if (!orders_by_logit(args))
        return TopkOrder::Choice;
    return args.logits_dtype == MS_BF16 ? TopkOrder::Bf16Logit : TopkOrder::Logit;
}

// order_key() of a value that is no NaN.
__device__ inline std::uint32_t fast_order_key(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value + 0.0f); // -0 becomes +0
    return bits ^ (std::uint32_t(std::int32_t(bits) >> 31) | 0x80000000);
}

// 64 bits: those of order_key.h.
struct WideKey {
    using Bits = std::uint64_t;
    __device__ static Bits make(float value, int expert) {
        return std::uint64_t(fast_order_key(value)) << 32 | ~std::uint32_t(expert);
    }
    __device__ static std::uint32_t order(Bits key) { return std::uint32_t(key >> 32); }
    __device__ static float value(Bits key) { return rank_key_value(key); }
    __device__ static int expert(Bits key) { return rank_key_index(key); }
};

// 32 bits: the upper half of a bfloat16 value's order key and the complement of the expert.
struct PackedKey {
    using Bits = std::uint32_t;
    __device__ static Bits make(float value, int expert) {
        return (fast_order_key(value) & 0xffff0000) | (0xffffu ^ unsigned(expert));
    }
    __device__ static std::uint32_t order(Bits key) {
        return key & 0x80000000 ? key & 0xffff0000 : key | 0xffff;
    }
    __device__ static float value(Bits key) { return order_key_value(order(key)); }
    __device__ static int expert(Bits key) { return int(0xffff ^ (key & 0xffff)); }
};

// Reductions over the kWidth lanes whose numbers differ in the lower bits; every lane gets the
// result, and the whole warp takes part.
template <int kWidth> struct Lanes {
    template <class T, class Combine> __device__ static T reduce(T value, Combine combine) {
#pragma unroll
        for (int distance = kWidth / 2; distance > 0; distance /= 2)
            value = combine(value, T(__shfl_xor_sync(kFullWarp, value, distance)));
        return value;
    }
    template <class T> __device__ static T sum(T value) {
        return reduce(value, [](T a, T b) { return a + b; });
    }
    __device__ static std::uint32_t max(std::uint32_t value) {
        if constexpr (kWidth == kWarpSize)
            return __reduce_max_sync(kFullWarp, value);
        else
            return reduce(value, [](std::uint32_t a, std::uint32_t b) { return a > b ? a : b; });
    }
    __device__ static std::uint64_t max(std::uint64_t value) {
        if constexpr (kWidth == kWarpSize) {
            const std::uint32_t high = max(std::uint32_t(value >> 32));
            return std::uint64_t(high) << 32 |
                   max(std::uint32_t(value >> 32) == high ? std::uint32_t(value) : 0u);
        } else {
            return reduce(value, [](std::uint64_t a, std::uint64_t b) { return a > b ? a : b; });
        }
    }
};

// Batcher's odd-even merge sort as a list of comparators, made by the compiler.
template <int kItems> struct SortNetwork {
    struct Comparator {
        int upper, lower; // the larger key goes to `upper`, the smaller index
    };
    template <class Visit> static constexpr void for_each(Visit visit) {
        for (int run = 1; run < kItems; run *= 2)
            for (int distance = run; distance > 0; distance /= 2)
                for (int start = distance % run; start + distance < kItems; start += 2 * distance)
                    for (int i = start; i < start + distance && i + distance < kItems; ++i)
                        if (i / (2 * run) == (i + distance) / (2 * run))
                            visit(i, i + distance);
    }
    static constexpr int count() {
        int total = 0;
        for_each([&](int, int) { ++total; });
        return total;
    }
    static constexpr auto comparators() {
        std::array<Comparator, std::size_t(count())> list{};
        std::size_t next = 0;
        for_each([&](int upper, int lower) { list[next++] = {upper, lower}; });
        return list;
    }
};

// Sorts a lane's own keys, the largest first.
template <int kItems, class Bits> __device__ inline void sort_descending(Bits (&keys)[kItems]) {
    [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
        const auto order = [&](Bits &upper, Bits &lower) {
            const bool swap = upper < lower;
            const Bits larger = swap ? lower : upper;
            lower = swap ? upper : lower;
            upper = larger;
        };
        (order(keys[std::integral_constant<int, SortNetwork<kItems>::comparators()[kIndex].upper>::value],
               keys[std::integral_constant<int, SortNetwork<kItems>::comparators()[kIndex].lower>::value]),
         ...);
    }(std::make_index_sequence<std::size_t(SortNetwork<kItems>::count())>());
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

// Logits are read kItems at a time where every row starts on 16 bytes and no lane holds a part of
// what it could.
inline bool whole_lanes(const ms_topk_args &args, int items) {
    const int size = args.logits_dtype == MS_F32 ? 4 : 2;
    return reinterpret_cast<std::uintptr_t>(args.logits) % 16 == 0 &&
           args.logits_stride * size % 16 == 0 && args.experts % items == 0 && items * size % 4 == 0;
}

template <TopkOrder kOrder, int kLanes, int kItems> class TopkRow {
    using Key = std::conditional_t<kOrder == TopkOrder::Bf16Logit, PackedKey, WideKey>;
    using Bits = typename Key::Bits;
    using Row = Lanes<kLanes>;
    // Selections a lane keeps until all weights are known: selection i is lane i % kLanes'.
    static constexpr int kKept =
        kItems < kMaxWarpSelectTopK / kLanes ? kItems : kMaxWarpSelectTopK / kLanes;

  public:
    static constexpr int kRowsPerWarp = kWarpSize / kLanes;

    // Routes row `row`; all lanes of the warp call it, a row's lanes with the same row. Calls
    // emit(rank, expert, weight) once for each rank below k, on one of the row's lanes.
    // whole_lanes: as the host function of that name says.
    template <class Emit>
    __device__ static void route(const ms_topk_args &args, std::int64_t row, bool whole_lanes,
                                 Emit emit) {
        TopkRow self(args, row);
        self.load(whole_lanes);
        self.make_keys();
        sort_descending(self.keys_);
        if (args.groups_kept < args.groups)
            self.mask_groups();
        self.find_mass();
        self.select();
        self.finish(emit);
    }

  private:
    __device__ TopkRow(const ms_topk_args &args, std::int64_t row)
        : args_(args), start_(row * args.logits_stride), lane_(int(threadIdx.x) % kLanes),
          first_(lane_ * kItems) {}

    __device__ bool exists(int item) const { return first_ + item < args_.experts; }

    template <class T> __device__ void load_typed(bool whole) {
        const T *logits = static_cast<const T *>(args_.logits) + start_;
        if (!whole)
            load_typed_row(logits, first_, 1, args_.experts, -INFINITY, logits_);
        else if (exists(0))
            load_consecutive(logits, first_, logits_);
    }
    __device__ void load(bool whole) {
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            logits_[i] = -INFINITY;
        if (kOrder == TopkOrder::Bf16Logit || args_.logits_dtype == MS_BF16)
            load_typed<__nv_bfloat16>(whole);
        else if (args_.logits_dtype == MS_F32)
            load_typed<float>(whole);
        else
            load_typed<__half>(whole);
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            logits_[i] = without_nan(logits_[i]);
    }

    // The keys of f(item)'s value plus the bias.
    template <class Score> __device__ void key_scores(Score score) {
        float bias[kItems] = {};
        if (args_.bias)
            load_typed_row(args_.bias, first_, 1, args_.experts, 0.0f, bias);
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            keys_[i] = exists(i) ? Key::make(without_nan(score(logits_[i]) + bias[i]), first_ + i)
                                 : Bits(0);
    }

    __device__ void make_keys() {
        if constexpr (kOrder != TopkOrder::Choice) {
#pragma unroll
            for (int i = 0; i < kItems; ++i)
                keys_[i] = exists(i) ? Key::make(logits_[i], first_ + i) : Bits(0);
        } else if (args_.score == MS_SCORE_SIGMOID) {
            key_scores([](float logit) { return sigmoid(logit); });
        } else if (args_.score == MS_SCORE_SQRT_SOFTPLUS) {
            key_scores([](float logit) { return sqrt_softplus(logit); });
        } else if (args_.score == MS_SCORE_SOFTMAX) {
            find_exact_softmax();
            key_scores([this](float logit) { return exact_.share(logit); });
        } else {
            key_scores([](float logit) { return logit; });
        }
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
            sum += exact_.fixed_term(logits_[i]); // 0 for -infinity, and so for experts there are not
        exact_.set_mass(Row::sum(sum));
    }

    // Gives every expert outside the best groups the fill. A group is a power of two of whole lanes.
    __device__ void mask_groups() {
        const int lanes_per_group = args_.experts / args_.groups / kItems;
        const int group = lane_ / lanes_per_group;
        std::uint32_t best = Key::order(keys_[0]);
        std::uint32_t second = kItems > 1 ? Key::order(keys_[1]) : 0;
        for (int distance = 1; distance < lanes_per_group; distance *= 2) {
            const std::uint32_t other = __shfl_xor_sync(kFullWarp, best, distance);
            const std::uint32_t other_second = __shfl_xor_sync(kFullWarp, second, distance);
            second = ::max(::min(best, other), ::max(second, other_second));
            best = ::max(best, other);
        }
        const std::uint32_t score = group_key(args_, best, second);
        const int row_start = int(threadIdx.x) % kWarpSize - lane_;
        int better = 0; // groups before this one
#pragma unroll 8
        for (int i = 0; i < args_.groups; ++i) {
            const std::uint32_t other =
                __shfl_sync(kFullWarp, score, row_start + i * lanes_per_group);
            better += other > score || (other == score && i < group);
        }
        if (better < args_.groups_kept)
            return;
        const float fill = masked_choice(args_);
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            keys_[i] = exists(i) ? Key::make(fill, first_ + i) : Bits(0);
    }

    // The denominator of a softmax over all experts, where it only makes weights.
    __device__ void find_mass() {
        if (kOrder == TopkOrder::Choice || args_.score != MS_SCORE_SOFTMAX)
            return;
        float largest = -INFINITY;
#pragma unroll
        for (int i = 0; i < kItems; ++i)
            largest = fmaxf(largest, logits_[i]);
        largest_ = order_key_value(Row::max(fast_order_key(largest)));
        float sum = 0;
        if (fabsf(largest_) < INFINITY) {
#pragma unroll
            for (int i = 0; i < kItems; ++i)
                sum += __expf(logits_[i] - largest_); // a large term has a small argument
        } else {
#pragma unroll
            for (int i = 0; i < kItems; ++i)
                sum += softmax_term(logits_[i], largest_);
        }
        mass_ = Row::sum(sum);
    }

    __device__ void select() {
#pragma unroll
        for (int kept = 0; kept < kKept; ++kept) {
            const int count = min(args_.top_k - kept * kLanes, kLanes);
            for (int i = 0; i < count; ++i) {
                const Bits best = Row::max(keys_[0]);
                if (lane_ == i)
                    selected_[kept] = best;
                if (keys_[0] == best) { // one lane's, for keys differ
#pragma unroll
                    for (int item = 0; item + 1 < kItems; ++item)
                        keys_[item] = keys_[item + 1];
                    keys_[kItems - 1] = 0;
                }
            }
        }
    }

    __device__ bool keeps(int kept) const { return kept * kLanes + lane_ < args_.top_k; }

    // The logit of a selection that this lane keeps.
    __device__ float logit_of(int kept) const {
        if constexpr (kOrder != TopkOrder::Choice)
            return Key::value(selected_[kept]);
        return without_nan(
            load_logit(args_.logits, args_.logits_dtype, start_ + Key::expert(selected_[kept])));
    }

    __device__ float score_of(float logit) const {
        switch (args_.score) {
        case MS_SCORE_SOFTMAX:
            if constexpr (kOrder == TopkOrder::Choice)
                return exact_.share(logit);
            else
                return mass_ > 0 ? softmax_term(logit, largest_) / mass_ : 0.0f;
        case MS_SCORE_SQRT_SOFTPLUS:
            return sqrt_softplus(logit);
        case MS_SCORE_TOPK_SOFTMAX:
            return logit;
        default:
            return sigmoid(logit);
        }
    }

    // weights hold the selected logits, and hold their softmax after.
    __device__ void softmax_of_selected(float (&weights)[kKept]) const {
        float largest = -INFINITY;
#pragma unroll
        for (int kept = 0; kept < kKept; ++kept)
            largest = fmaxf(largest, weights[kept]);
        largest = order_key_value(Row::max(fast_order_key(largest)));
        float sum = 0;
#pragma unroll
        for (int kept = 0; kept < kKept; ++kept) {
            weights[kept] = softmax_term(weights[kept], largest);
            sum += weights[kept];
        }
        sum = Row::sum(sum);
#pragma unroll
        for (int kept = 0; kept < kKept; ++kept)
            weights[kept] = sum > 0 ? weights[kept] / sum : 0.0f;
    }

    template <class Emit> __device__ void finish(Emit emit) const {
        float weights[kKept];
#pragma unroll
        for (int kept = 0; kept < kKept; ++kept) {
            weights[kept] = args_.score == MS_SCORE_TOPK_SOFTMAX ? -INFINITY : 0.0f;
            if (keeps(kept))
                weights[kept] = score_of(logit_of(kept));
        }
        if (args_.score == MS_SCORE_TOPK_SOFTMAX)
            softmax_of_selected(weights);
        float divisor = 1;
        if (args_.renorm != MS_RENORM_NONE) {
            float sum = 0;
#pragma unroll
            for (int kept = 0; kept < kKept; ++kept)
                sum += weights[kept];
            divisor = renorm_divisor(args_.renorm, Row::sum(sum), args_.renorm_epsilon);
        }
#pragma unroll
        for (int kept = 0; kept < kKept; ++kept)
            if (keeps(kept))
                emit(kept * kLanes + lane_, Key::expert(selected_[kept]),
                     rounded_weight(final_weight(weights[kept], divisor, args_.routed_scaling),
                                    args_.weights_round));
    }

    const ms_topk_args &args_;
    const std::int64_t start_; // of the row in the logits
    const int lane_, first_;   // within the row; the first expert this lane holds
    float logits_[kItems];
    Bits keys_[kItems];
    Bits selected_[kKept];
    ExactSoftmax exact_{};            // where a softmax decides
    float largest_ = 0, mass_ = 0;    // where it only weighs
};

} // namespace moescope
