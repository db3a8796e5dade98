// The references against what Hugging Face's routers and PyTorch really answered.
#include "kernels/reference.h"
#include "tests/kernels/compare.h"
#include "tests/kernels/routing/topk_support.h"
#include "tests/kernels/vectors/vector_file.h"

#include <catch2/catch_all.hpp>

#include <cstdint>
#include <map>
#include <string>

using namespace moescope;
using namespace moescope::test;

namespace {

constexpr double kWeightTolerance = 2e-6; // both sides round float32 a few times

ms_renorm renorm_of(const VectorCase &vectors) {
    const std::string &name = vectors.text("renorm");
    REQUIRE((name == "none" || name == "add" || name == "clamp"));
    return name == "none" ? MS_RENORM_NONE : name == "add" ? MS_RENORM_ADD : MS_RENORM_CLAMP;
}

template <class Args> void set_common(Args &args, const VectorCase &vectors) {
    args.renorm = renorm_of(vectors);
    args.renorm_epsilon = float(vectors.number("epsilon"));
    args.routed_scaling = float(vectors.number("scaling"));
}

template <class Args> void set_groups(Args &args, const VectorCase &vectors) {
    args.groups = vectors.integer("groups");
    args.groups_kept = vectors.integer("groups_kept");
    args.group_score = vectors.text("group_score") == "max" ? MS_GROUP_MAX : MS_GROUP_TOP2_SUM;
    args.masked_fill =
        vectors.text("masked_fill") == "zero" ? MS_MASKED_ZERO_COMPAT : MS_MASKED_NEG_INFINITY;
}

template <class Args>
void check_selection(const VectorCase &vectors, Args args,
                     ms_status (*reference)(const Args *, ms_stream)) {
    const auto logits = vectors.array<float>("logits", std::size_t(args.tokens * args.experts));
    const auto outputs = std::size_t(args.tokens * args.top_k);
    ms_status status = MS_OK;
    const Selection actual = run_reference(reference, args, logits, status);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    CHECK(difference(actual.ids, vectors.array<std::int32_t>("ids", outputs)) == "");
    CHECK(difference(actual.weights, vectors.array<float>("weights", outputs), kWeightTolerance) ==
          "");
}

void check_softmax(const VectorCase &vectors) {
    auto args = softmax_args(vectors.integer("tokens"), vectors.integer("experts"),
                             vectors.integer("top_k"));
    set_common(args, vectors);
    check_selection(vectors, args, reference::softmax_topk);
}

void check_sigmoid(const VectorCase &vectors) {
    auto args = sigmoid_args(vectors.integer("tokens"), vectors.integer("experts"),
                             vectors.integer("top_k"));
    set_common(args, vectors);
    const auto bias = vectors.array<float>("bias", std::size_t(args.experts));
    args.bias = bias.data();
    set_groups(args, vectors);
    check_selection(vectors, args, reference::sigmoid_topk);
}

ms_score score_of(const VectorCase &vectors) {
    const std::map<std::string, ms_score> scores = {{"softmax", MS_SCORE_SOFTMAX},
                                                    {"sigmoid", MS_SCORE_SIGMOID},
                                                    {"sqrtsoftplus", MS_SCORE_SQRT_SOFTPLUS},
                                                    {"topk_softmax", MS_SCORE_TOPK_SOFTMAX},
                                                    {"topk_sigmoid", MS_SCORE_TOPK_SIGMOID}};
    return scores.at(vectors.text("score"));
}

void check_topk(const VectorCase &vectors) {
    auto args = topk_args(vectors.integer("tokens"), vectors.integer("experts"),
                          vectors.integer("top_k"));
    set_common(args, vectors);
    args.score = score_of(vectors);
    std::vector<float> bias;
    if (vectors.integer("biased")) {
        bias = vectors.array<float>("bias", std::size_t(args.experts));
        args.bias = bias.data();
    }
    set_groups(args, vectors);
    args.weights_round = vectors.text("rounded") == "bf16" ? MS_BF16 : MS_F32;
    check_selection(vectors, args, reference::topk);
}

std::vector<std::uint16_t> narrow(const std::vector<float> &values, ms_dtype dtype) {
    std::vector<std::uint16_t> bits(values.size());
    for (std::size_t i = 0; i < values.size(); ++i)
        store_from_float(bits.data(), dtype, std::int64_t(i), values[i]);
    return bits;
}

void check_product(const VectorCase &vectors) {
    const ms_dtype dtype = vectors.text("dtype") == "f16" ? MS_F16 : MS_BF16;
    const std::int32_t tokens = vectors.integer("tokens"), experts = vectors.integer("experts");
    const std::int32_t hidden_size = vectors.integer("hidden_size"), rank = vectors.integer("rank");
    const auto matrix = [&](const char *key, std::int32_t rows, std::int32_t columns) {
        return narrow(vectors.array<float>(key, std::size_t(rows) * std::size_t(columns)), dtype);
    };
    const auto hidden = matrix("hidden", tokens, hidden_size),
               gate = matrix("gate", experts, hidden_size);
    std::vector<std::uint16_t> lora_a, lora_b;
    if (rank > 0) {
        lora_a = matrix("lora_a", rank, hidden_size);
        lora_b = matrix("lora_b", experts, rank);
    }
    auto softmax = softmax_args(tokens, experts, vectors.integer("top_k"));
    softmax.renorm = MS_RENORM_ADD;
    const std::size_t outputs = std::size_t(tokens) * std::size_t(softmax.top_k);
    std::vector<float> logits(std::size_t(tokens) * std::size_t(experts)), weights(outputs);
    std::vector<std::int32_t> ids(outputs);
    softmax.weights = weights.data();
    softmax.ids = ids.data();

    ms_router_args args{};
    args.struct_size = sizeof args;
    args.dtype = dtype;
    args.hidden = hidden.data();
    args.hidden_stride = hidden_size;
    args.gate = gate.data();
    args.tokens = tokens;
    args.hidden_size = hidden_size;
    args.experts = experts;
    args.rank = rank;
    args.scaling = float(vectors.number("lora_scaling"));
    args.lora_a = lora_a.data();
    args.lora_b = lora_b.data();
    args.logits = logits.data();
    args.softmax = &softmax;
    const ms_status status = reference::router(&args, nullptr);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    CHECK(difference(logits, vectors.array<float>("logits", logits.size()), 1e-6, 1e-5) == "");
    CHECK(difference(ids, vectors.array<std::int32_t>("ids", outputs)) == "");
    CHECK(difference(weights, vectors.array<float>("weights", outputs), 2e-5) == "");
}

} // namespace

TEST_CASE("the references answer as Hugging Face's routers and PyTorch do") {
    for (const VectorCase &vectors : read_vectors("routing.txt"))
        DYNAMIC_SECTION(vectors.name) {
            const std::string &routing = vectors.text("routing");
            REQUIRE((routing == "softmax" || routing == "sigmoid" || routing == "topk" ||
                     routing == "product"));
            if (routing == "topk")
                check_topk(vectors);
            else if (routing == "softmax")
                check_softmax(vectors);
            else if (routing == "sigmoid")
                check_sigmoid(vectors);
            else
                check_product(vectors);
        }
}
