// One set of logits with everything the five operators read, for the references and the GPU alike.
#pragma once

#include "kernels/common/float_types.h"
#include "kernels/logprob/logit_rows.h"
#include "kernels/reference.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace moescope::test {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct LogprobShape {
    ms_dtype dtype = MS_BF16;
    std::int64_t sizes[3] = {1, 1, 1};
    std::int64_t vocab = 1;
    std::int32_t selected = 1;
    float scale = 1;
    // In elements, beyond what a contiguous array has: before each row of a dimension, between
    // neighbouring logits, and before the first.
    std::int64_t row_gap = 0, outer_gap = 0, vocab_gap = 0, offset = 0;

    std::int64_t rows() const { return sizes[0] * sizes[1] * sizes[2]; }
};

// The strides of an array of the shape; the array begins `offset` elements into its memory.
struct Layout {
    std::int64_t strides[3], vocab_stride, elements;

    explicit Layout(const LogprobShape &s) : vocab_stride(1 + s.vocab_gap) {
        strides[2] = s.vocab * vocab_stride + s.row_gap;
        strides[1] = s.sizes[2] * strides[2] + s.outer_gap;
        strides[0] = s.sizes[1] * strides[1] + s.outer_gap;
        elements = s.offset + s.sizes[0] * strides[0];
    }
    static LogprobShape packed(LogprobShape s) {
        s.row_gap = s.outer_gap = s.vocab_gap = s.offset = 0;
        return s;
    }
};

// What the operators are given, in host memory. Logits outside the rows are poison.
struct LogprobInputs {
    LogprobShape shape;
    Layout layout;
    std::vector<float> logits; // layout.elements, rounded to the dtype
    std::vector<std::int64_t> indices;
    std::vector<float> dentropy, dlogps;

    std::int64_t element(std::int64_t row, std::int64_t i) const {
        const auto map = logprob::row_map(shape.sizes, layout.strides);
        return shape.offset + map.offset(row) + i * layout.vocab_stride;
    }
};

// Logits of the given spread, some indices out of range, some twice.
inline LogprobInputs make_logprob_inputs(const LogprobShape &shape, std::uint64_t seed,
                                         float spread = 4) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal(0, spread);
    std::normal_distribution<float> unit;
    LogprobInputs in{shape, Layout(shape), {}, {}, {}, {}};
    in.logits.assign(std::size_t(in.layout.elements), std::numeric_limits<float>::quiet_NaN());
    for (std::int64_t row = 0; row < shape.rows(); ++row)
        for (std::int64_t i = 0; i < shape.vocab; ++i)
            in.logits[std::size_t(in.element(row, i))] = round_to(shape.dtype, normal(random));
    std::uniform_int_distribution<std::int64_t> index(0, shape.vocab - 1);
    for (std::int64_t i = 0; i < shape.rows() * shape.selected; ++i) {
        const bool again = i % 5 == 4 && i % shape.selected > 0;
        in.indices.push_back(again ? in.indices.back() : index(random));
        if (i % 7 == 3)
            in.indices.back() = i % 2 ? -100 : shape.vocab;
        in.dlogps.push_back(unit(random));
    }
    for (std::int64_t i = 0; i < shape.rows(); ++i)
        in.dentropy.push_back(unit(random));
    return in;
}

struct LogprobResults {
    std::vector<float> entropy, lse, logps;
    std::vector<float> entropy_gradient, logps_gradient; // [rows, V]
};

// Arguments without their pointers.
inline ms_logits logits_of(const LogprobShape &shape, const Layout &layout) {
    ms_logits logits{};
    logits.dtype = shape.dtype;
    std::copy_n(shape.sizes, 3, logits.sizes);
    std::copy_n(layout.strides, 3, logits.strides);
    logits.vocab = shape.vocab;
    logits.vocab_stride = layout.vocab_stride;
    return logits;
}

template <class Args> Args logprob_args(const ms_logits &logits, float scale) {
    Args args{};
    args.struct_size = sizeof args;
    args.logits = logits;
    args.logit_scale = scale;
    return args;
}

template <class Args> void set_gradient(Args &args, const Layout &layout, void *dlogits) {
    std::copy_n(layout.strides, 3, args.dlogits_strides);
    args.dlogits_vocab_stride = layout.vocab_stride;
    args.dlogits = dlogits;
}

} // namespace moescope::test
