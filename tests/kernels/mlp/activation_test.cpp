// The reference of the gated activation against PyTorch and transformers (make_mlp_vectors.py).
#include "tests/kernels/compare.h"
#include "tests/kernels/mlp/activation_case.h"
#include "tests/kernels/vectors/vector_file.h"

#include <catch2/catch_all.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

using namespace moescope;
using namespace moescope::test;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<float> all(const VectorCase &c, const char *key, std::int64_t count) {
    return c.array<float>(key, std::size_t(count));
}

} // namespace

TEST_CASE("the activations and their gradients equal PyTorch's and transformers'", "[mlp]") {
    int cases = 0;
    for (const VectorCase &c : read_vectors("mlp.txt")) {
        if (!c.name.starts_with("activation_"))
            continue;
        INFO(c.name);
        ++cases;
        const std::int64_t rows = c.integer("rows"), width = c.integer("width");
        const std::int64_t columns = width * (1 + c.integer("gated"));
        const std::vector<float> h = all(c, "h", rows * columns), weights = all(c, "weights", rows),
                                 dout = all(c, "dout", rows * width);
        std::vector<float> out(std::size_t(rows * width)), again(out.size()), dh(h.size()), dweights(weights.size());
        ms_gated_activation_args forward{};
        forward.struct_size = sizeof forward;
        forward.kind = c.integer("kind");
        forward.gated = c.integer("gated");
        forward.interleaved = c.integer("interleaved");
        forward.alpha = float(c.number("alpha"));
        forward.limit = float(c.number("limit"));
        forward.width = std::int32_t(width);
        forward.rows = rows;
        forward.h = h.data();
        forward.h_stride = columns;
        forward.weights = weights.data();
        forward.out = out.data();
        forward.out_stride = width;
        REQUIRE(reference::gated_activation(&forward, nullptr) == MS_OK);
        CHECK(difference(out, all(c, "out", rows * width), 2e-7, 1e-7) == "");

        ms_gated_activation_backward_args backward{};
        backward.struct_size = sizeof backward;
        backward.kind = forward.kind;
        backward.gated = forward.gated;
        backward.interleaved = forward.interleaved;
        backward.alpha = forward.alpha;
        backward.limit = forward.limit;
        backward.width = forward.width;
        backward.rows = rows;
        backward.h = h.data();
        backward.h_stride = backward.dh_stride = columns;
        backward.dout = dout.data();
        backward.dout_stride = backward.out_stride = width;
        backward.weights = weights.data();
        backward.dh = dh.data();
        backward.dweights = dweights.data();
        backward.out = again.data();
        REQUIRE(reference::gated_activation_backward(&backward, nullptr) == MS_OK);
        CHECK(difference(dh, all(c, "dh", rows * columns), 2e-7, 1e-6) == "");
        CHECK(difference(dweights, all(c, "dweights", rows), 2e-7, 1e-6) == "");
        CHECK(again == out);
    }
    CHECK(cases == 6);
}

TEST_CASE("the gated activation leaves rows without a slot alone and weighs by slot", "[mlp]") {
    const ActivationCase c({.dtype = MS_F32, .weighted = true, .slots = true});
    std::vector<float> out(std::size_t(c.shape.rows) * 40, -7), plain = out;
    ms_gated_activation_args args = c.forward(out.data());
    REQUIRE(reference::gated_activation(&args, nullptr) == MS_OK);
    args.weights = nullptr;
    args.slots = nullptr;
    args.out = plain.data();
    REQUIRE(reference::gated_activation(&args, nullptr) == MS_OK);
    for (std::size_t row = 0; row < std::size_t(c.shape.rows); ++row) {
        const std::int32_t slot = c.slots[row];
        for (std::size_t i = row * 40; i < row * 40 + 40; ++i)
            CHECK(out[i] == Catch::Approx(slot < 0 ? -7.0f : c.weights[std::size_t(slot)] * plain[i]));
    }
}

TEST_CASE("activations of infinities and NaN are what the formulas say", "[mlp]") {
    constexpr float kInf = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> h = {kNan, kInf, 30, -30};
    for (const ms_activation kind : {MS_ACT_SILU, MS_ACT_GELU, MS_ACT_GELU_TANH, MS_ACT_RELU2}) {
        std::vector<float> out(4);
        ms_gated_activation_args args{};
        args.struct_size = sizeof args;
        args.kind = kind;
        args.width = 4;
        args.rows = 1;
        args.h = h.data();
        args.h_stride = args.out_stride = 4;
        args.out = out.data();
        REQUIRE(reference::gated_activation(&args, nullptr) == MS_OK);
        CHECK(std::isnan(out[0]));
        CHECK(out[1] == kInf);
        CHECK(out[2] == Catch::Approx(kind == MS_ACT_RELU2 ? 900 : 30));
        CHECK(out[3] == Catch::Approx(0).margin(1e-10));
    }
}

TEST_CASE("the gated activation refuses wrong arguments with one sentence", "[mlp]") {
    const ActivationCase c({});
    std::vector<std::uint8_t> out(c.dout.size());
    const auto refuses = [&](auto change, const char *message) {
        ms_gated_activation_args args = c.forward(out.data());
        change(args);
        CHECK(reference::gated_activation(&args, nullptr) == MS_INVALID_ARGUMENT);
        CHECK_THAT(ms_last_error(), ContainsSubstring(message));
    };
    refuses([](ms_gated_activation_args &a) { a.kind = 9; }, "kind is 9");
    refuses([](ms_gated_activation_args &a) { a.kind = MS_ACT_CLAMPED_SWISH, a.gated = 0; }, "gated is 0");
    refuses([](ms_gated_activation_args &a) { a.kind = MS_ACT_CLAMPED_SWISH, a.limit = 0; }, "limit is 0");
    refuses([](ms_gated_activation_args &a) { a.h_stride = 41; }, "h_stride is 41");
    refuses([](ms_gated_activation_args &a) { a.out = nullptr; }, "out is null");
    ms_gated_activation_backward_args backward = c.backward(nullptr, nullptr, nullptr);
    CHECK(reference::gated_activation_backward(&backward, nullptr) == MS_INVALID_ARGUMENT);
    CHECK_THAT(ms_last_error(), ContainsSubstring("dh is null"));
}
