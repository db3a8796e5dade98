// The gated activation and its gradient against the float64 reference. The kernels compute in
// float32 with the fast exponential: 2e-6 relative within the range tested here, before the rounding
// to the output's type; where gate and slope nearly cancel, the same of the terms.
#include "tests/kernels/gpu_test_support.h"
#include "tests/kernels/mlp/activation_case.h"

#include <catch2/catch_all.hpp>

#include <cstdint>
#include <vector>

using namespace moescope;
using namespace moescope::test;

namespace {

constexpr std::uint8_t kPoisonByte = 0xC7; // what DeviceArray fills with

double tolerance(ms_dtype dtype) {
    return dtype == MS_F32 ? 1e-5 : dtype == MS_BF16 ? 0x1p-7 : 0x1p-10;
}

class DeviceActivation {
  public:
    explicit DeviceActivation(const ActivationCase &c)
        : case_(c), h_(c.h), dout_(c.dout), weights_(c.weights), slots_(c.slots) {}

    std::vector<std::uint8_t> forward() {
        DeviceArray<std::uint8_t> out(case_.dout.size());
        ms_gated_activation_args args = case_.forward(out.data());
        move(args);
        REQUIRE(ms_gated_activation(&args, nullptr) == MS_OK);
        return out.download();
    }

    struct Gradients {
        std::vector<std::uint8_t> dh, out;
        std::vector<float> dweights;
    };
    Gradients backward(bool in_place = false) {
        DeviceArray<std::uint8_t> dh(case_.h.size()), out(case_.dout.size());
        DeviceArray<float> dweights(case_.weights.size());
        ms_gated_activation_backward_args args = case_.backward(dh.data(), dweights.data(), out.data());
        move(args);
        args.dout = dout_.data();
        if (in_place) {
            dh.upload(case_.h);
            out.upload(case_.dout);
            args.h = dh.data();
            args.dout = out.data();
        }
        REQUIRE(ms_gated_activation_backward(&args, nullptr) == MS_OK);
        return {dh.download(), out.download(), dweights.download()};
    }

  private:
    template <class Args> void move(Args &args) {
        args.h = h_.data();
        args.weights = args.weights ? weights_.data() : nullptr;
        args.slots = args.slots ? slots_.data() : nullptr;
    }

    const ActivationCase &case_;
    DeviceArray<std::uint8_t> h_, dout_;
    DeviceArray<float> weights_;
    DeviceArray<std::int32_t> slots_;
};

void check(const ActivationShape &shape, std::uint64_t seed = 1) {
    const ActivationCase c(shape, seed);
    INFO(shape.name());
    DeviceActivation device(c);
    const auto same = [&](const std::vector<std::uint8_t> &actual, const std::vector<std::uint8_t> &expected) {
        CHECK(difference(decode(actual, shape.dtype), decode(expected, shape.dtype), tolerance(shape.dtype), 4e-6) == "");
    };
    std::vector<std::uint8_t> out(c.dout.size(), kPoisonByte), dh(c.h.size(), kPoisonByte), again = out;
    ms_gated_activation_args forward = c.forward(out.data());
    REQUIRE(reference::gated_activation(&forward, nullptr) == MS_OK);
    same(device.forward(), out);

    const std::vector<std::uint8_t> poison(c.weights.size() * 4, kPoisonByte);
    std::vector<float> dweights = decode(poison, MS_F32);
    ms_gated_activation_backward_args backward = c.backward(dh.data(), dweights.data(), again.data());
    REQUIRE(reference::gated_activation_backward(&backward, nullptr) == MS_OK);
    const DeviceActivation::Gradients gradients = device.backward();
    same(gradients.dh, dh);
    same(gradients.out, again);
    CHECK(difference(gradients.dweights, dweights, 1e-6, 3e-5 * std::sqrt(double(shape.width))) == "");
}

} // namespace

TEST_CASE("CUDA activates every kind, layout and dtype as the reference", "[gpu][mlp][small]") {
    skip_without_gpu();
    for (const ms_activation kind : {MS_ACT_SILU, MS_ACT_GELU, MS_ACT_GELU_TANH, MS_ACT_CLAMPED_SWISH, MS_ACT_RELU2})
        for (const ms_dtype dtype : {MS_BF16, MS_F16, MS_F32})
            for (const bool weighted : {false, true}) {
                for (const bool interleaved : {false, true})
                    check({.kind = kind, .interleaved = interleaved, .dtype = dtype, .weighted = weighted, .slots = weighted});
                if (kind != MS_ACT_CLAMPED_SWISH)
                    check({.kind = kind, .gated = false, .dtype = dtype, .weighted = weighted});
            }
}

TEST_CASE("CUDA activates every width and stride as the reference", "[gpu][mlp][small]") {
    skip_without_gpu();
    for (const std::int32_t width : {1, 7, 8, 13, 264, 1408, 2880})
        for (const std::int32_t padding : {0, 3, 8})
            for (const bool interleaved : {false, true})
                check({.interleaved = interleaved, .width = width, .weighted = true, .slots = true, .padding = padding});
    check({.rows = 1, .width = 8});
    check({.rows = 3000, .width = 24, .slots = true});
    check({.rows = 3, .width = 14336});
}

TEST_CASE("CUDA activates random shapes as the reference", "[gpu][mlp]") {
    skip_without_gpu();
    Random random(13);
    const auto one_of = [&](std::int32_t low, std::int32_t high) { return uniform_ints(1, low, high, random)[0]; };
    for (int i = 0; i < 60; ++i)
        check({.kind = one_of(MS_ACT_SILU, MS_ACT_CLAMPED_SWISH),
               .interleaved = one_of(0, 1) == 1,
               .rows = one_of(1, 400),
               .width = one_of(0, 1) == 1 ? one_of(1, 500) : 8 * one_of(1, 200),
               .dtype = one_of(MS_F32, MS_BF16),
               .weighted = one_of(0, 1) == 1,
               .slots = one_of(0, 1) == 1,
               .padding = one_of(0, 2) * 4},
              std::uint64_t(i));
}

TEST_CASE("the gradient of an activation may overwrite its inputs", "[gpu][mlp][small]") {
    skip_without_gpu();
    for (const bool interleaved : {false, true})
        for (const std::int32_t width : {264, 21}) {
            const ActivationCase c({.interleaved = interleaved, .rows = 50, .width = width, .weighted = true});
            DeviceActivation device(c);
            const DeviceActivation::Gradients apart = device.backward(), in_place = device.backward(true);
            CHECK(in_place.dh == apart.dh);
            CHECK(in_place.out == apart.out);
            CHECK(in_place.dweights == apart.dweights);
        }
}

TEST_CASE("the gated activation and its gradient repeat themselves to the bit", "[gpu][mlp][determinism]") {
    skip_without_gpu();
    const ActivationCase c({.rows = 2000, .width = 2056, .weighted = true, .slots = true});
    DeviceActivation device(c);
    const std::vector<std::uint8_t> out = device.forward();
    const DeviceActivation::Gradients gradients = device.backward();
    int different = 0;
    for (int run = 0; run < 100; ++run) {
        different += device.forward() != out;
        const DeviceActivation::Gradients again = device.backward();
        different += again.dh != gradients.dh || again.out != gradients.out || again.dweights != gradients.dweights;
    }
    CHECK(different == 0);
}

// 65,537 x 32,768 bf16 values, 4.3 GB: the last row begins at element 2^31.
TEST_CASE("the gated activation of more than 2^31 values", "[gpu][mlp]") {
    skip_without_gpu();
    const std::int64_t rows = 65537;
    const ActivationCase c({.rows = 1, .width = 16384});
    skip_without_memory(std::size_t(rows) * (c.h.size() + c.dout.size()));
    DeviceArray<std::uint8_t> h(std::size_t(rows) * c.h.size()), dout(std::size_t(rows) * c.dout.size());
    DeviceArray<float> dweights{std::size_t(rows)};
    std::uint8_t *last_h = h.data() + h.size() - c.h.size();
    std::uint8_t *last_out = dout.data() + dout.size() - c.dout.size();
    const auto last = [](const std::uint8_t *row, std::size_t bytes) {
        std::vector<std::uint8_t> host(bytes);
        require_cuda(cudaMemcpy(host.data(), row, bytes, cudaMemcpyDeviceToHost));
        return decode(host, MS_BF16);
    };
    require_cuda(cudaMemset(h.data(), 0, h.bytes()));
    require_cuda(cudaMemcpy(last_h, c.h.data(), c.h.size(), cudaMemcpyHostToDevice));

    std::vector<std::uint8_t> out(c.dout.size()), dh(c.h.size()), again(c.dout.size());
    float dweight = 0;
    ms_gated_activation_args forward = c.forward(out.data());
    REQUIRE(reference::gated_activation(&forward, nullptr) == MS_OK);
    forward.rows = rows;
    forward.h = h.data();
    forward.out = dout.data();
    REQUIRE(ms_gated_activation(&forward, nullptr) == MS_OK);
    synchronize();
    CHECK(difference(last(last_out, out.size()), decode(out, MS_BF16), tolerance(MS_BF16), 4e-6) == "");

    ms_gated_activation_backward_args backward = c.backward(dh.data(), &dweight, again.data());
    REQUIRE(reference::gated_activation_backward(&backward, nullptr) == MS_OK);
    require_cuda(cudaMemset(dout.data(), 0, dout.bytes()));
    require_cuda(cudaMemcpy(last_out, c.dout.data(), c.dout.size(), cudaMemcpyHostToDevice));
    backward.rows = rows;
    backward.h = backward.dh = h.data();
    backward.dout = backward.out = dout.data();
    backward.dweights = dweights.data();
    REQUIRE(ms_gated_activation_backward(&backward, nullptr) == MS_OK);
    synchronize();
    CHECK(difference(last(last_h, dh.size()), decode(dh, MS_BF16), tolerance(MS_BF16), 4e-6) == "");
    CHECK(difference(last(last_out, again.size()), decode(again, MS_BF16), tolerance(MS_BF16), 4e-6) == "");
    CHECK(difference({dweights.download().back()}, {dweight}, 1e-5, 1e-6 * c.shape.width) == "");
    CHECK(h.red_zones_intact());
    CHECK(dout.red_zones_intact());
}
