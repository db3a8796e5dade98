// The reference against expert layers that PyTorch computed (make_scatter2scatter_vectors.py).
#include "kernels/common/float_types.h"
#include "kernels/reference.h"
#include "tests/kernels/compare.h"
#include "tests/kernels/vectors/vector_file.h"

#include <catch2/catch_all.hpp>

#include <cstdint>
#include <string>
#include <vector>

using namespace moescope;
using namespace moescope::test;

namespace {

ms_dtype dtype_named(const std::string &name) {
    return name == "f32" ? MS_F32 : name == "f16" ? MS_F16 : MS_BF16;
}

std::vector<std::uint16_t> encode_16(const std::vector<float> &values, ms_dtype dtype) {
    std::vector<std::uint16_t> bits(values.size());
    for (std::size_t i = 0; i < values.size(); ++i)
        store_from_float(bits.data(), dtype, std::int64_t(i), values[i]);
    return bits;
}

// One case's arrays, and y as the reference computes it.
class Layer {
  public:
    explicit Layer(const VectorCase &c)
        : tokens_(c.integer("tokens")), experts_(c.integer("experts")), top_k_(c.integer("top_k")),
          k_(c.integer("k")), n_(c.integer("n")), rank_(c.integer("rank")),
          dtype_(dtype_named(c.text("dtype"))), y_dtype_(dtype_named(c.text("y_dtype"))),
          scaling_(float(c.number("scaling"))) {
        const std::size_t e = experts_, k = k_, n = n_, r = rank_, slots = tokens_ * top_k_;
        const auto load = [&](const char *key, std::size_t count) {
            return count ? encode_16(c.array<float>(key, count), dtype_)
                         : std::vector<std::uint16_t>();
        };
        x_ = load("x", tokens_ * k);
        w_ = load("w", e * n * k);
        a_ = load("a", e * r * k);
        b_ = load("b", e * n * r);
        bias_ = load("bias", c.has("bias") ? e * n : 0);
        sort(c.array<std::int32_t>("ids", slots));
        expected_ = c.array<float>("y", slots * n);
    }

    const std::vector<float> &expected() const { return expected_; }
    ms_dtype y_dtype() const { return y_dtype_; }

    // With W as torch keeps it, [E, N, K], or turned around to [E, K, N].
    std::vector<float> run(bool w_transposed) const {
        std::vector<std::uint8_t> y(expected_.size() * size_of(y_dtype_));
        const std::vector<std::uint16_t> w = w_transposed ? w_ : turned();
        ms_scatter2scatter_args args{};
        args.struct_size = sizeof args;
        args.dtype = dtype_;
        args.y_dtype = y_dtype_;
        args.x = x_.data();
        args.x_stride = args.k = k_;
        args.w = w.data();
        args.w_transposed = w_transposed;
        args.y_stride = args.n = n_;
        args.rank = rank_;
        args.scaling = scaling_;
        args.lora_a = a_.data();
        args.lora_b = b_.data();
        args.bias = bias_.empty() ? nullptr : bias_.data();
        args.y = y.data();
        args.sorted_slots = sorted_slots_.data();
        args.offsets = offsets_.data();
        args.slots = std::int64_t(sorted_slots_.size());
        args.experts = experts_;
        args.top_k = top_k_;
        const ms_status status = reference::scatter2scatter(&args, nullptr);
        INFO(ms_last_error());
        REQUIRE(status == MS_OK);
        std::vector<float> values(expected_.size());
        for (std::size_t i = 0; i < values.size(); ++i)
            values[i] = load_as_float(y.data(), y_dtype_, std::int64_t(i));
        return values;
    }

  private:
    void sort(const std::vector<std::int32_t> &ids) {
        offsets_.push_back(0);
        for (std::int32_t e = 0; e < experts_; ++e) {
            for (std::size_t slot = 0; slot < ids.size(); ++slot)
                if (ids[slot] == e)
                    sorted_slots_.push_back(std::int32_t(slot));
            offsets_.push_back(std::int32_t(sorted_slots_.size()));
        }
    }

    std::vector<std::uint16_t> turned() const {
        std::vector<std::uint16_t> result(w_.size());
        for (std::int32_t e = 0; e < experts_; ++e)
            for (std::int32_t n = 0; n < n_; ++n)
                for (std::int32_t k = 0; k < k_; ++k)
                    result[(e * k_ + k) * n_ + n] = w_[(e * n_ + n) * k_ + k];
        return result;
    }

    std::int32_t tokens_, experts_, top_k_, k_, n_, rank_;
    ms_dtype dtype_, y_dtype_;
    float scaling_;
    std::vector<std::uint16_t> x_, w_, a_, b_, bias_;
    std::vector<std::int32_t> sorted_slots_, offsets_;
    std::vector<float> expected_;
};

} // namespace

TEST_CASE("scatter2scatter's reference equals PyTorch's expert layers", "[scatter2scatter]") {
    int with_lora = 0;
    for (const VectorCase &c : read_vectors("scatter2scatter.txt")) {
        const Layer layer(c);
        // Float32 partial sums: a rounding to a 16-bit float may fall the other way at most.
        const double relative = layer.y_dtype() == MS_F32    ? 2e-6
                                : layer.y_dtype() == MS_BF16 ? 0x1p-7
                                                             : 0x1p-10;
        for (const bool w_transposed : {true, false}) {
            INFO(c.name << (w_transposed ? ", W [E, N, K]" : ", W [E, K, N]"));
            CHECK(difference(layer.run(w_transposed), layer.expected(), relative, 2e-6) == "");
        }
        with_lora += c.integer("rank") > 0;
    }
    CHECK(with_lora >= 3);
}
