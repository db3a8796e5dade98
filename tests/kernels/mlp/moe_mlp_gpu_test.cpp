// The whole layer against its reference, forward and backward. Both round the same intermediate rows
// to dtype, but now and then to the other neighbour, and such a difference travels on: a few units in
// the last place of the largest value of an array.
#include "tests/kernels/gpu_test_support.h"
#include "tests/kernels/mlp/moe_mlp_case.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

using namespace moescope;
using namespace moescope::test;
using Catch::Matchers::ContainsSubstring;

namespace {

// The case and its results on the device.
class DeviceMoeMlp {
  public:
    explicit DeviceMoeMlp(const MoeMlpCase &c)
        : case_(c), x_(c.x), dout_(c.dout), weights_(c.weights), sorted_slots_(c.sorted_slots),
          inverse_(c.inverse), offsets_(c.offsets), gate_up_(c.gate_up), down_(c.down) {}

    MoeMlpResults run(bool backward) {
        MoeMlpResults host(case_.shape);
        Arrays out(host);
        ms_moe_mlp_args forward = case_.forward(host);
        forward.x = x_.data();
        forward.weights = weights_.data();
        forward.sorted_slots = sorted_slots_.data();
        forward.inverse = inverse_.data();
        forward.offsets = offsets_.data();
        gate_up_.set(forward.gate_up, out.xa_gate_up.data());
        down_.set(forward.down, out.xa_down.data());
        forward.h = out.h.data(), forward.act = out.act.data(), forward.y = out.y.data();
        forward.out = out.out.data();
        DeviceArray<std::uint8_t> workspace(ms_moe_mlp_workspace_bytes(&forward));
        forward.workspace = workspace.data();
        forward.workspace_bytes = workspace.bytes();
        require_ok(ms_moe_mlp(&forward, nullptr));
        if (backward)
            run_backward(forward, host, out);
        out.download(host);
        CHECK(workspace.red_zones_intact());
        return host;
    }

  private:
    struct Projection {
        explicit Projection(const MoeMlpProjection &from)
            : w(from.w), a(from.a), b(from.b), bias(from.bias), packed(from.nf4.packed), absmax(from.nf4.absmax),
              code(std::vector<float>(kNf4Code.begin(), kNf4Code.end())), nf4(from.nf4_view) {
            nf4.values = packed.data();
            nf4.absmax = absmax.data();
            nf4.code = code.data();
        }
        void set(ms_moe_projection &to, void *xa) {
            to.w = w.data();
            to.w_quantised = to.w_quantised ? &nf4 : nullptr;
            to.lora_a = a.data();
            to.lora_b = b.data();
            to.bias = to.bias ? bias.data() : nullptr;
            to.xa = xa;
        }
        DeviceArray<std::uint16_t> w, a, b, bias;
        DeviceArray<std::uint8_t> packed;
        DeviceArray<float> absmax, code;
        ms_expert_weights nf4;
    };

    struct Arrays {
        explicit Arrays(const MoeMlpResults &host)
            : h(host.h), act(host.act), y(host.y), out(host.out), xa_gate_up(host.xa_gate_up), xa_down(host.xa_down),
              dx(host.dx), da_gate_up(host.da_gate_up), db_gate_up(host.db_gate_up), da_down(host.da_down),
              db_down(host.db_down), dweights(host.dweights) {}
        void download(MoeMlpResults &to) {
            to.h = h.download(), to.act = act.download(), to.y = y.download(), to.out = out.download();
            to.xa_gate_up = xa_gate_up.download(), to.xa_down = xa_down.download();
            to.dx = dx.download(), to.dweights = dweights.download();
            to.da_gate_up = da_gate_up.download(), to.db_gate_up = db_gate_up.download();
            to.da_down = da_down.download(), to.db_down = db_down.download();
        }
        DeviceArray<std::uint16_t> h, act, y, out, xa_gate_up, xa_down, dx, da_gate_up, db_gate_up, da_down, db_down;
        DeviceArray<float> dweights;
    };

    static void require_ok(ms_status status) {
        INFO(ms_last_error());
        REQUIRE(status == MS_OK);
    }

    void run_backward(const ms_moe_mlp_args &forward, MoeMlpResults &host, Arrays &out) {
        ms_moe_mlp_backward_args args = case_.backward(forward, host);
        args.dout = dout_.data();
        args.dx = out.dx.data();
        args.dweights = out.dweights.data();
        args.da_gate_up = out.da_gate_up.data(), args.db_gate_up = out.db_gate_up.data();
        args.da_down = out.da_down.data(), args.db_down = out.db_down.data();
        DeviceArray<std::uint8_t> workspace(ms_moe_mlp_backward_workspace_bytes(&args));
        args.workspace = workspace.data();
        args.workspace_bytes = workspace.bytes();
        require_ok(ms_moe_mlp_backward(&args, nullptr));
        synchronize();
        CHECK(workspace.red_zones_intact());
    }

    const MoeMlpCase &case_;
    DeviceArray<std::uint16_t> x_, dout_;
    DeviceArray<float> weights_;
    DeviceArray<std::int32_t> sorted_slots_, inverse_, offsets_;
    Projection gate_up_, down_;
};

float largest(const std::vector<float> &values) {
    float most = 0;
    for (const float value : values)
        most = std::max(most, std::fabs(value));
    return most;
}

void check(const MoeMlpShape &shape, std::uint64_t seed = 1) {
    const MoeMlpCase c(shape, seed);
    INFO(shape.name());
    const bool backward = shape.nf4_block == 0 || shape.expand;
    MoeMlpResults expected(shape);
    const ms_moe_mlp_args forward = c.forward(expected);
    const ms_status status = run_reference(forward);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    if (backward)
        REQUIRE(run_reference(c.backward(forward, expected)) == MS_OK);
    const MoeMlpResults actual = DeviceMoeMlp(c).run(backward);
    const double ulp = shape.dtype == MS_BF16 ? 0x1p-8 : 0x1p-11;
    const auto agree = [&](const char *what, const std::vector<float> &a, const std::vector<float> &b) {
        INFO(what);
        CHECK(difference(a, b, 2 * ulp, 6 * ulp * largest(b)) == "");
    };
    agree("out", c.decode(actual.out), c.decode(expected.out));
    if (!backward)
        return;
    agree("dx", c.decode(actual.dx), c.decode(expected.dx));
    agree("dweights", actual.dweights, expected.dweights);
    agree("dA of gate_up", c.decode(actual.da_gate_up), c.decode(expected.da_gate_up));
    agree("dB of gate_up", c.decode(actual.db_gate_up), c.decode(expected.db_gate_up));
    agree("dA of down", c.decode(actual.da_down), c.decode(expected.da_down));
    agree("dB of down", c.decode(actual.db_down), c.decode(expected.db_down));
}

} // namespace

TEST_CASE("the layer and its gradients equal the reference", "[gpu][mlp][layer][small]") {
    skip_without_gpu();
    check({});
    check({.dtype = MS_F16, .w_transposed = false});
    for (const ms_s2s_variant variant : {MS_S2S_FUSED, MS_S2S_SPLIT, MS_S2S_EXTRA_K})
        check({.rank = 8, .variant = variant, .sentinels = true});
    check({.rank = 5, .dtype = MS_F16, .activation = MS_ACT_CLAMPED_SWISH, .interleaved = true, .bias = true, .w_transposed = false});
    check({.rank = 16, .activation = MS_ACT_RELU2, .gated = false});
    check({.tokens = 1, .experts = 8, .top_k = 8, .rank = 8});
}

TEST_CASE("the layer with NF4 weights equals the reference", "[gpu][mlp][layer][nf4][small]") {
    skip_without_gpu();
    check({.intermediate = 96, .nf4_block = 64});
    check({.hidden = 128, .intermediate = 64, .rank = 8, .sentinels = true, .nf4_block = 64});
}

TEST_CASE("the layer expands quantised weights, forward and backward, of the experts with slots",
          "[gpu][mlp][layer][nf4][small]") {
    skip_without_gpu();
    check({.nf4_block = 64, .expand = true});
    for (const ms_s2s_variant variant : {MS_S2S_SPLIT, MS_S2S_EXTRA_K})
        check({.tokens = 3, .experts = 40, .rank = 8, .variant = variant, .sentinels = true, .nf4_block = 64, .expand = true});
    check({.tokens = 30, .experts = 9, .top_k = 1, .rank = 16, .dtype = MS_F16, .bias = true, .only_expert = 7, .nf4_block = 32, .expand = true});
}

TEST_CASE("the layer handles lopsided routing and random shapes", "[gpu][mlp][layer]") {
    skip_without_gpu();
    check({.tokens = 300, .experts = 16, .top_k = 1, .rank = 8, .only_expert = 15});
    check({.tokens = 20, .experts = 200, .top_k = 4, .rank = 16});
    check({.tokens = 500, .experts = 32, .top_k = 4, .hidden = 256, .intermediate = 136, .rank = 16});
    Random random(19);
    const auto one_of = [&](std::int32_t low, std::int32_t high) { return uniform_ints(1, low, high, random)[0]; };
    for (int i = 0; i < 6; ++i) {
        const std::int32_t experts = one_of(1, 40);
        check({.tokens = one_of(1, 200),
               .experts = experts,
               .top_k = std::min(experts, one_of(1, 5)),
               .hidden = 8 * one_of(1, 30),
               .intermediate = 8 * one_of(1, 30),
               .rank = one_of(0, 40),
               .dtype = one_of(0, 1) ? MS_BF16 : MS_F16,
               .variant = one_of(MS_S2S_FUSED, MS_S2S_EXTRA_K),
               .activation = one_of(MS_ACT_SILU, MS_ACT_CLAMPED_SWISH),
               .sentinels = one_of(0, 1) == 1,
               .w_transposed = one_of(0, 1) == 1},
              std::uint64_t(i));
    }
}

TEST_CASE("the layer and its gradients repeat themselves to the bit", "[gpu][mlp][layer][determinism]") {
    skip_without_gpu();
    const MoeMlpCase c({.tokens = 256, .experts = 16, .top_k = 4, .hidden = 256, .intermediate = 128, .rank = 16});
    DeviceMoeMlp device(c);
    const MoeMlpResults first = device.run(true);
    int different = 0;
    for (int run = 0; run < 100; ++run) {
        const MoeMlpResults again = device.run(true);
        different += again.out != first.out || again.dx != first.dx || again.dweights != first.dweights ||
                     again.da_gate_up != first.da_gate_up || again.db_gate_up != first.db_gate_up ||
                     again.da_down != first.da_down || again.db_down != first.db_down;
    }
    CHECK(different == 0);
}

TEST_CASE("the layer names the workspace it wants, and what NF4's backward pass wants", "[gpu][mlp][layer][small]") {
    skip_without_gpu();
    const MoeMlpCase c({.hidden = 128, .intermediate = 64, .nf4_block = 64});
    MoeMlpResults host(c.shape);
    ms_moe_mlp_args forward = c.forward(host);
    CHECK(ms_moe_mlp(&forward, nullptr) == MS_INVALID_ARGUMENT);
    CHECK_THAT(ms_last_error(), ContainsSubstring("workspace_bytes is 0"));
    const ms_moe_mlp_backward_args backward = c.backward(forward, host);
    CHECK(ms_moe_mlp_backward(&backward, nullptr) == MS_UNSUPPORTED);
    CHECK_THAT(ms_last_error(), ContainsSubstring("set forward->expand to 1"));
}
