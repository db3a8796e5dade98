// One LoRA gradient problem on the host, on the routing and the values of a scatter2scatter case.
// Shared by the reference's, the emulated kernels' and the GPU's tests.
#pragma once

#include "tests/kernels/scatter2scatter/s2s_case.h"

#include <cstdint>
#include <string>
#include <vector>

namespace moescope::test {

struct LoraGradShape {
    std::int32_t tokens = 37, experts = 4, top_k = 2, k = 64, n = 48, rank = 8;
    ms_dtype dtype = MS_BF16, out_dtype = MS_F32;
    ms_lora_grad_variant variant = MS_LORA_GRAD_GRAM;
    bool x_grouped = false, dy_grouped = false, sentinels = false;
    std::int32_t only_expert = -1; // every token goes there (top_k must be 1)
    float scaling = 0.5f;
    std::int32_t x_padding = 0, dy_padding = 0;
    bool da = true, db = true;

    std::string name() const {
        static const char *const kVariants[] = {"gram", "recompute", "atomic"};
        return std::string(kVariants[variant]) + " T" + std::to_string(tokens) + " E" +
               std::to_string(experts) + " k" + std::to_string(top_k) + " K" + std::to_string(k) +
               " N" + std::to_string(n) + " R" + std::to_string(rank) +
               (dtype == MS_BF16 ? " bf16" : " f16") + (out_dtype == MS_F32 ? " to f32" : "") +
               (x_grouped ? " x grouped" : "") + (dy_grouped ? " dy grouped" : "") +
               (sentinels ? " sentinels" : "") + (da ? "" : " without dA") +
               (db ? "" : " without dB");
    }
};

// Arrays of a problem: multiples of 1/128 in [-1, 1). XA and YB are arbitrary values too, as wide as
// the rank rounded up to 8 and zero past it: whether they are products is not the kernels' business.
struct LoraGradCase {
    LoraGradShape shape;
    S2sCase routing; // and X, A, B
    std::vector<std::uint16_t> dy, xa, yb;

    explicit LoraGradCase(const LoraGradShape &s, std::uint64_t seed = 1)
        : shape(s), routing(routing_shape(s), seed),
          dy(values(routing.ids.size() * std::size_t(s.n + s.dy_padding), seed + 1)),
          xa(low_rank(seed + 2)), yb(low_rank(seed + 3)) {}

    std::int64_t slots() const { return std::int64_t(routing.ids.size()); }
    std::size_t da_elements() const { return std::size_t(shape.experts) * shape.rank * shape.k; }
    std::size_t db_elements() const { return std::size_t(shape.experts) * shape.rank * shape.n; }

    // Host pointers; workspace and config are the caller's.
    ms_lora_grad_args args(void *da, void *db) const {
        ms_lora_grad_args a{};
        a.struct_size = sizeof a;
        a.dtype = shape.dtype;
        a.out_dtype = shape.out_dtype;
        a.variant = shape.variant;
        a.x = routing.x.data();
        a.x_stride = shape.k + shape.x_padding;
        a.dy = dy.data();
        a.dy_stride = shape.n + shape.dy_padding;
        a.x_grouped = shape.x_grouped;
        a.dy_grouped = shape.dy_grouped;
        a.k = shape.k;
        a.n = shape.n;
        a.rank = shape.rank;
        a.experts = shape.experts;
        a.scaling = shape.scaling;
        a.top_k = shape.top_k;
        a.slots = slots();
        a.sorted_slots = routing.sorted_slots.data();
        a.offsets = routing.offsets.data();
        a.xa = xa.data();
        a.yb = yb.data();
        a.lora_a = routing.lora_a.data();
        a.lora_b = routing.lora_b.data();
        a.da = shape.da ? da : nullptr;
        a.db = shape.db ? db : nullptr;
        return a;
    }

    std::uint16_t encode(float value) const {
        return shape.dtype == MS_BF16 ? float_to_bf16(value) : float_to_f16(value);
    }

  private:
    static S2sShape routing_shape(const LoraGradShape &s) {
        return {.tokens = s.tokens,
                .experts = s.experts,
                .top_k = s.top_k,
                .k = s.k,
                .n = s.n,
                .rank = s.rank,
                .dtype = s.dtype,
                .y_dtype = s.dtype,
                .x_grouped = s.x_grouped,
                .only_expert = s.only_expert,
                .sentinels = s.sentinels,
                .x_padding = s.x_padding};
    }

    std::vector<std::uint16_t> values(std::size_t count, std::uint64_t seed) const {
        std::mt19937_64 random(seed);
        std::uniform_int_distribution<int> steps(-128, 127);
        std::vector<std::uint16_t> bits(count);
        for (std::uint16_t &one : bits)
            one = encode(float(steps(random)) / 128);
        return bits;
    }

    std::vector<std::uint16_t> low_rank(std::uint64_t seed) const {
        const std::size_t stride = std::size_t(shape.rank + 7) / 8 * 8;
        std::vector<std::uint16_t> bits = values(routing.ids.size() * stride, seed);
        for (std::size_t i = 0; i < bits.size(); ++i)
            if (i % stride >= std::size_t(shape.rank))
                bits[i] = 0;
        return bits;
    }
};

// What the sums of `rows` products in [-1, 1) can be off by in float32, whatever their order, and one
// rounding of the output.
inline double lora_grad_relative(ms_dtype out_dtype) {
    return out_dtype == MS_F32 ? 2e-6 : out_dtype == MS_BF16 ? 0x1p-8 : 0x1p-11;
}
inline double lora_grad_absolute(const LoraGradCase &c) { return 2e-7 * double(c.slots()) + 2e-6; }

} // namespace moescope::test
