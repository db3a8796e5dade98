// The layer's reference against the expert modules of transformers and torch.autograd
// (make_mlp_vectors.py). Intermediate rows are rounded to float16 here and float64 there: a few
// units in the last place of the largest value.
#include "tests/kernels/compare.h"
#include "tests/kernels/mlp/moe_mlp_case.h"
#include "tests/kernels/vectors/vector_file.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

using namespace moescope;
using namespace moescope::test;
using Catch::Matchers::ContainsSubstring;

namespace {

float largest(const std::vector<float> &values) {
    float most = 0;
    for (const float value : values)
        most = std::max(most, std::fabs(value));
    return most;
}

MoeMlpShape shape_of(const VectorCase &c) {
    return {.tokens = c.integer("tokens"),
            .experts = c.integer("experts"),
            .top_k = c.integer("top_k"),
            .hidden = c.integer("hidden"),
            .intermediate = c.integer("intermediate"),
            .rank = c.integer("rank"),
            .dtype = MS_F16,
            .activation = c.integer("activation"),
            .interleaved = c.integer("interleaved") != 0,
            .bias = c.has("gate_up_bias"),
            .w_transposed = c.integer("w_transposed") != 0};
}

// The case's arrays in place of the random ones.
void load(const VectorCase &c, MoeMlpCase &to) {
    const auto halves = [&](const std::string &key, std::size_t count) { return to.encode(c.array<float>(key, count)); };
    to.ids = c.array<std::int32_t>("ids", to.ids.size());
    to.sort();
    to.weights = c.array<float>("weights", to.weights.size());
    to.x = halves("x", to.x.size());
    to.dout = halves("dout", to.dout.size());
    for (auto [name, projection] : {std::pair{"gate_up", &to.gate_up}, {"down", &to.down}}) {
        projection->w = halves(name + std::string("_w"), projection->w.size());
        if (to.shape.rank > 0) {
            projection->a = halves(name + std::string("_a"), projection->a.size());
            projection->b = halves(name + std::string("_b"), projection->b.size());
        }
        if (to.shape.bias)
            projection->bias = halves(name + std::string("_bias"), projection->bias.size());
    }
}

void check_forward_and_backward(const VectorCase &c, ms_s2s_variant variant) {
    MoeMlpShape shape = shape_of(c);
    shape.variant = variant;
    MoeMlpCase layer(shape);
    load(c, layer);
    INFO(c.name << ", " << shape.name());
    MoeMlpResults results(shape);
    ms_moe_mlp_args forward = layer.forward(results);
    forward.alpha = float(c.number("alpha"));
    forward.limit = float(c.number("limit"));
    forward.scaling = float(c.number("scaling"));
    REQUIRE(run_reference(forward) == MS_OK);
    const auto agrees = [&](const std::vector<float> &actual, const char *key) {
        const std::vector<float> expected = c.array<float>(key, actual.size());
        INFO(key);
        CHECK(difference(actual, expected, 0x1p-9, 6 * 0x1p-11 * largest(expected)) == "");
    };
    agrees(layer.decode(results.out), "out");

    const ms_moe_mlp_backward_args backward = layer.backward(forward, results);
    const ms_status status = run_reference(backward);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    agrees(layer.decode(results.dx), "dx");
    agrees(results.dweights, "dweights");
    if (shape.rank == 0)
        return;
    agrees(layer.decode(results.da_gate_up), "da_gate_up");
    agrees(layer.decode(results.db_gate_up), "db_gate_up");
    agrees(layer.decode(results.da_down), "da_down");
    agrees(layer.decode(results.db_down), "db_down");
}

} // namespace

TEST_CASE("the layer and its gradients equal transformers' experts and torch.autograd", "[mlp]") {
    int cases = 0;
    for (const VectorCase &c : read_vectors("mlp.txt")) {
        if (!c.name.starts_with("layer_"))
            continue;
        ++cases;
        for (const ms_s2s_variant variant : {MS_S2S_FUSED, MS_S2S_SPLIT, MS_S2S_EXTRA_K})
            check_forward_and_backward(c, variant);
    }
    CHECK(cases == 3);
}

TEST_CASE("the layer gives slots without an expert nothing", "[mlp]") {
    MoeMlpCase layer({.tokens = 12, .rank = 8});
    for (std::size_t slot = 0; slot < 6; ++slot) // the first three tokens have no expert at all
        layer.ids[slot] = -1;
    layer.sort();
    MoeMlpResults results(layer.shape);
    const ms_moe_mlp_args forward = layer.forward(results);
    REQUIRE(run_reference(forward) == MS_OK);
    const ms_moe_mlp_backward_args backward = layer.backward(forward, results);
    REQUIRE(run_reference(backward) == MS_OK);
    for (std::size_t i = 0; i < 12 * 64; ++i) {
        CHECK((layer.decode(results.out)[i] == 0) == (i < 3 * 64));
        CHECK((layer.decode(results.dx)[i] == 0) == (i < 3 * 64));
    }
}

// The same values as dense weights, by another path: what stands between must not show.
TEST_CASE("the layer with expanded weights equals the layer with their dense copy", "[mlp]") {
    MoeMlpShape shape{.tokens = 5, .experts = 24, .rank = 8, .bias = true, .sentinels = true, .nf4_block = 64, .expand = true};
    const MoeMlpCase quantised(shape);
    MoeMlpResults expanded(shape), dense(shape);
    const ms_moe_mlp_args forward = quantised.forward(expanded);
    REQUIRE(run_reference(forward) == MS_OK);
    REQUIRE(run_reference(quantised.backward(forward, expanded)) == MS_OK);

    const auto decoded = [&](const MoeMlpProjection &from) {
        Halves all(std::size_t(from.nf4_view.experts * from.nf4_view.expert_numel));
        ms_selective_dequant_args args{};
        args.struct_size = sizeof args;
        args.out_dtype = shape.dtype;
        args.weights = from.nf4_view;
        args.capacity = shape.experts;
        args.out = all.data();
        REQUIRE(reference::selective_dequant(&args, nullptr) == MS_OK);
        return all;
    };
    const Halves gate_up = decoded(quantised.gate_up), down = decoded(quantised.down);
    ms_moe_mlp_args plain = quantised.forward(dense);
    plain.expand = 0;
    plain.gate_up.w = gate_up.data(), plain.gate_up.w_quantised = nullptr;
    plain.down.w = down.data(), plain.down.w_quantised = nullptr;
    REQUIRE(run_reference(plain) == MS_OK);
    REQUIRE(run_reference(quantised.backward(plain, dense)) == MS_OK);
    CHECK(expanded.out == dense.out);
    CHECK(expanded.dx == dense.dx);
    CHECK(expanded.dweights == dense.dweights);
    CHECK(expanded.da_gate_up == dense.da_gate_up);
    CHECK(expanded.db_gate_up == dense.db_gate_up);
    CHECK(expanded.da_down == dense.da_down);
    CHECK(expanded.db_down == dense.db_down);
    // Five tokens of two slots: room for ten experts' weights at most, not for 24.
    const std::size_t all = 2 * gate_up.size();
    CHECK(reference::moe_mlp_workspace_bytes(&forward) < all);
}

TEST_CASE("the layer refuses wrong arguments with one sentence", "[mlp]") {
    MoeMlpCase layer({.rank = 8});
    MoeMlpResults results(layer.shape);
    const auto refuses = [&](auto change, const char *message) {
        ms_moe_mlp_args args = layer.forward(results);
        change(args);
        CHECK(run_reference(args) == MS_INVALID_ARGUMENT);
        CHECK_THAT(ms_last_error(), ContainsSubstring(message));
    };
    refuses([](ms_moe_mlp_args &a) { a.struct_size = 8; }, "struct_size is 8");
    refuses([](ms_moe_mlp_args &a) { a.intermediate = 44; }, "intermediate is 44");
    refuses([](ms_moe_mlp_args &a) { a.act = nullptr; }, "act is null");
    refuses([](ms_moe_mlp_args &a) { a.gate_up.w = nullptr; }, "ms_scatter2scatter: w is null");
    const MoeMlpCase quantised({.nf4_block = 64, .expand = true});
    refuses(
        [&](ms_moe_mlp_args &a) {
            a.expand = 1;
            a.down.w_quantised = &quantised.gate_up.nf4_view;
        },
        "down.w_quantised is 6 experts of 6144 values");
    ms_moe_mlp_args forward = layer.forward(results);
    ms_moe_mlp_backward_args backward = layer.backward(forward, results);
    backward.da_down = static_cast<std::byte *>(backward.da_down) + 8;
    CHECK(run_reference(backward) == MS_INVALID_ARGUMENT);
    CHECK_THAT(ms_last_error(), ContainsSubstring("ms_moe_mlp_backward: da_down is"));
    backward = layer.backward(forward, results);
    backward.variant = MS_S2S_FUSED;
    CHECK(run_reference(backward) == MS_INVALID_ARGUMENT);
    CHECK_THAT(ms_last_error(), ContainsSubstring("variant is 0"));
    backward = layer.backward(forward, results);
    forward.down.xa = nullptr;
    CHECK(run_reference(backward) == MS_INVALID_ARGUMENT);
    CHECK_THAT(ms_last_error(), ContainsSubstring("forward->down.xa is null"));
}
