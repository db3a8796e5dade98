#include "tests/kernels/compare.h"
#include "tests/kernels/mlp/combine_case.h"

#include <catch2/catch_all.hpp>

#include <cstdint>
#include <limits>
#include <vector>

using namespace moescope;
using namespace moescope::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// Two tokens of two slots, three columns, by slot.
struct Small {
    std::vector<float> y = {1, 2, 3, 10, 20, 30, 100, 200, 300, -1, -2, -3};
    std::vector<float> weights = {0.5f, 0.25f, 2.0f, 1.0f};
    std::vector<float> out = std::vector<float>(6, -7.0f);

    ms_combine_args args() {
        ms_combine_args args{};
        args.struct_size = sizeof args;
        args.dtype = args.out_dtype = MS_F32;
        args.top_k = 2;
        args.tokens = 2;
        args.width = 3;
        args.y = y.data();
        args.y_stride = args.out_stride = 3;
        args.weights = weights.data();
        args.out = out.data();
        return args;
    }
};

} // namespace

TEST_CASE("combine sums the weighted rows of a token's slots", "[mlp]") {
    Small small;
    ms_combine_args args = small.args();
    REQUIRE(reference::combine(&args, nullptr) == MS_OK);
    CHECK(small.out == std::vector<float>{3, 6, 9, 199, 398, 597});
    args.weights = nullptr;
    REQUIRE(reference::combine(&args, nullptr) == MS_OK);
    CHECK(small.out == std::vector<float>{11, 22, 33, 99, 198, 297});
}

TEST_CASE("combine leaves slots without a row out and finds grouped rows", "[mlp]") {
    Small small;
    small.y[3] = std::numeric_limits<float>::quiet_NaN(); // of the absent slot
    ms_combine_args args = small.args();
    const std::vector<std::int32_t> inverse = {1, -1, 0, 2};
    args.inverse = inverse.data();
    REQUIRE(reference::combine(&args, nullptr) == MS_OK);
    CHECK(small.out == std::vector<float>{0.5f, 1, 1.5f, 199, 398, 597});
    args.y_grouped = 1;
    small.y[3] = 10;
    REQUIRE(reference::combine(&args, nullptr) == MS_OK);
    CHECK(small.out == std::vector<float>{5, 10, 15, 102, 204, 306});
}

TEST_CASE("combine_backward is the transpose of combine", "[mlp]") {
    // <combine(y, w), dout> is linear in y and in w: both gradients must give it back.
    for (const bool grouped : {false, true})
        for (const bool weighted : {false, true})
            for (const bool absent : {false, true}) {
                const CombineCase c({.tokens = 7,
                                     .top_k = 3,
                                     .width = 11,
                                     .dtype = MS_F32,
                                     .out_dtype = MS_F32,
                                     .grouped = grouped,
                                     .weighted = weighted,
                                     .absent = absent});
                INFO(c.shape.name());
                std::vector<float> out(7 * 11), dy(7 * 3 * 11, 0), dweights(7 * 3, -7);
                ms_combine_args forward = c.forward(out.data());
                REQUIRE(reference::combine(&forward, nullptr) == MS_OK);
                ms_combine_backward_args backward = c.backward(dy.data(), dweights.data());
                REQUIRE(reference::combine_backward(&backward, nullptr) == MS_OK);
                double through_out = 0, through_y = 0, through_weights = 0;
                for (int i = 0; i < 7 * 11; ++i)
                    through_out += double(out[i]) * load_as_float(c.dout.data(), MS_F32, i);
                for (int i = 0; i < 7 * 3 * 11; ++i)
                    through_y += double(dy[i]) * load_as_float(c.y.data(), MS_F32, i);
                for (int i = 0; i < 7 * 3; ++i)
                    through_weights += double(dweights[i]) * (weighted ? c.weights[i] : 1.0f);
                CHECK(through_y == Catch::Approx(through_out).epsilon(1e-5));
                CHECK(through_weights == Catch::Approx(through_out).epsilon(1e-5));
            }
}

TEST_CASE("combine_backward gives slots without a row no gradient", "[mlp]") {
    const CombineCase c({.tokens = 20, .top_k = 4, .dtype = MS_F32, .out_dtype = MS_F32, .absent = true});
    std::vector<float> dy(std::size_t(c.shape.slots()) * 72, -7), dweights(80, -7);
    ms_combine_backward_args args = c.backward(dy.data(), dweights.data());
    REQUIRE(reference::combine_backward(&args, nullptr) == MS_OK);
    int absent = 0;
    for (std::size_t slot = 0; slot < 80; ++slot) {
        absent += c.inverse[slot] < 0;
        CHECK((dweights[slot] == 0) == (c.inverse[slot] < 0));
        CHECK((dy[slot * 72] == -7) == (c.inverse[slot] < 0));
    }
    CHECK(absent > 5);
}

TEST_CASE("combine refuses wrong arguments with one sentence", "[mlp]") {
    Small small;
    const auto refuses = [&](auto change, const char *message) {
        ms_combine_args args = small.args();
        change(args);
        CHECK(reference::combine(&args, nullptr) == MS_INVALID_ARGUMENT);
        CHECK_THAT(ms_last_error(), ContainsSubstring(message));
    };
    refuses([](ms_combine_args &a) { a.struct_size = 4; }, "struct_size is 4");
    refuses([](ms_combine_args &a) { a.dtype = MS_F16, a.out_dtype = MS_BF16; }, "out_dtype is 2");
    refuses([](ms_combine_args &a) { a.top_k = 0; }, "top_k is 0");
    refuses([](ms_combine_args &a) { a.tokens = 1 << 30; }, "T*k < 2^31");
    refuses([](ms_combine_args &a) { a.y_stride = 2; }, "y_stride is 2");
    refuses([](ms_combine_args &a) { a.y_grouped = 1; }, "inverse is null");
    refuses([](ms_combine_args &a) { a.y = nullptr; }, "y is null");
    ms_combine_args nothing = small.args();
    nothing.tokens = 0;
    nothing.y = nothing.out = nullptr;
    CHECK(reference::combine(&nothing, nullptr) == MS_OK);
}

TEST_CASE("combine_backward refuses wrong arguments with one sentence", "[mlp]") {
    const CombineCase c({});
    std::vector<float> dweights(52);
    const auto refuses = [&](auto change, const char *message) {
        ms_combine_backward_args args = c.backward(nullptr, dweights.data());
        change(args);
        CHECK(reference::combine_backward(&args, nullptr) == MS_INVALID_ARGUMENT);
        CHECK_THAT(ms_last_error(), ContainsSubstring(message));
    };
    refuses([](ms_combine_backward_args &a) { a.dout_dtype = MS_F16; }, "dout_dtype is 1");
    refuses([](ms_combine_backward_args &a) { a.dweights = nullptr; }, "dy is null, and so is dweights");
    refuses([](ms_combine_backward_args &a) { a.y = nullptr; }, "y is null");
    refuses([](ms_combine_backward_args &a) { a.y_stride = 8; }, "y_stride is 8");
}
