#include "profiler/plan/plan.h"
#include "profiler/model/catalogue.h"

#include <catch2/catch_test_macros.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string>

using namespace moescope;

namespace {

Workload workload_of(int experts, RouterKind router = RouterKind::Softmax) {
    Workload workload;
    workload.model.name = "Model";
    workload.model.experts = experts;
    workload.model.router = router;
    return workload;
}

std::vector<std::string> names(const Result<std::vector<PlanItem>> &items) {
    std::vector<std::string> names;
    REQUIRE(items);
    for (const PlanItem &item : *items)
        names.push_back(fmt::format("{}/{}", info(item.op).name, item.variant));
    return names;
}

std::string sentence(const Result<std::vector<PlanItem>> &items) {
    REQUIRE_FALSE(items);
    return items.error().sentence();
}

using Names = std::vector<std::string>;

} // namespace

TEST_CASE("a plan without names holds every variant of the forward pass that applies") {
    CHECK(names(plan_items(workload_of(8), {}, {})) ==
          Names{"softmax_topk/warp_select", "softmax_topk/warp_bitonic",
                "softmax_topk/block_merge_sort", "softmax_topk/scalar",
                "router/plain", "router/lora", "route_metadata/counting_sort", "gate_up/base",
                "gate_up/fused", "gate_up/split", "gate_up/extra_k", "down/base", "down/fused",
                "down/split", "down/extra_k",
                "selective_dequant/selective", "selective_dequant/selective_nested",
                "selective_dequant/full", "selective_dequant/full_nested", "selective_dequant/dense",
                "select_lora/selective"});
}

TEST_CASE("the softmax variants follow the number of experts") {
    CHECK(names(plan_items(workload_of(64), {"softmax_topk"}, {})) ==
          Names{"softmax_topk/warp_select", "softmax_topk/block_merge_sort", "softmax_topk/scalar"});
    CHECK(names(plan_items(workload_of(2048), {"softmax_topk"}, {})) ==
          Names{"softmax_topk/scalar"});
}

TEST_CASE("a sigmoid router plans sigmoid_topk, and softmax_topk only by name") {
    const Workload workload = workload_of(64, RouterKind::Sigmoid);
    const Names planned = names(plan_items(workload, {}, {}));
    CHECK(planned.front() == "sigmoid_topk/warp_select");
    CHECK(names(plan_items(workload, {"softmax_topk"}, {"scalar"})) ==
          Names{"softmax_topk/scalar"});
    CHECK(names(plan_items(workload_of(64), {"sigmoid_topk"}, {})) ==
          Names{"sigmoid_topk/warp_select", "sigmoid_topk/scalar"});
}

TEST_CASE("nested scales belong to the formats with codebooks") {
    Workload workload = workload_of(8);
    for (const QuantFormat format : {QuantFormat::FP8Tensor, QuantFormat::FP8Row, QuantFormat::FP8Block, QuantFormat::MXFP4}) {
        workload.quant_format = format;
        CHECK(names(plan_items(workload, {"selective_dequant"}, {})) ==
              Names{"selective_dequant/selective", "selective_dequant/full", "selective_dequant/dense"});
    }
    CHECK(sentence(plan_items(workload, {"selective_dequant"}, {"full_nested"})) ==
          "selective_dequant/full_nested cannot run: the scales of mxfp4 are not quantised; choose nf4 or fp4.");
    workload.quant_format = QuantFormat::FP4;
    CHECK(names(plan_items(workload, {"selective_dequant"}, {})).size() == 5);
}

TEST_CASE("without a rank the LoRA variants are left out, and naming one says why") {
    Workload workload = workload_of(8);
    workload.lora_rank = 0;
    CHECK(names(plan_items(workload, {"gate_up", "router"}, {})) ==
          Names{"gate_up/base", "router/plain"});
    CHECK(sentence(plan_items(workload, {"gate_up"}, {"fused"})) ==
          "gate_up/fused cannot run: it needs LoRA and the rank is 0; choose a rank of 1..256.");
    CHECK(sentence(plan_items(workload, {"select_lora"}, {})) ==
          "select_lora/selective cannot run: it needs LoRA and the rank is 0; choose a rank of "
          "1..256.");
    CHECK(sentence(plan_items(workload, {}, {"split"})).starts_with("gate_up/split cannot run"));
}

TEST_CASE("every score has its own operator") {
    CHECK(names(plan_items(workload_of(64, RouterKind::SqrtSoftplus), {"routing"}, {})) ==
          Names{"router/plain", "router/lora", "sqrtsoftplus_topk/warp_select",
                "sqrtsoftplus_topk/scalar"});
    CHECK(names(plan_items(workload_of(64, RouterKind::TopkSoftmax), {"routing"}, {})) ==
          Names{"softmax_topk/warp_select", "softmax_topk/scalar", "router/plain", "router/lora"});
    CHECK(names(plan_items(workload_of(64, RouterKind::TopkSigmoid), {"routing"}, {})) ==
          Names{"sigmoid_topk/warp_select", "sigmoid_topk/scalar", "router/plain", "router/lora"});
}

TEST_CASE("the sorts leave a router with groups or a bias to the others, and say why") {
    Workload grouped = workload_of(160);
    grouped.model.groups = 8;
    grouped.model.groups_kept = 3;
    CHECK(names(plan_items(grouped, {"softmax_topk"}, {})) ==
          Names{"softmax_topk/warp_select", "softmax_topk/scalar"});
    CHECK(sentence(plan_items(grouped, {"softmax_topk"}, {"block_merge_sort"}))
              .find("keeps 3 of 8 groups") != std::string::npos);
    grouped.model.experts = 66;
    grouped.model.groups = 3;
    grouped.model.groups_kept = 2;
    CHECK(sentence(plan_items(grouped, {"softmax_topk"}, {"warp_select"}))
              .find("groups of 22 experts") != std::string::npos);
    Workload biased = workload_of(64);
    biased.model.correction_bias = true;
    CHECK(sentence(plan_items(biased, {"softmax_topk"}, {"block_merge_sort"}))
              .find("correction bias") != std::string::npos);
}

TEST_CASE("every model of the catalogue has its own routing and its router planned") {
    const auto models = load_catalogue(std::filesystem::path(MOESCOPE_ASSETS) / "models.json");
    REQUIRE(models);
    for (const ModelShape &model : *models) {
        Workload workload;
        workload.model = model;
        CAPTURE(model.name);
        const Names planned = names(plan_items(workload, {"routing"}, {}));
        CHECK(std::count_if(planned.begin(), planned.end(), [](const std::string &name) {
                  return name.ends_with("topk/warp_select");
              }) == 1);
        CHECK(std::find(planned.begin(), planned.end(), "router/plain") != planned.end());
    }
}

TEST_CASE("float32 weights leave the matrix products out") {
    Workload workload = workload_of(8);
    workload.model.dtype = DType::F32;
    CHECK(sentence(plan_items(workload, {"down"}, {})).find("choose f16 or bf16") !=
          std::string::npos);
}

TEST_CASE("named variants keep only themselves") {
    CHECK(names(plan_items(workload_of(8), {}, {"fused", "split"})) ==
          Names{"gate_up/fused", "gate_up/split", "down/fused", "down/split"});
    CHECK(names(plan_items(workload_of(8), {"down"}, {"fused"})) == Names{"down/fused"});
    CHECK(sentence(plan_items(workload_of(8), {"router"}, {"fused"})) ==
          "variant \"fused\" belongs to none of the chosen operators: router has plain, lora.");
    CHECK(sentence(plan_items(workload_of(8), {"gate_up"}, {"fused", "plain"})) ==
          "variant \"plain\" belongs to none of the chosen operators: gate_up has base, fused, "
          "split, extra_k, tuned.");
    CHECK(sentence(plan_items(workload_of(8), {"gate_up"}, {"spilt"})) ==
          "variant \"spilt\" is unknown: the closest names are split.");
    CHECK(sentence(plan_items(workload_of(8), {"router", "gate_up"}, {"fused"})) ==
          "none of the named variants belongs to router: its variants are plain, lora.");
    CHECK(sentence(plan_items(workload_of(8), {}, {"merged"}))
              .starts_with("variant \"merged\" is unknown: they have warp_select, "));
    CHECK(sentence(plan_items(workload_of(64), {}, {"warp_bitonic"})) ==
          "softmax_topk/warp_bitonic cannot run: it takes up to 32 experts and Model has 64.");
}

TEST_CASE("the tuner's choice is planned when it is named, and tuning it tunes what it may stand for") {
    const Workload workload;
    const auto variants = [](const std::vector<PlanItem> &items) {
        std::vector<std::string> names;
        for (const PlanItem &item : items)
            names.push_back(item.variant);
        return names;
    };
    const std::vector<PlanItem> all = *plan_items(workload, {"gate_up"}, {}), named = *plan_items(workload, {"gate_up"}, {"tuned"});
    CHECK(variants(all) == std::vector<std::string>{"base", "fused", "split", "extra_k"});
    CHECK(variants(named) == std::vector<std::string>{"tuned"});
    CHECK(variants(tunable_items(workload, named)) == std::vector<std::string>{"fused", "split", "extra_k"});
    CHECK(tunable_items(workload, *plan_items(workload, {"softmax_topk"}, {})).empty());
    Plan plan{.workload = workload, .items = named, .tune = named};
    CHECK(validate(plan).error().what == "gate_up/tuned cannot be tuned");
    plan.tune = tunable_items(workload, named);
    CHECK(validate(plan).ok());
}

TEST_CASE("a family's name stands for its operators that apply, and all for every family's") {
    CHECK(names(plan_items(workload_of(8), {"metadata", "dequant"}, {})) ==
          Names{"route_metadata/counting_sort", "bitmatrix/sort_and_bits",
                "ragged_metadata/one_launch", "routing_data/sort_and_schedules", "route/one_launch",
                "route/two_launches", "selective_dequant/selective",
                "selective_dequant/selective_nested", "selective_dequant/full",
                "selective_dequant/full_nested", "selective_dequant/dense",
                "select_lora/selective"});
    Workload workload = workload_of(8, RouterKind::Sigmoid);
    workload.lora_rank = 0;
    CHECK(names(plan_items(workload, {"routing"}, {})) == 
          Names{"sigmoid_topk/warp_select", "sigmoid_topk/scalar", "router/plain"});
    CHECK(sentence(plan_items(workload, {"dequant", "select_lora"}, {}))
              .starts_with("select_lora/selective cannot run"));
    const Names all = names(plan_items(workload, {"all"}, {}));
    for (const std::string &each : names(plan_items(workload, {}, {})))
        CHECK(std::find(all.begin(), all.end(), each) != all.end());
}

TEST_CASE("only the forward pass is planned when nothing is named") {
    const auto items = plan_items(workload_of(8), {}, {});
    REQUIRE(items);
    for (const PlanItem &item : *items)
        CHECK(info(item.op).in_forward_pass());
}

TEST_CASE("log-probabilities need to know the size of the vocabulary") {
    Workload workload = workload_of(8);
    CHECK(sentence(plan_items(workload, {"entropy"}, {})) ==
          "entropy/one_read cannot run: the size of the vocabulary of Model is not known; give one: "
          "--vocab, or Vocabulary in the window.");
    workload.model.vocab = 1000;
    CHECK(names(plan_items(workload, {"entropy", "logprob_stats"}, {})) ==
          Names{"entropy/one_read", "entropy/chunked", "logprob_stats/one_read",
                "logprob_stats/separate"});
}

TEST_CASE("an operator named twice is planned once") {
    CHECK(names(plan_items(workload_of(8), {"down", "down"}, {"base"})) == Names{"down/base"});
}

TEST_CASE("a tile's text names its parts") {
    CHECK(TileConfig{}.text() == "default");
    CHECK(TileConfig{128, 64, 32, 4, 3}.text() == "128x64x32 w4 s3");
    CHECK(TileConfig{128, 256, 64, 12, 4}.text() == "wgmma 128x256x64 w12 s4");
}

TEST_CASE("a plan is checked field by field") {
    Plan valid;
    valid.workload = workload_of(8);
    valid.items = {{OperatorId::GateUp, "fused", {}}};
    REQUIRE(validate(valid));

    const auto broken = [&](auto change) {
        Plan plan = valid;
        change(plan);
        const Status status = validate(plan);
        return status ? std::string("valid") : status.error().sentence();
    };
    CHECK(broken([](Plan &p) { p.device = "gpu"; }) ==
          "device is \"gpu\": it must be auto, cuda:N or cpu.");
    CHECK(broken([](Plan &p) { p.device = "cuda:"; }).starts_with("device is"));
    CHECK(broken([](Plan &p) { p.items.clear(); }).starts_with("the plan is empty"));
    CHECK(broken([](Plan &p) {
              p.items[0].config = {48, 64, 32, 4, 3};
          }) == "block_m is 48: it must be one of 16, 32, 64, 128.");
    CHECK(broken([](Plan &p) {
              p.items[0].config = {64, 64, 32, 4, 9};
          }) == "stages is 9: it must be 2..6.");
    CHECK(broken([](Plan &p) {
              p.items = {{OperatorId::Router, "plain", {64, 64, 32, 4, 3}}};
          }).starts_with("the tile 64x64x32 w4 s3 is set for router: only these have tiles: gate_up, down"));
    for (const TileConfig &tile : {TileConfig{128, 128, 64, 12, 4}, TileConfig{64, 64, 32, 4, 3}}) {
        Plan on_cpu = valid;
        on_cpu.items[0].config = tile;
        CHECK(validate(on_cpu));
        on_cpu.device = "cpu";
        CHECK(validate(on_cpu).error().sentence() ==
              "the tile " + tile.text() + " is set for gate_up on cpu: the reference implementations there "
              "have no tiles; leave the tile out, or choose a CUDA device.");
    }
    CHECK(broken([](Plan &p) {
              p.tune = {{OperatorId::Router, "plain", {}}};
          }).starts_with("router cannot be tuned"));
    CHECK(broken([](Plan &p) { p.repetition.max_samples = 5; }) ==
          "max_samples is 5: it must be 10..100000.");
    CHECK(broken([](Plan &p) { p.repetition.max_seconds = 0; }).starts_with("max_seconds is 0"));
    CHECK(broken([](Plan &p) { p.workload.tokens = -5; }).starts_with("tokens is -5"));
    CHECK(broken([](Plan &p) {
              p.items[0].op = OperatorId(99);
          }).starts_with("operator 99 is unknown"));
}

TEST_CASE("an edited kernel is timed beside the original, where kernels are compiled at run time", "[edits]") {
    Plan plan;
    plan.workload.lora_rank = 16;
    plan.device = "cuda:0";
    plan.sampled = {"sm__cycles_active.avg"};
    plan.tune = {{OperatorId::GateUp, "fused", {}}};
    const PlanItem item{OperatorId::GateUp, "fused", {64, 64, 32, 4, 3}};
    const std::vector<SourceFile> edits = {{"scatter2scatter.jit.cu", "int x;"}};
    plan = retiming_plan(plan, item, edits);
    REQUIRE(validate(plan).ok());
    REQUIRE(plan.items.size() == 2);
    CHECK(plan.items[0] == item);
    CHECK(plan.items[1].variant == "fused (edited)");
    CHECK(plan.items[1].config == item.config);
    CHECK(plan.edits == edits);
    CHECK(plan.tune.empty());
    CHECK(plan.sampled.empty());

    const auto why_not = [](const Plan &wrong) { return validate(wrong).error().sentence(); };
    Plan wrong = plan;
    wrong.device = "cpu";
    wrong.items[0].config = wrong.items[1].config = {};
    CHECK(why_not(wrong).find("reference implementations") != std::string::npos);
    wrong = plan;
    wrong.edits.clear();
    CHECK(why_not(wrong).find("no edited source") != std::string::npos);
    wrong = plan;
    wrong.items.pop_back();
    CHECK(why_not(wrong).find("no item of the plan is compiled from them") != std::string::npos);
    wrong = plan;
    wrong.tune = {wrong.items[1]};
    CHECK(why_not(wrong).find("tuner's database") != std::string::npos);
    wrong = plan;
    wrong.pc_sampling = true;
    CHECK(why_not(wrong).find("sampling") != std::string::npos);
    wrong = plan;
    wrong.items = {{OperatorId::RouteMetadata, "count_sort", {}}};
    wrong.items[0].variant = edited_variant(info(OperatorId::RouteMetadata).variants.front().name);
    CHECK(why_not(wrong).find("not at run time") != std::string::npos);
}
