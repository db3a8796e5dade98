// The shapes, ranks and tolerances of axolotl's public tests of its ScatterMoE LoRA kernels
// (axolotl-ai-cloud/axolotl: tests/e2e/integrations/test_scattermoe_lora_kernels.py and
// tests/integrations/kernels/scattermoe_lora/test_lora_kernels.py), and problems of those shapes.
// Their float32 cases run here in float16, the type of the matrix units, with the same tolerance.
#pragma once

#include "kernels/common/float_types.h"
#include "kernels/inputs/inputs.h"
#include "kernels/reference.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace moescope::test {

struct GridShape {
    const char *name;
    std::int32_t tokens, k, n, experts, rank, top_k;
    ms_dtype dtype = MS_F16;
    double tolerance = 1e-2; // absolute and relative at once, as torch.testing.assert_close
    std::int32_t used_experts = 0; // the router chooses among the first so many; 0: all
};

// Y = X*W + s * (X*A^T)*B^T, s = 0.5.
inline constexpr GridShape kForwardGrid[] = {
    {"basic", 16, 64, 64, 4, 8, 1},
    {"top-2", 32, 64, 128, 4, 8, 2},
    {"larger rank", 16, 128, 128, 8, 32, 2},
    {"small rank", 32, 64, 64, 4, 4, 1},
    {"many experts", 64, 64, 64, 16, 8, 2},
    {"sizes that are no powers of two", 17, 96, 80, 6, 16, 2, MS_F16, 2e-2},
    {"single token", 1, 64, 64, 4, 8, 1},
    {"bf16", 32, 64, 128, 4, 8, 2, MS_BF16, 5e-2},
    {"f16", 32, 64, 128, 4, 8, 2, MS_F16, 5e-2},
    {"all tokens to one expert", 16, 64, 64, 4, 8, 1, MS_F16, 1e-2, 1},
    {"empty experts", 8, 64, 64, 8, 4, 1, MS_F16, 1e-2, 2},
};
// dX = dY*W^T + s * (dY*B)*A.
inline constexpr GridShape kDxGrid[] = {
    {"basic", 32, 64, 128, 4, 8, 2, MS_F16, 5e-2},
    {"large", 256, 256, 512, 8, 16, 2, MS_F16, 5e-2},
    {"single expert", 64, 128, 256, 1, 8, 1, MS_F16, 5e-2},
    {"top-1", 64, 64, 128, 4, 8, 1, MS_F16, 5e-2},
    {"bf16", 64, 128, 256, 4, 16, 2, MS_BF16, 1e-1},
};
// dA and dB, from grouped rows and from gathered ones.
inline constexpr GridShape kGradientGrid[] = {
    {"basic", 32, 64, 128, 4, 8, 2},
    {"small rank", 16, 64, 64, 4, 4, 1},
    {"larger rank", 16, 128, 128, 8, 32, 2, MS_F16, 5e-2},
    {"many experts", 64, 64, 64, 16, 8, 2},
    {"a token an expert", 8, 64, 64, 8, 4, 1},
    {"large", 256, 256, 512, 8, 16, 2, MS_F16, 5e-2},
    {"single expert", 64, 128, 256, 1, 8, 1, MS_F16, 5e-2},
    {"top-1", 64, 64, 128, 4, 8, 1, MS_F16, 5e-2},
    {"top-4 of many", 128, 64, 128, 16, 8, 4, MS_F16, 5e-2},
    {"bf16", 64, 128, 256, 4, 16, 2, MS_BF16, 1e-1},
};
// Forward, dX, dA and dB with s = 2: every element within 1, and the norm of the difference within
// 1 % of the norm.
inline constexpr GridShape kSmallModels[] = {
    {"tiny", 64, 128, 64, 32, 4, 2, MS_BF16},
    {"small", 128, 256, 128, 64, 8, 4, MS_BF16},
};
inline constexpr GridShape kRealModels[] = {
    {"Qwen3.5 gate_up", 2048, 2048, 1024, 256, 16, 8, MS_BF16},
    {"Qwen3.5 down", 2048, 512, 2048, 256, 16, 8, MS_BF16},
    {"OLMoE gate_up", 2048, 2048, 2048, 64, 16, 8, MS_BF16},
    {"Qwen3 gate_up", 2048, 2048, 1536, 128, 16, 8, MS_BF16},
};
inline constexpr float kGridScaling = 0.5f, kModelScaling = 2.0f;
inline constexpr double kMostModelError = 1.0, kMostNormError = 0.01;

// A problem of a shape: values uniform with the standard deviations of the public tests' normal ones,
// as near as a power of two comes.
struct GridProblem {
    GridShape shape;
    float scaling;
    std::vector<std::int32_t> ids, offsets, sorted_slots;
    std::vector<std::uint16_t> x, dy, w, a, b; // x by token, dy by slot

    GridProblem(const GridShape &s, float scale) : shape(s), scaling(scale) {
        route();
        x = values(std::int64_t(s.tokens) * s.k, 1, 2);
        dy = values(slots() * s.n, 2, 2);
        w = values(std::int64_t(s.experts) * s.k * s.n, 3, 1.0f / 32);
        a = values(std::int64_t(s.experts) * s.rank * s.k, 4, 1.0f / 64);
        b = values(std::int64_t(s.experts) * s.n * s.rank, 5, 1.0f / 64);
    }

    std::int64_t slots() const { return std::int64_t(shape.tokens) * shape.top_k; }
    std::int32_t xa_columns() const { return (shape.rank + 7) / 8 * 8; }

    ms_scatter2scatter_args forward(ms_s2s_variant variant) const {
        ms_scatter2scatter_args args = common(variant);
        args.x = x.data();
        args.k = shape.k;
        args.n = shape.n;
        args.lora_a = a.data();
        args.lora_b = b.data();
        args.top_k = shape.top_k;
        args.x_stride = args.k;
        args.y_stride = args.n;
        return args;
    }
    ms_scatter2scatter_args dx(ms_s2s_variant variant) const {
        ms_scatter2scatter_args args = common(variant);
        args.x = dy.data();
        args.k = shape.n;
        args.n = shape.k;
        args.w_transposed = 1;
        args.lora_a = b.data();
        args.lora_a_transposed = 1;
        args.lora_b = a.data();
        args.lora_b_transposed = 1;
        args.top_k = 1; // a row a slot
        args.x_stride = args.k;
        args.y_stride = args.n;
        return args;
    }
    ms_lora_grad_args gradients(ms_lora_grad_variant variant) const {
        ms_lora_grad_args args{};
        args.struct_size = sizeof args;
        args.dtype = shape.dtype;
        args.out_dtype = MS_F32;
        args.variant = variant;
        args.x = x.data();
        args.dy = dy.data();
        args.k = shape.k;
        args.n = shape.n;
        args.x_stride = shape.k;
        args.dy_stride = shape.n;
        args.rank = shape.rank;
        args.experts = shape.experts;
        args.scaling = scaling;
        args.top_k = shape.top_k;
        args.slots = slots();
        args.sorted_slots = sorted_slots.data();
        args.offsets = offsets.data();
        args.lora_a = a.data();
        args.lora_b = b.data();
        return args;
    }

    float at(const std::vector<std::uint16_t> &bits, std::int64_t i) const {
        return load_as_float(bits.data(), shape.dtype, i);
    }

  private:
    ms_scatter2scatter_args common(ms_s2s_variant variant) const {
        ms_scatter2scatter_args args{};
        args.struct_size = sizeof args;
        args.dtype = args.y_dtype = shape.dtype;
        args.variant = variant;
        args.w = w.data();
        args.rank = shape.rank;
        args.scaling = scaling;
        args.sorted_slots = sorted_slots.data();
        args.offsets = offsets.data();
        args.slots = slots();
        args.experts = shape.experts;
        return args;
    }

    // The model grids route by top-k of random logits, the others each slot on its own.
    void route() {
        std::mt19937_64 random(42);
        const std::int32_t among = shape.used_experts > 0 ? shape.used_experts : shape.experts;
        std::vector<std::int32_t> experts(among);
        for (std::int32_t e = 0; e < among; ++e)
            experts[e] = e;
        for (std::int32_t t = 0; t < shape.tokens; ++t)
            for (std::int32_t j = 0; j < shape.top_k; ++j) {
                const std::int32_t first = among >= shape.top_k ? j : 0;
                std::swap(experts[first],
                          experts[std::uniform_int_distribution<int>(first, among - 1)(random)]);
                ids.push_back(experts[first]);
            }
        offsets.push_back(0);
        for (std::int32_t e = 0; e < shape.experts; ++e) {
            for (std::int32_t slot = 0; slot < std::int32_t(ids.size()); ++slot)
                if (ids[slot] == e)
                    sorted_slots.push_back(slot);
            offsets.push_back(std::int32_t(sorted_slots.size()));
        }
    }

    std::vector<std::uint16_t> values(std::int64_t count, std::uint32_t tensor, float scale) const {
        std::vector<std::uint16_t> bits(count);
        const FillUniformArgs args{bits.data(), shape.dtype, count, 7, tensor, scale};
        REQUIRE(reference::fill_uniform(&args, nullptr) == MS_OK);
        return bits;
    }
};

// The definition in float64, nothing rounded between: as the public tests' own reference.
struct GridTruth {
    std::vector<double> y, dx, da, db; // y and dx by slot

    explicit GridTruth(const GridProblem &p) {
        const GridShape &s = p.shape;
        y.resize(p.slots() * s.n);
        dx.resize(p.slots() * s.k);
        da.resize(std::size_t(s.experts) * s.rank * s.k);
        db.resize(std::size_t(s.experts) * s.rank * s.n);
        for (std::int64_t slot = 0; slot < p.slots(); ++slot)
            add(p, slot);
    }

  private:
    void add(const GridProblem &p, std::int64_t slot) {
        const GridShape &s = p.shape;
        const std::int64_t e = p.ids[slot], token = slot / s.top_k;
        const auto x = [&](std::int64_t k) { return double(p.at(p.x, token * s.k + k)); };
        const auto dy = [&](std::int64_t n) { return double(p.at(p.dy, slot * s.n + n)); };
        for (std::int64_t k = 0; k < s.k; ++k)
            for (std::int64_t n = 0; n < s.n; ++n) {
                const double w = p.at(p.w, (e * s.k + k) * s.n + n);
                y[slot * s.n + n] += x(k) * w;
                dx[slot * s.k + k] += dy(n) * w;
            }
        for (std::int64_t r = 0; r < s.rank; ++r) {
            const auto a = [&](std::int64_t k) { return p.at(p.a, (e * s.rank + r) * s.k + k); };
            const auto b = [&](std::int64_t n) { return p.at(p.b, (e * s.n + n) * s.rank + r); };
            double xa = 0, yb = 0;
            for (std::int64_t k = 0; k < s.k; ++k)
                xa += x(k) * a(k);
            for (std::int64_t n = 0; n < s.n; ++n)
                yb += dy(n) * b(n);
            for (std::int64_t n = 0; n < s.n; ++n) {
                y[slot * s.n + n] += p.scaling * xa * b(n);
                db[(e * s.n + n) * s.rank + r] += p.scaling * xa * dy(n);
            }
            for (std::int64_t k = 0; k < s.k; ++k) {
                dx[slot * s.k + k] += p.scaling * yb * a(k);
                da[(e * s.rank + r) * s.k + k] += p.scaling * yb * x(k);
            }
        }
    }
};

struct GridError {
    double worst = 0;   // |actual - truth| over tolerance * (1 + |truth|), at most 1 to pass
    double largest = 0; // |actual - truth|
    double norm = 0;    // ||actual - truth|| / ||truth||
};

template <class Truth>
GridError grid_error(const std::vector<float> &actual, const Truth &truth, double tolerance) {
    REQUIRE(actual.size() == truth.size());
    GridError error;
    double difference = 0, reference = 1e-12;
    for (std::size_t i = 0; i < actual.size(); ++i) {
        const double d = std::fabs(actual[i] - double(truth[i]));
        const double allowed = tolerance * (1 + std::fabs(double(truth[i])));
        error.worst = std::isnan(d) ? INFINITY : std::max(error.worst, d / allowed);
        error.largest = std::isnan(d) ? INFINITY : std::max(error.largest, d);
        difference += d * d;
        reference += double(truth[i]) * truth[i];
    }
    error.norm = std::sqrt(difference / reference);
    return error;
}

} // namespace moescope::test
