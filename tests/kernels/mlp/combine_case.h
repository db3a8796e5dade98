// One combine problem on the host, forward and backward: rows by slot or by sorted position, some
// slots without a row.
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

struct CombineShape {
    std::int32_t tokens = 13, top_k = 4, width = 72;
    ms_dtype dtype = MS_BF16, out_dtype = MS_BF16; // out_dtype: of out, and of dout
    bool grouped = false, weighted = true, absent = false;
    std::int32_t padding = 0; // elements between rows

    std::string name() const {
        return "T" + std::to_string(tokens) + " k" + std::to_string(top_k) + " N" +
               std::to_string(width) + " dtype " + std::to_string(dtype) + " to " +
               std::to_string(out_dtype) + (grouped ? " grouped" : " by slot") +
               (weighted ? " weighted" : "") + (absent ? " absent" : "") + " padding " +
               std::to_string(padding);
    }
    std::int64_t slots() const { return std::int64_t(tokens) * top_k; }
    std::int64_t stride() const { return width + padding; }
};

struct CombineCase {
    CombineShape shape;
    std::vector<std::uint8_t> y, dout; // of dtype and of out_dtype
    std::vector<float> weights;
    std::vector<std::int32_t> inverse;

    explicit CombineCase(const CombineShape &s, std::uint64_t seed = 1) : shape(s) {
        std::mt19937_64 random(seed);
        y = values(shape.slots() * shape.stride(), shape.dtype, random);
        dout = values(shape.tokens * shape.stride(), shape.out_dtype, random);
        std::uniform_real_distribution<float> weight(0.01f, 1.0f);
        weights.resize(std::size_t(shape.slots()));
        for (float &one : weights)
            one = weight(random);
        // Any permutation will do; the absent ones shorten it, as the sort by expert does.
        std::vector<std::int32_t> slots(std::size_t(shape.slots()));
        std::iota(slots.begin(), slots.end(), 0);
        std::shuffle(slots.begin(), slots.end(), random);
        inverse.assign(slots.size(), -1);
        std::int32_t position = 0;
        for (const std::int32_t slot : slots)
            if (!shape.absent || random() % 4 != 0)
                inverse[std::size_t(slot)] = position++;
    }

    bool needs_inverse() const { return shape.grouped || shape.absent; }

    // Host pointers.
    ms_combine_args forward(void *out) const {
        ms_combine_args args{};
        args.struct_size = sizeof args;
        args.dtype = shape.dtype;
        args.out_dtype = shape.out_dtype;
        args.top_k = shape.top_k;
        args.tokens = shape.tokens;
        args.width = shape.width;
        args.y_grouped = shape.grouped;
        args.y = y.data();
        args.y_stride = args.out_stride = shape.stride();
        args.weights = shape.weighted ? weights.data() : nullptr;
        args.inverse = needs_inverse() ? inverse.data() : nullptr;
        args.out = out;
        return args;
    }
    ms_combine_backward_args backward(void *dy, float *dweights) const {
        ms_combine_backward_args args{};
        args.struct_size = sizeof args;
        args.dtype = shape.dtype;
        args.dout_dtype = shape.out_dtype;
        args.top_k = shape.top_k;
        args.tokens = shape.tokens;
        args.width = shape.width;
        args.y_grouped = shape.grouped;
        args.dout = dout.data();
        args.y = y.data();
        args.dout_stride = args.y_stride = args.dy_stride = shape.stride();
        args.weights = shape.weighted ? weights.data() : nullptr;
        args.inverse = needs_inverse() ? inverse.data() : nullptr;
        args.dy = dy;
        args.dweights = dweights;
        return args;
    }

    std::size_t out_bytes() const {
        return std::size_t(shape.tokens * shape.stride() * size_of(shape.out_dtype));
    }

  private:
    static std::vector<std::uint8_t> values(std::int64_t count, ms_dtype dtype,
                                            std::mt19937_64 &random) {
        std::uniform_real_distribution<float> value(-1.0f, 1.0f);
        std::vector<std::uint8_t> bytes(std::size_t(count * size_of(dtype)));
        for (std::int64_t i = 0; i < count; ++i)
            store_from_float(bytes.data(), dtype, i, value(random));
        return bytes;
    }
};

} // namespace moescope::test
