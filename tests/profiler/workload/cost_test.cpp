#include "profiler/workload/cost.h"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <vector>

using namespace moescope;
using Catch::Approx;

namespace {

Workload workload_of(int experts, int hidden, int intermediate, int top_k, int rank,
                     std::int64_t tokens = 2048) {
    Workload workload;
    workload.model.experts = experts;
    workload.model.hidden = hidden;
    workload.model.intermediate = intermediate;
    workload.model.top_k = top_k;
    workload.lora_rank = rank;
    workload.tokens = tokens;
    return workload;
}

std::vector<std::int32_t> even_counts(const Workload &workload) {
    return std::vector<std::int32_t>(std::size_t(workload.model.experts),
                                     std::int32_t(workload.slots() / workload.model.experts));
}

double floor_ms(const Workload &workload, OperatorId op, const char *variant) {
    const Ceilings h200{4.61e12, 767e12, true, true};
    return floor_ns(minimum_cost(workload, op, variant, even_counts(workload)), h200) / 1e6;
}

} // namespace

// The floors of the published benchmark grid, worked out from the formulas for a card of 4.61 TB/s
// and 767 TFLOP/s, to its three digits.
TEST_CASE("the grouped product's floor is the published one where memory binds") {
    const Workload qwen = workload_of(256, 2048, 512, 8, 16);
    CHECK(floor_ms(qwen, OperatorId::GateUp, "base") == Approx(0.242).margin(0.0005));
    CHECK(floor_ms(qwen, OperatorId::GateUp, "fused") == Approx(0.247).margin(0.0005));
    CHECK(floor_ms(qwen, OperatorId::Down, "fused") == Approx(0.139).margin(0.0005));
    CHECK(floor_ms(workload_of(256, 2048, 512, 8, 64), OperatorId::GateUp, "fused") ==
          Approx(0.264).margin(0.0005));
}

TEST_CASE("the grouped product's floor is the published one where the matrix units bind") {
    const Workload mixtral = workload_of(8, 4096, 14336, 2, 16);
    CHECK(floor_ms(mixtral, OperatorId::GateUp, "base") == Approx(1.254).margin(0.0005));
    CHECK(floor_ms(mixtral, OperatorId::GateUp, "fused") == Approx(1.260).margin(0.0005));
    CHECK(floor_ms(mixtral, OperatorId::Down, "fused") == Approx(0.630).margin(0.0005));
}

TEST_CASE("every LoRA variant shares one floor") {
    const Workload workload = workload_of(64, 2048, 1024, 8, 16);
    for (const OperatorId op : {OperatorId::GateUp, OperatorId::Down}) {
        const Cost fused = minimum_cost(workload, op, "fused", even_counts(workload));
        for (const char *variant : {"split", "extra_k"}) {
            const Cost other = minimum_cost(workload, op, variant, even_counts(workload));
            CHECK(fused.bytes == other.bytes);
            CHECK(fused.flops == other.flops);
        }
    }
}

TEST_CASE("the gradients' floors follow from the sizes") {
    const Workload workload = workload_of(256, 2048, 512, 8, 16); // gate_up: K 2048, N 1024
    const std::vector<std::int32_t> counts = even_counts(workload);
    const double t = double(workload.tokens), slots = double(workload.slots());
    const double weights = 256.0 * 2048 * 1024, lora = 256.0 * 16 * (2048 + 1024);
    const Cost dx = minimum_cost(workload, OperatorId::GateUpDx, "extra_k", counts);
    CHECK(dx.bytes == 2 * (weights + slots * 1024 + t * 2048 + lora));
    CHECK(dx.flops == 2 * slots * (2048.0 * 1024 + 16 * (2048 + 1024)));
    const Cost gram = minimum_cost(workload, OperatorId::GateUpLoraGrad, "gram", counts);
    CHECK(gram.bytes == 2 * (t * 2048 + slots * 1024 + 2 * slots * 16 + lora));
    CHECK(gram.flops == 2 * slots * 16 * (2048 + 1024));
    const Cost again = minimum_cost(workload, OperatorId::GateUpLoraGrad, "recompute", counts);
    CHECK(again.bytes == 2 * (t * 2048 + slots * 1024 + 2 * lora));
    CHECK(again.flops == 2 * gram.flops);
    const Cost down = minimum_cost(workload, OperatorId::DownLoraGrad, "atomic", counts);
    CHECK(down.bytes == 2 * slots * (512 + 2048 + 2 * 16) + 4 * 256.0 * 16 * (512 + 2048));
}

TEST_CASE("the layer's floors follow from the sizes") {
    const Workload workload = workload_of(256, 2048, 512, 8, 16);
    const std::vector<std::int32_t> counts = even_counts(workload);
    const double t = double(workload.tokens), slots = double(workload.slots());
    const double weights = 256.0 * (2048 * 1024 + 512 * 2048);
    const double lora = 256.0 * 16 * (2048 + 1024 + 512 + 2048);
    const Cost base = minimum_cost(workload, OperatorId::MoeMlp, "base", counts);
    CHECK(base.bytes == 2 * (weights + 2 * t * 2048) + 4 * slots);
    CHECK(base.flops == 2 * slots / 256 * weights);
    const Cost extra = minimum_cost(workload, OperatorId::MoeMlp, "extra_k", counts);
    CHECK(extra.bytes == base.bytes + 2 * lora);
    CHECK(extra.flops == base.flops + 2 * slots / 256 * lora);
    const Cost nf4 = minimum_cost(workload, OperatorId::MoeMlp, "nf4_in_kernel", counts);
    CHECK(nf4.bytes == base.bytes - (2 - 0.5625) * weights);
    CHECK(nf4.flops == base.flops);
    CHECK(minimum_cost(workload, OperatorId::MoeMlp, "selective", counts).bytes == nf4.bytes);
    const Cost back = minimum_cost(workload, OperatorId::MoeMlpBackward, "extra_k", counts);
    CHECK(back.bytes == 2 * (weights + slots * (1024 + 512 + 2048) + 3 * t * 2048 + 2 * lora +
                             2 * slots * 16) + 8 * slots);
    CHECK(back.flops == base.flops + 4 * slots / 256 * lora);
    const Cost qlora = minimum_cost(workload, OperatorId::MoeMlpBackward, "selective", counts);
    CHECK(qlora.bytes == back.bytes - (2 - 0.5625) * weights);
    CHECK(qlora.flops == back.flops);
}

TEST_CASE("only active experts' weights are read") {
    const Workload workload = workload_of(4, 64, 32, 1, 0, 16);
    const std::vector<std::int32_t> counts{16, 0, 0, 0};
    const Cost cost = minimum_cost(workload, OperatorId::GateUp, "base", counts);
    CHECK(cost.bytes == 2.0 * (1 * 64 * 64 + 16 * 64 + 16 * 64));
    CHECK(cost.flops == 2.0 * 16 * 64 * 64);
}

TEST_CASE("an ungated or latent model changes the weight, not the formula") {
    Workload workload = workload_of(4, 64, 32, 1, 0, 16);
    workload.model.gated = false;
    workload.model.latent = 16;
    CHECK(weight_size(workload.model, OperatorId::GateUp).k == 16);
    CHECK(weight_size(workload.model, OperatorId::GateUp).n == 32);
    CHECK(weight_size(workload.model, OperatorId::Down).k == 32);
    CHECK(weight_size(workload.model, OperatorId::Down).n == 16);
}

TEST_CASE("routing costs follow their formulas") {
    Workload workload = workload_of(8, 64, 32, 2, 4, 16);
    const auto counts = even_counts(workload);
    CHECK(minimum_cost(workload, OperatorId::SoftmaxTopk, "scalar", counts).bytes ==
          2 * 16 * 8 + 8 * 16 * 2); // logits of the model's dtype
    workload.model.router = RouterKind::Sigmoid;
    CHECK(minimum_cost(workload, OperatorId::SigmoidTopk, "scalar", counts).bytes ==
          4 * 16 * 8 + 8 * 16 * 2);
    workload.model.correction_bias = true;
    CHECK(minimum_cost(workload, OperatorId::SqrtSoftplusTopk, "scalar", counts).bytes ==
          4 * 16 * 8 + 8 * 16 * 2 + 4 * 8);
    CHECK(minimum_cost(workload, OperatorId::Router, "plain", counts).bytes ==
          2 * (16 * 64 + 8 * 64) + 4 * 16 * 8 + 8 * 16 * 2 + 4 * 8);
    workload.model.correction_bias = false;
    CHECK(minimum_cost(workload, OperatorId::RouteMetadata, "counting_sort", counts).bytes ==
          12 * 32 + 4 * 8 + 4 * 9);
    const double max_tiles = 8 + (32 - 8) / 16, schedules = 5 * 4 * 9 + 4 * 4 * max_tiles;
    CHECK(minimum_cost(workload, OperatorId::Bitmatrix, "sort_and_bits", counts).bytes ==
          12 * 32 + 4 * 16 * 1 + 4 * 8 + 4 * 9);
    CHECK(minimum_cost(workload, OperatorId::RaggedMetadata, "one_launch", counts).bytes ==
          4 * 8 + schedules);
    CHECK(minimum_cost(workload, OperatorId::RoutingData, "sort_and_schedules", counts).bytes ==
          20 * 32 + 4 * 8 + schedules);
    const double logits = double(bytes_of(workload.model.router_logits())) * 16 * 8;
    CHECK(minimum_cost(workload, OperatorId::Route, "one_launch", counts).bytes ==
          logits + 8 * 16 * 2 + 8 * 32 + 4 * 8 + 4 * 9 + (workload.model.correction_bias ? 4 * 8 : 0));

    const Cost plain = minimum_cost(workload, OperatorId::Router, "plain", counts);
    CHECK(plain.bytes == 2 * (16 * 64 + 8 * 64) + 4 * 16 * 8 + 8 * 16 * 2);
    CHECK(plain.flops == 2 * 16 * 64 * 8);
    const Cost lora = minimum_cost(workload, OperatorId::Router, "lora", counts);
    CHECK(lora.bytes - plain.bytes == 2 * 4 * (64 + 8));
    CHECK(lora.flops - plain.flops == 2 * 16 * 4 * (64 + 8));
}

TEST_CASE("dequantising 8 of 256 experts of 2048 x 1024 costs 2.56 bytes a value") {
    const Workload workload = workload_of(256, 2048, 512, 1, 16, 8);
    std::vector<std::int32_t> counts(256, 0);
    for (int expert = 0; expert < 8; ++expert)
        counts[std::size_t(expert * 30)] = 1;
    const double values = 8.0 * 2048 * 1024;
    CHECK(minimum_cost(workload, OperatorId::SelectiveDequant, "selective", counts).bytes ==
          values * 2.5625 + 64 + 4 * 8 + 8 * 256 + 4);
    CHECK(minimum_cost(workload, OperatorId::SelectiveDequant, "selective_nested", counts).bytes ==
          values * (2.5 + 1.0 / 64 + 4.0 / (64 * 256)) + 64 + 1024 + 4 * 8 + 8 * 256 + 4);
    CHECK(minimum_cost(workload, OperatorId::SelectiveDequant, "full", counts).bytes ==
          32 * values * 2.5625 + 64);
    CHECK(minimum_cost(workload, OperatorId::SelectLora, "selective", counts).bytes ==
          2 * 2.0 * 8 * 16 * (2048 + 1024) + 4 * 8 + 8 * 256 + 4);
}

TEST_CASE("each quantised format costs its codes and its scales") {
    Workload workload = workload_of(256, 2048, 512, 1, 16, 8);
    std::vector<std::int32_t> counts(256, 0);
    counts[3] = counts[200] = 4;
    const double values = 2.0 * 2048 * 1024, list = 4 * 8 + 8 * 256 + 4;
    const auto bytes = [&](QuantFormat format, const char *variant) {
        workload.quant_format = format;
        return minimum_cost(workload, OperatorId::SelectiveDequant, variant, counts).bytes;
    };
    CHECK(bytes(QuantFormat::FP4, "selective") == bytes(QuantFormat::NF4, "selective"));
    CHECK(bytes(QuantFormat::FP8Tensor, "selective") == values * 3 + 2 * 4 + list);
    CHECK(bytes(QuantFormat::FP8Row, "selective") == values * 3 + 2 * 4 * 1024 + list);
    CHECK(bytes(QuantFormat::FP8Block, "selective") == values * 3 + 2 * 4 * 8 * 16 + list);
    CHECK(bytes(QuantFormat::MXFP4, "selective") == values * (2.5 + 1.0 / 32) + list);
    CHECK(bytes(QuantFormat::MXFP4, "full") == 128 * values * (2.5 + 1.0 / 32));
    CHECK(bytes(QuantFormat::MXFP4, "dense") == values * 4 + list);
}

// The floors of the published table: 4096 rows of 151,936 logits.
TEST_CASE("log-probabilities cost one pass over the logits, and their gradients two") {
    Workload workload = workload_of(8, 4096, 14336, 2, 16, 4096);
    workload.model.vocab = 151936;
    CHECK(floor_ms(workload, OperatorId::Entropy, "one_read") == Approx(0.270).margin(0.0005));
    CHECK(floor_ms(workload, OperatorId::LogprobStats, "separate") == Approx(0.270).margin(0.0005));
    CHECK(floor_ms(workload, OperatorId::EntropyBackward, "chunked") ==
          Approx(0.540).margin(0.0005));
    workload.model.dtype = DType::F32;
    CHECK(floor_ms(workload, OperatorId::SelectiveLogSoftmax, "one_read") ==
          Approx(0.540).margin(0.0005));
    CHECK(floor_ms(workload, OperatorId::SelectiveLogSoftmaxBackward, "one_read") ==
          Approx(1.080).margin(0.0005));
    CHECK(device_bytes(workload, OperatorId::EntropyBackward, "chunked") >
          2 * 4.0 * 4096 * 151936 + 4.0 * 128 * 151936);
}

TEST_CASE("an unknown ceiling is left out of the floor") {
    CHECK(floor_ns({1e9, 1e12}, {1e12, 0}) == Approx(1e6));
    CHECK(floor_ns({1e9, 1e12}, {0, 1e12}) == Approx(1e9));
    CHECK(floor_ns({1e9, 1e12}, {0, 0}) == 0);
    Ceilings ceilings{1e12, 1e12};
    ceilings.launch_ns = 1500;
    CHECK(floor_of({1e6, 1e3}, ceilings).ns == 1500);
    CHECK(floor_of({1e6, 1e3}, ceilings).by == Bound::Launch);
    CHECK(floor_of({2e6, 1e3}, ceilings).by == Bound::Memory);
    CHECK(floor_of({1e6, 3e6}, ceilings).by == Bound::MatrixUnits);
    CHECK(floor_of({}, ceilings).by == Bound::None); // nothing to do, or nothing known
    CHECK(floor_of({1e6, 1e3}, {.launch_ns = 1500}).ns == 0);
}

TEST_CASE("device bytes bound the least bytes of any routing from above") {
    const Workload workload = workload_of(64, 2048, 1024, 8, 16);
    for (const OperatorInfo &op : operators())
        for (const VariantInfo &variant : op.variants) {
            CAPTURE(op.name, variant.name);
            double least = minimum_cost(workload, op.id, variant.name, even_counts(workload)).bytes;
            CHECK(device_bytes(workload, op.id, variant.name) >= least);
        }
}

TEST_CASE("device bytes hold what an operator makes for its other variants") {
    const Workload workload = workload_of(64, 2048, 1024, 8, 16);
    const double lora = 2.0 * 64 * 16 * (2048 + 2048);
    CHECK(device_bytes(workload, OperatorId::GateUp, "base") >=
          minimum_cost(workload, OperatorId::GateUp, "base", even_counts(workload)).bytes + lora);
    const double scales = 64.0 * 2048 * 2048 / 64; // one byte a block beside the four of absmax
    CHECK(device_bytes(workload, OperatorId::SelectiveDequant, "full") >=
          minimum_cost(workload, OperatorId::SelectiveDequant, "full", even_counts(workload)).bytes + scales);
}

TEST_CASE("device bytes of an absurd shape stay finite and positive") {
    Workload workload = workload_of(4096, 65536, 262144, 1024, 256, 1 << 20);
    CHECK(device_bytes(workload, OperatorId::GateUp, "split") > 2.8e14);
}

TEST_CASE("the published rule splits few experts with large weights") {
    CHECK(published_rule_chooses_split(8, 4096, 28672));
    CHECK_FALSE(published_rule_chooses_split(256, 4096, 28672));
    CHECK(published_rule_chooses_split(32, 5000, 4000));
    CHECK_FALSE(published_rule_chooses_split(32, 4999, 4000));
    CHECK_FALSE(published_rule_chooses_split(33, 5000, 4000));
}
