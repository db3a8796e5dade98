// combine and its gradient against the float64 references. The kernels sum in float32: k terms for
// out, N for dweights, so that the tolerances below are a rounding of the output type and the
// worst drift of such a sum.
#include "tests/kernels/gpu_test_support.h"
#include "tests/kernels/mlp/combine_case.h"

#include <catch2/catch_all.hpp>

#include <cstdint>
#include <vector>

using namespace moescope;
using namespace moescope::test;

namespace {

double one_ulp(ms_dtype dtype) {
    return dtype == MS_F32 ? 1e-6 : dtype == MS_BF16 ? 0x1p-7 : 0x1p-10;
}

class DeviceCombine {
  public:
    explicit DeviceCombine(const CombineCase &c)
        : case_(c), y_(c.y), dout_(c.dout), weights_(c.weights), inverse_(c.inverse) {}

    std::vector<std::uint8_t> forward() {
        DeviceArray<std::uint8_t> out(case_.out_bytes());
        ms_combine_args args = case_.forward(out.data());
        args.y = y_.data();
        args.weights = args.weights ? weights_.data() : nullptr;
        args.inverse = args.inverse ? inverse_.data() : nullptr;
        REQUIRE(ms_combine(&args, nullptr) == MS_OK);
        return out.download();
    }

    struct Gradients {
        std::vector<std::uint8_t> dy;
        std::vector<float> dweights;
    };
    Gradients backward(bool want_dy = true, bool want_dweights = true, bool in_place = false) {
        DeviceArray<std::uint8_t> dy(case_.y.size());
        DeviceArray<float> dweights(case_.weights.size());
        if (in_place)
            dy.upload(case_.y);
        ms_combine_backward_args args = case_.backward(want_dy ? dy.data() : nullptr,
                                                       want_dweights ? dweights.data() : nullptr);
        args.dout = dout_.data();
        args.y = want_dweights ? (in_place ? dy.data() : y_.data()) : nullptr;
        args.weights = args.weights ? weights_.data() : nullptr;
        args.inverse = args.inverse ? inverse_.data() : nullptr;
        REQUIRE(ms_combine_backward(&args, nullptr) == MS_OK);
        return {dy.download(), dweights.download()};
    }

  private:
    const CombineCase &case_;
    DeviceArray<std::uint8_t> y_, dout_;
    DeviceArray<float> weights_;
    DeviceArray<std::int32_t> inverse_;
};

void check_forward(const CombineCase &c, DeviceCombine &device) {
    std::vector<std::uint8_t> expected(c.out_bytes(), 0xC7); // what DeviceArray fills with
    ms_combine_args args = c.forward(expected.data());
    REQUIRE(reference::combine(&args, nullptr) == MS_OK);
    const ms_dtype dtype = c.shape.out_dtype;
    CHECK(difference(decode(device.forward(), dtype), decode(expected, dtype), one_ulp(dtype), 2e-6) == "");
}

void check_backward(const CombineCase &c, DeviceCombine &device) {
    std::vector<std::uint8_t> dy(c.y.size(), 0xC7);
    std::vector<float> dweights(c.weights.size());
    ms_combine_backward_args args = c.backward(dy.data(), dweights.data());
    REQUIRE(reference::combine_backward(&args, nullptr) == MS_OK);
    const DeviceCombine::Gradients both = device.backward();
    CHECK(difference(decode(both.dy, c.shape.dtype), decode(dy, c.shape.dtype), one_ulp(c.shape.dtype)) == "");
    CHECK(difference(both.dweights, dweights, 1e-6, 2e-6 * c.shape.width) == "");
    CHECK(device.backward(true, false).dy == both.dy);
    CHECK(device.backward(false, true).dweights == both.dweights);
}

void check(const CombineShape &shape, std::uint64_t seed = 1) {
    const CombineCase c(shape, seed);
    INFO(shape.name());
    DeviceCombine device(c);
    check_forward(c, device);
    if (shape.dtype == shape.out_dtype || shape.out_dtype == MS_F32)
        check_backward(c, device);
}

} // namespace

TEST_CASE("CUDA combines every dtype and layout as the reference", "[gpu][mlp][small]") {
    skip_without_gpu();
    struct Types {
        ms_dtype in, out;
    };
    for (const Types types : {Types{MS_BF16, MS_BF16}, {MS_F16, MS_F16}, {MS_F32, MS_F32}, {MS_BF16, MS_F32},
                              {MS_F16, MS_F32}, {MS_F32, MS_BF16}, {MS_F32, MS_F16}})
        for (const bool grouped : {false, true})
            for (const bool weighted : {false, true})
                for (const bool absent : {false, true})
                    check({.dtype = types.in,
                           .out_dtype = types.out,
                           .grouped = grouped,
                           .weighted = weighted,
                           .absent = absent});
}

TEST_CASE("CUDA combines every width, stride and number of slots", "[gpu][mlp][small]") {
    skip_without_gpu();
    for (const std::int32_t width : {1, 7, 8, 13, 264, 2048, 2880})
        for (const std::int32_t padding : {0, 3, 8})
            check({.width = width, .padding = padding});
    for (const std::int32_t top_k : {1, 2, 3, 5, 8, 22, 65})
        check({.top_k = top_k, .grouped = true, .absent = top_k > 2});
    check({.tokens = 1, .top_k = 1, .width = 8});
    check({.tokens = 3000, .top_k = 2, .width = 40, .absent = true});
}

TEST_CASE("CUDA combines random shapes as the reference", "[gpu][mlp]") {
    skip_without_gpu();
    Random random(11);
    const auto one_of = [&](std::int32_t low, std::int32_t high) { return uniform_ints(1, low, high, random)[0]; };
    for (int i = 0; i < 60; ++i)
        check({.tokens = one_of(1, 300),
               .top_k = one_of(1, 12),
               .width = one_of(1, 2) == 1 ? one_of(1, 600) : 8 * one_of(1, 400),
               .dtype = one_of(0, 1) ? MS_BF16 : MS_F16,
               .out_dtype = MS_F32,
               .grouped = one_of(0, 1) == 1,
               .weighted = one_of(0, 1) == 1,
               .absent = one_of(0, 1) == 1,
               .padding = one_of(0, 2) * 4},
              std::uint64_t(i));
}

TEST_CASE("the gradient of combine may overwrite its rows", "[gpu][mlp][small]") {
    skip_without_gpu();
    for (const ms_dtype dtype : {MS_BF16, MS_F32}) {
        const CombineCase c({.tokens = 40, .width = 520, .dtype = dtype, .out_dtype = dtype, .grouped = true});
        DeviceCombine device(c);
        const DeviceCombine::Gradients apart = device.backward(), in_place = device.backward(true, true, true);
        CHECK(in_place.dy == apart.dy);
        CHECK(in_place.dweights == apart.dweights);
    }
}

TEST_CASE("combine and its gradient repeat themselves to the bit", "[gpu][mlp][determinism]") {
    skip_without_gpu();
    const CombineCase c({.tokens = 500, .top_k = 8, .width = 2048, .out_dtype = MS_F32, .grouped = true, .absent = true});
    DeviceCombine device(c);
    const std::vector<std::uint8_t> out = device.forward();
    const DeviceCombine::Gradients gradients = device.backward();
    int different = 0;
    for (int run = 0; run < 100; ++run) {
        different += device.forward() != out;
        const DeviceCombine::Gradients again = device.backward();
        different += again.dy != gradients.dy || again.dweights != gradients.dweights;
    }
    CHECK(different == 0);
}

// 65,538 rows of 32,768 bf16 values, 4.3 GB: the last token's begin at element 2^31.
TEST_CASE("combine and its gradient reach rows beyond 2^31 values", "[gpu][mlp]") {
    skip_without_gpu();
    const std::int32_t tokens = 32769;
    const CombineCase c({.tokens = 1, .top_k = 2, .width = 32768});
    skip_without_memory(std::size_t(tokens) * (c.y.size() + c.dout.size()));
    DeviceArray<std::uint8_t> y(std::size_t(tokens) * c.y.size()), dout(std::size_t(tokens) * c.dout.size());
    DeviceArray<float> weights(std::size_t(tokens) * 2), dweights(std::size_t(tokens) * 2);
    std::uint8_t *last_y = y.data() + y.size() - c.y.size();
    std::uint8_t *last_out = dout.data() + dout.size() - c.dout.size();
    const auto last = [](const std::uint8_t *row, std::size_t bytes) {
        std::vector<std::uint8_t> host(bytes);
        require_cuda(cudaMemcpy(host.data(), row, bytes, cudaMemcpyDeviceToHost));
        return decode(host, MS_BF16);
    };
    require_cuda(cudaMemset(y.data(), 0, y.bytes()));
    require_cuda(cudaMemset(weights.data(), 0, weights.bytes()));
    require_cuda(cudaMemcpy(last_y, c.y.data(), c.y.size(), cudaMemcpyHostToDevice));
    require_cuda(cudaMemcpy(weights.data() + weights.size() - 2, c.weights.data(), 8, cudaMemcpyHostToDevice));

    std::vector<std::uint8_t> out(c.dout.size()), dy(c.y.size());
    std::vector<float> dweight(2);
    ms_combine_args forward = c.forward(out.data());
    REQUIRE(reference::combine(&forward, nullptr) == MS_OK);
    forward.tokens = tokens;
    forward.y = y.data();
    forward.weights = weights.data();
    forward.out = dout.data();
    REQUIRE(ms_combine(&forward, nullptr) == MS_OK);
    synchronize();
    CHECK(difference(last(last_out, out.size()), decode(out, MS_BF16), one_ulp(MS_BF16), 2e-6) == "");

    ms_combine_backward_args backward = c.backward(dy.data(), dweight.data());
    REQUIRE(reference::combine_backward(&backward, nullptr) == MS_OK);
    require_cuda(cudaMemset(dout.data(), 0, dout.bytes()));
    require_cuda(cudaMemcpy(last_out, c.dout.data(), c.dout.size(), cudaMemcpyHostToDevice));
    backward.tokens = tokens;
    backward.dout = dout.data();
    backward.y = backward.dy = y.data();
    backward.weights = weights.data();
    backward.dweights = dweights.data();
    REQUIRE(ms_combine_backward(&backward, nullptr) == MS_OK);
    synchronize();
    CHECK(difference(last(last_y, dy.size()), decode(dy, MS_BF16), one_ulp(MS_BF16)) == "");
    const std::vector<float> sums = dweights.download();
    CHECK(difference(std::vector<float>(sums.end() - 2, sums.end()), dweight, 1e-6, 2e-6 * c.shape.width) == "");
    CHECK(y.red_zones_intact());
    CHECK(dout.red_zones_intact());
}
