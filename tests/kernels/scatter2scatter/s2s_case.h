// One scatter2scatter problem on the host: routed at random, filled with small values, with the
// sorted order the kernels want. Shared by the reference's, the JIT's and the GPU's tests.
#pragma once

#include "kernels/common/float_types.h"
#include "kernels/dequant/nf4.h"
#include "kernels/reference.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace moescope::test {

struct S2sShape {
    std::int32_t tokens = 37, experts = 4, top_k = 2, k = 64, n = 48, rank = 0;
    ms_dtype dtype = MS_BF16, y_dtype = MS_BF16;
    ms_s2s_variant variant = MS_S2S_FUSED;
    bool w_transposed = false, bias = false, x_grouped = false, y_grouped = false;
    std::int32_t only_expert = -1; // every token goes there (top_k must be 1)
    bool sentinels = false;        // some slots have no expert (-1)
    float scaling = 0.5f;
    std::int32_t x_padding = 0, y_padding = 0; // elements between rows
    bool lora_a_transposed = false, lora_b_transposed = false;
    std::int32_t nf4_block = 0, nested_block = 0; // W as NF4 in such blocks; nested if both are set

    std::string name() const {
        return "T" + std::to_string(tokens) + " E" + std::to_string(experts) + " k" +
               std::to_string(top_k) + " K" + std::to_string(k) + " N" + std::to_string(n) + " R" +
               std::to_string(rank) + (dtype == MS_BF16 ? " bf16" : " f16") +
               (y_dtype == MS_F32 ? " to f32" : "") +
               (variant == MS_S2S_SPLIT     ? " split"
                : variant == MS_S2S_EXTRA_K ? " extra-K"
                                            : " fused") +
               (w_transposed ? " W^T" : "") + (lora_a_transposed ? " A^T" : "") +
               (lora_b_transposed ? " B^T" : "") +
               (bias ? " bias" : "") + (x_grouped ? " x grouped" : "") +
               (y_grouped ? " y grouped" : "") + (sentinels ? " sentinels" : "") +
               (nf4_block ? " NF4 " + std::to_string(nf4_block) + " " + std::to_string(nested_block) : "");
    }
};

inline ms_scatter2scatter_args shape_args(const S2sShape &shape) {
    ms_scatter2scatter_args args{};
    args.struct_size = sizeof args;
    args.dtype = shape.dtype;
    args.y_dtype = shape.y_dtype;
    args.variant = shape.variant;
    args.x_stride = shape.k + shape.x_padding;
    args.w_transposed = shape.w_transposed;
    args.k = shape.k;
    args.n = shape.n;
    args.rank = shape.rank;
    args.scaling = shape.scaling;
    args.y_stride = shape.n + shape.y_padding;
    args.slots = std::int64_t(shape.tokens) * shape.top_k;
    args.experts = shape.experts;
    args.top_k = shape.top_k;
    args.x_grouped = shape.x_grouped;
    args.y_grouped = shape.y_grouped;
    args.lora_a_transposed = shape.lora_a_transposed;
    args.lora_b_transposed = shape.lora_b_transposed;
    return args;
}

// Arrays of a problem. Values are multiples of 1/128 in [-1, 1): exact in both dtypes.
struct S2sCase {
    S2sShape shape;
    std::vector<std::int32_t> ids, counts, offsets, sorted_slots, inverse;
    std::vector<std::uint16_t> x, w, lora_a, lora_b, bias;
    Nf4Array nf4;
    ms_expert_weights nf4_view{}; // host pointers into nf4

    S2sCase(const S2sCase &) = delete; // nf4_view points into nf4
    S2sCase &operator=(const S2sCase &) = delete;
    explicit S2sCase(const S2sShape &s, std::uint64_t seed = 1) : shape(s), random_(seed) {
        route();
        const std::int64_t slots = ids.size(), e = s.experts;
        x = values((s.x_grouped ? slots : s.tokens) * std::int64_t(s.k + s.x_padding));
        w = values(s.nf4_block ? 0 : e * s.k * s.n);
        if (s.nf4_block)
            quantise(e * s.k * s.n);
        lora_a = values(e * s.rank * s.k);
        lora_b = values(e * s.n * s.rank);
        bias = values(s.bias ? e * s.n : 0);
    }

    // Host pointers; y and workspace are the caller's.
    ms_scatter2scatter_args args(void *y) const {
        ms_scatter2scatter_args result = shape_args(shape);
        result.x = x.data();
        result.w = w.data();
        result.w_nf4 = shape.nf4_block ? &nf4_view : nullptr;
        result.lora_a = lora_a.data();
        result.lora_b = lora_b.data();
        result.bias = shape.bias ? bias.data() : nullptr;
        result.y = y;
        result.offsets = offsets.data();
        result.sorted_slots = sorted_slots.data();
        return result;
    }

    std::size_t y_elements() const { return ids.size() * std::size_t(shape.n + shape.y_padding); }
    std::size_t y_bytes() const { return y_elements() * std::size_t(size_of(shape.y_dtype)); }

  private:
    void route() {
        const std::int64_t slots = std::int64_t(shape.tokens) * shape.top_k;
        std::vector<std::int32_t> experts(shape.experts);
        for (std::int32_t e = 0; e < shape.experts; ++e)
            experts[e] = e;
        while (std::int64_t(ids.size()) < slots) { // distinct experts for a token
            std::shuffle(experts.begin(), experts.end(), random_);
            for (std::int32_t i = 0; i < shape.top_k; ++i)
                ids.push_back(shape.only_expert >= 0                  ? shape.only_expert
                              : shape.sentinels && random_() % 5 == 0 ? -1
                                                                      : experts[i]);
        }
        counts.assign(shape.experts, 0);
        offsets.assign(shape.experts + 1, 0);
        sorted_slots.assign(slots, -1);
        inverse.assign(slots, -1);
        std::int32_t position = 0;
        for (std::int32_t e = 0; e < shape.experts; ++e) {
            for (std::int32_t slot = 0; slot < slots; ++slot)
                if (ids[slot] == e) {
                    inverse[slot] = position;
                    sorted_slots[position++] = slot;
                    ++counts[e];
                }
            offsets[e + 1] = position;
        }
    }

    void quantise(std::int64_t count) {
        std::uniform_real_distribution<float> value(-1, 1);
        std::vector<float> dense(static_cast<std::size_t>(count));
        for (float &one : dense)
            one = value(random_);
        nf4 = quantize_nf4(dense.data(), count, shape.nf4_block, shape.nested_block);
        nf4_view = nf4.view(shape.experts, std::int64_t(shape.k) * shape.n);
    }

    std::vector<std::uint16_t> values(std::int64_t count) {
        std::uniform_int_distribution<int> steps(-128, 127);
        std::vector<std::uint16_t> bits(std::max<std::int64_t>(count, 0));
        for (std::uint16_t &one : bits) {
            const float value = float(steps(random_)) / 128;
            one = shape.dtype == MS_BF16 ? float_to_bf16(value) : float_to_f16(value);
        }
        return bits;
    }

    std::mt19937_64 random_;
};

} // namespace moescope::test
