// One problem of the gated activation on the host, forward and backward; some rows without a slot.
#pragma once

#include "kernels/common/float_types.h"
#include "kernels/reference.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace moescope::test {

struct ActivationShape {
    ms_activation kind = MS_ACT_SILU;
    bool gated = true, interleaved = false;
    std::int32_t rows = 21, width = 40;
    ms_dtype dtype = MS_BF16;
    bool weighted = false, slots = false; // slots: rows in another order than weights, the last ones none
    std::int32_t padding = 0;

    std::string name() const {
        return "kind " + std::to_string(kind) + (gated ? " gated" : "") + (interleaved ? " interleaved" : "") +
               " " + std::to_string(rows) + "x" + std::to_string(width) + " dtype " + std::to_string(dtype) +
               (weighted ? " weighted" : "") + (slots ? " slots" : "") + " padding " + std::to_string(padding);
    }
    std::int64_t columns() const { return gated ? 2 * std::int64_t(width) : width; }
};

struct ActivationCase {
    ActivationShape shape;
    std::vector<std::uint8_t> h, dout;
    std::vector<float> weights;
    std::vector<std::int32_t> slots;

    explicit ActivationCase(const ActivationShape &s, std::uint64_t seed = 1) : shape(s) {
        std::mt19937_64 random(seed);
        h = values(shape.rows * h_stride(), 4.0f, random);
        dout = values(shape.rows * out_stride(), 1.0f, random);
        std::uniform_real_distribution<float> weight(0.01f, 1.0f);
        weights.resize(std::size_t(shape.rows));
        for (float &one : weights)
            one = weight(random);
        slots.resize(std::size_t(shape.rows));
        std::iota(slots.begin(), slots.end(), 0);
        std::shuffle(slots.begin(), slots.end(), random);
        std::fill(slots.end() - shape.rows / 4, slots.end(), -1);
    }

    std::int64_t h_stride() const { return shape.columns() + shape.padding; }
    std::int64_t out_stride() const { return shape.width + shape.padding; }

    // Host pointers.
    ms_gated_activation_args forward(void *out) const {
        ms_gated_activation_args args = common<ms_gated_activation_args>();
        args.out = out;
        args.out_stride = out_stride();
        return args;
    }
    ms_gated_activation_backward_args backward(void *dh, float *dweights, void *out) const {
        auto args = common<ms_gated_activation_backward_args>();
        args.dout = dout.data();
        args.dout_stride = args.out_stride = out_stride();
        args.dh = dh;
        args.dh_stride = h_stride();
        args.dweights = dweights;
        args.out = out;
        return args;
    }

  private:
    template <class Args> Args common() const {
        Args args{};
        args.struct_size = sizeof args;
        args.dtype = shape.dtype;
        args.kind = shape.kind;
        args.gated = shape.gated;
        args.interleaved = shape.interleaved;
        args.alpha = 1.702f;
        args.limit = 2.5f; // cuts some of the values
        args.width = shape.width;
        args.rows = shape.rows;
        args.h = h.data();
        args.h_stride = h_stride();
        args.weights = shape.weighted ? weights.data() : nullptr;
        args.slots = shape.slots ? slots.data() : nullptr;
        return args;
    }

    std::vector<std::uint8_t> values(std::int64_t count, float scale, std::mt19937_64 &random) const {
        std::uniform_real_distribution<float> value(-scale, scale);
        std::vector<std::uint8_t> bytes(std::size_t(count * size_of(shape.dtype)));
        for (std::int64_t i = 0; i < count; ++i)
            store_from_float(bytes.data(), shape.dtype, i, value(random));
        return bytes;
    }
};

} // namespace moescope::test
