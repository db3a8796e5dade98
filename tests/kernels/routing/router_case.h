// A router's inputs on the host, for the reference's tests and the GPU's.
#pragma once

#include "kernels/common/float_types.h"
#include "tests/kernels/routing/topk_support.h"

#include <cstdint>
#include <random>
#include <vector>

namespace moescope::test {

// All values are multiples of 1/8 in [-1, 1]: with H <= 4096 every logit of a router without LoRA
// is exact in float32, in whatever order it is summed, and with a small rank and a power of two for
// scaling so is every other.
struct RouterCase {
    ms_router_args args{};
    std::vector<std::uint16_t> hidden, gate, lora_a, lora_b;

    RouterCase(ms_dtype dtype, std::int64_t tokens, std::int32_t hidden_size, std::int32_t experts,
               std::int32_t rank, std::mt19937_64 &random) {
        args.struct_size = sizeof args;
        args.dtype = dtype;
        args.hidden_stride = hidden_size + (tokens % 16 == 1 ? 8 : 0); // some padded, some not
        args.tokens = tokens;
        args.hidden_size = hidden_size;
        args.experts = experts;
        args.rank = rank;
        args.scaling = 2.0f;
        const auto values = [&](std::int64_t count) {
            std::vector<std::uint16_t> bits(std::size_t(count), 0);
            for (std::int64_t i = 0; i < count; ++i)
                store_from_float(bits.data(), dtype, i, float(int(random() % 17) - 8) / 8);
            return bits;
        };
        hidden = values(tokens * args.hidden_stride);
        gate = values(std::int64_t(experts) * hidden_size);
        lora_a = values(std::int64_t(rank) * hidden_size);
        lora_b = values(std::int64_t(experts) * rank);
    }

    // The interface's formula, one product at a time.
    std::vector<float> expected_logits() const {
        const auto at = [&](const std::vector<std::uint16_t> &matrix, std::int64_t i) {
            return double(load_as_float(matrix.data(), args.dtype, i));
        };
        std::vector<float> logits;
        for (std::int64_t token = 0; token < args.tokens; ++token) {
            std::vector<double> xa(std::size_t(args.rank), 0.0);
            for (std::int32_t r = 0; r < args.rank; ++r) {
                for (std::int32_t h = 0; h < args.hidden_size; ++h)
                    xa[std::size_t(r)] += at(hidden, token * args.hidden_stride + h) *
                                          at(lora_a, std::int64_t(r) * args.hidden_size + h);
                xa[std::size_t(r)] = round_to(args.dtype, float(xa[std::size_t(r)]));
            }
            for (std::int32_t expert = 0; expert < args.experts; ++expert) {
                double base = 0, delta = 0;
                for (std::int32_t h = 0; h < args.hidden_size; ++h)
                    base += at(hidden, token * args.hidden_stride + h) *
                            at(gate, std::int64_t(expert) * args.hidden_size + h);
                for (std::int32_t r = 0; r < args.rank; ++r)
                    delta += xa[std::size_t(r)] * at(lora_b, std::int64_t(expert) * args.rank + r);
                logits.push_back(float(base + double(args.scaling) * delta));
            }
        }
        return logits;
    }
};

} // namespace moescope::test
