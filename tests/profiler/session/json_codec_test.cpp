#include "profiler/session/json_codec.h"

#include "tests/support/sample_session.h"

#include <catch2/catch_test_macros.hpp>

#include <limits>

using namespace moescope;

namespace {

// Every field different from its default, so that one forgotten would show.
Plan unusual_plan() {
    Plan plan;
    ModelShape &model = plan.workload.model;
    model = {.name = "odd \"model\"",
             .source = "by hand",
             .experts = 160,
             .hidden = 5120,
             .intermediate = 1536,
             .top_k = 6,
             .shared_experts = 2,
             .shared_intermediate = 3072,
             .latent = 1024,
             .dense_first = 3,
             .vocab = 98304,
             .router = RouterKind::Sigmoid,
             .renorm = Renorm::Clamp,
             .renorm_epsilon = 1e-20,
             .groups = 8,
             .groups_kept = 3,
             .group_score = GroupScore::Max,
             .routed_scaling = 16.3,
             .correction_bias = true,
             .gated = false,
             .activation = Activation::Relu2,
             .dtype = DType::F16};
    plan.workload.tokens = 123;
    plan.workload.lora_rank = 64;
    plan.workload.lora_scaling = 0.1;
    plan.workload.skew = {Skew::Kind::Hot, 1.0 / 3};
    plan.workload.seed = std::numeric_limits<std::uint64_t>::max();
    plan.workload.quant_block = 128;
    plan.workload.nested_block = 512;
    plan.workload.quant_format = QuantFormat::FP8Block;
    plan.device = "cuda:3";
    plan.items = {{OperatorId::Down, "split", {64, 128, 32, 4, 5}},
                  {OperatorId::SelectLora, "selective", {}}};
    plan.repetition = {1, 2, 3, 0.25, 0.5};
    plan.cache = CacheState::Warm;
    plan.capture = false;
    plan.check_results = false;
    plan.tune = {{OperatorId::GateUp, "fused", {}}};
    plan.tune_max_candidates = 17;
    plan.counters = {"dram__bytes_read.sum", "gpu__time_duration.sum"};
    plan.sampled = {"sm__cycles_active.avg.pct_of_peak_sustained_elapsed"};
    plan.sampling_interval_ns = 5'000;
    plan.pc_sampling = true;
    plan.edits = {{"scatter2scatter.jit.cu", "// \"edited\"\n"}, {"ptx.jit.cuh", ""}};
    return plan;
}

} // namespace

TEST_CASE("plans and devices come back from JSON exactly as they were") {
    const auto plan = plan_from_json(to_json(unusual_plan()));
    REQUIRE(plan.ok());
    CHECK(*plan == unusual_plan());
    // Also as text: doubles and 64-bit seeds keep every bit.
    const auto text = parse_json(dump_json(to_json(unusual_plan())), "a plan");
    REQUIRE(text.ok());
    CHECK(*plan_from_json(*text) == unusual_plan());

    const SessionPtr session = test::sample_session();
    DeviceInfo measured = session->runs[0].device;
    CHECK_FALSE(to_json(measured)["ceilings"].contains("flops_measured_ns")); // not known: not written
    measured.ceilings = {4e12, 8e14, true, true, 1'700'000'000'000'000'000, 1'700'000'000'000'000'001};
    for (const DeviceInfo &device : {session->runs[0].device, measured}) {
        const auto again = device_from_json(to_json(device));
        REQUIRE(again.ok());
        CHECK(*again == device);
    }
}

TEST_CASE("an empty object is a plan of defaults") {
    const auto plan = plan_from_json(Json::object());
    REQUIRE(plan.ok());
    CHECK(*plan == Plan{});
}

TEST_CASE("a workload of a file older than the quantised formats is NF4") {
    Json json = to_json(unusual_plan());
    json["workload"].erase("quant_format");
    const auto plan = plan_from_json(json);
    REQUIRE(plan.ok());
    CHECK(plan->workload.quant_format == QuantFormat::NF4);
    json["workload"]["quant_format"] = "int3";
    CHECK(plan_from_json(json).error().sentence().find(
              "it must be one of nf4 fp4 fp8_tensor fp8_row fp8_block mxfp4") != std::string::npos);
}

TEST_CASE("a wrong value in JSON is named with its key, the value and what is allowed") {
    Json json = to_json(unusual_plan());
    json["workload"]["skew"]["kind"] = "diagonal";
    const auto plan = plan_from_json(json);
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().what == "plan.workload.skew.kind is \"diagonal\"");
    CHECK(plan.error().why == "it must be one of uniform zipf hot");

    json = to_json(unusual_plan());
    json["workload"]["tokens"] = 2.5;
    CHECK(plan_from_json(json).error().what == "plan.workload.tokens is 2.5");
    json = to_json(unusual_plan());
    json["items"][1]["tile"]["warps"] = -4;
    CHECK(plan_from_json(json).error().what == "plan.items[1].tile.warps is -4");
    json = to_json(unusual_plan());
    json["workload"]["seed"] = -1;
    CHECK_FALSE(plan_from_json(json).ok());
    json = to_json(unusual_plan());
    json["capture"] = std::string(1000, 'x');
    CHECK(plan_from_json(json).error().what.size() < 100);
}

TEST_CASE("text that is no UTF-8 is printed all the same") {
    CHECK(dump_json(Json("a\xff"
                         "b")) == "\"a\xef\xbf\xbd"
                                  "b\"");
    CHECK(dump_json(Json(std::numeric_limits<double>::quiet_NaN())) == "null");
}

TEST_CASE("brackets within texts do not count as nesting") {
    std::string text = "[\"" + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + "\"]";
    CHECK(parse_json(text, "a text").ok());
    text = std::string(100, '[') + std::string(100, ']');
    CHECK_FALSE(parse_json(text, "a list").ok());
}
