#include "app/views/workload.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

namespace {

DeviceInfo device(const char *id) {
    DeviceInfo info;
    info.id = id;
    return info;
}

} // namespace

TEST_CASE("a wrong field is named, so that its sentence stands under it") {
    const auto field = [](auto change) {
        Workload workload;
        change(workload);
        const auto problem = find_problem(workload);
        REQUIRE(problem);
        return problem->field;
    };
    CHECK_FALSE(find_problem(Workload{}));
    CHECK(field([](Workload &w) { w.model.top_k = 9; }) == "top_k");
    CHECK(field([](Workload &w) { w.model.top_k = 0; }) == "top_k");
    CHECK(field([](Workload &w) { w.model.experts = 0; }) == "experts");
    CHECK(field([](Workload &w) { w.model.hidden = 12; }) == "hidden");
    CHECK(field([](Workload &w) { w.model.intermediate = -8; }) == "intermediate");
    CHECK(field([](Workload &w) { w.tokens = 0; }) == "tokens");
    CHECK(field([](Workload &w) { w.lora_rank = 257; }) == "lora_rank");
    CHECK(field([](Workload &w) { w.skew = {Skew::Kind::Zipf, 9}; }) == "skew");
}

TEST_CASE("a plan holds the ticked operators that apply, and Live asks for few repetitions") {
    WorkloadState state;
    const auto all = make_plan(state, false);
    REQUIRE(all.ok());
    CHECK(all->items.size() > 5);
    state.wanted.fill(false);
    CHECK_FALSE(make_plan(state, false).ok());
    state.wanted[std::size_t(OperatorId::GateUp)] = true;
    const auto some = make_plan(state, false), live = make_plan(state, true);
    REQUIRE(some.ok());
    REQUIRE(live.ok());
    for (const PlanItem &item : some->items)
        CHECK(item.op == OperatorId::GateUp);
    CHECK(live->items.size() == some->items.size());
    CHECK(live->repetition.max_samples < some->repetition.max_samples);
    CHECK(live->repetition.max_seconds <= 0.1);
    state.workload.tokens = 0;
    CHECK_FALSE(make_plan(state, false).ok());
}

TEST_CASE("sampling is part of a plan where it was chosen, and never of a live one") {
    WorkloadState state;
    CHECK(make_plan(state, false)->sampled.empty());
    CHECK_FALSE(make_plan(state, false)->pc_sampling);
    state.sample_counters = state.sample_instructions = true;
    const auto plan = make_plan(state, false), live = make_plan(state, true);
    REQUIRE(plan.ok());
    CHECK(plan->sampled.size() > 1);
    CHECK(plan->pc_sampling);
    CHECK(live->sampled.empty());
    CHECK_FALSE(live->pc_sampling);
    WorkloadState other;
    take_over(other, *plan);
    CHECK(make_plan(other, false)->sampled == plan->sampled);
    CHECK(other.sample_instructions);
}

TEST_CASE("taking over a plan makes Run repeat it") {
    Plan plan;
    plan.workload.model = {.name = "other",
                           .source = "",
                           .experts = 16,
                           .hidden = 64,
                           .intermediate = 32,
                           .top_k = 4};
    plan.workload.tokens = 33;
    plan.workload.lora_rank = 8;
    plan.cache = CacheState::Warm;
    const auto items = plan_items(plan.workload, {"router", "gate_up"}, {});
    REQUIRE(items.ok());
    plan.items = items.value();

    WorkloadState state;
    state.device = "cuda:1";
    take_over(state, plan);
    const auto repeated = make_plan(state, false);
    REQUIRE(repeated.ok());
    CHECK(repeated->workload == plan.workload);
    CHECK(repeated->items == plan.items);
    CHECK(repeated->cache == CacheState::Warm);
    CHECK(repeated->device == "cuda:1"); // the recording may be another machine's
    // An operator that the model does not have was not left out by choice.
    CHECK(state.wanted[std::size_t(OperatorId::SigmoidTopk)]);
}

TEST_CASE("a family's box is ticked, half ticked or empty as its members that apply are") {
    WorkloadState state;
    const auto routing = operators_in(OperatorFamily::Routing);
    REQUIRE(routing.size() >= 3);
    const auto tick = [&] {
        return family_tick(state.wanted, operators_of(state.workload), routing);
    };
    CHECK(tick() == FamilyTick::All);
    state.wanted[std::size_t(OperatorId::SigmoidTopk)] = false; // the model has none
    CHECK(tick() == FamilyTick::All);
    state.wanted[std::size_t(OperatorId::Router)] = false;
    CHECK(tick() == FamilyTick::Some);
    state.wanted.fill(false);
    CHECK(tick() == FamilyTick::None);
    CHECK(family_tick(state.wanted, {}, routing) == FamilyTick::Absent);
}

TEST_CASE("what is no part of the forward pass is ticked by hand alone") {
    const auto ticked = [](OperatorId op) { return WorkloadState().wanted[std::size_t(op)]; };
    for (const OperatorInfo &op : operators())
        if (!info(op.family).forward)
            CHECK_FALSE(ticked(op.id));
    CHECK(ticked(OperatorId::GateUp));
    CHECK(ticked(OperatorId::RouteMetadata));
    for (const OperatorId other_form : {OperatorId::Bitmatrix, OperatorId::RaggedMetadata,
                                        OperatorId::RoutingData, OperatorId::Route})
        CHECK_FALSE(ticked(other_form));
}

TEST_CASE("a batch that takes the CPU minutes is told from one that takes seconds") {
    WorkloadState state;
    state.workload.model.experts = 64;
    state.workload.model.hidden = 2048;
    state.workload.model.intermediate = 1024;
    state.workload.model.top_k = 8;
    const auto slow = [&](std::int64_t tokens) {
        state.workload.tokens = tokens;
        const auto items = wanted_items(state);
        REQUIRE(items.ok());
        return slow_on_cpu(state.workload, items.value());
    };
    CHECK_FALSE(slow(kCpuTokens));
    CHECK(slow(2048));
}

TEST_CASE("memory is that of the hungriest item") {
    WorkloadState state;
    const auto items = wanted_items(state);
    REQUIRE(items.ok());
    const double needed = bytes_needed(state.workload, items.value());
    const double gate_up = device_bytes(state.workload, OperatorId::GateUp, "fused");
    CHECK(needed >= gate_up);
    CHECK(bytes_needed(state.workload, {}) == 0);
}

TEST_CASE("auto means the first GPU, else the CPU") {
    const std::vector<DeviceInfo> both = {device("cpu"), device("cuda:0"), device("cuda:1")},
                                  cpu = {device("cpu")};
    CHECK(chosen_device(both, "auto")->id == "cuda:0");
    CHECK(chosen_device(cpu, "auto")->id == "cpu");
    CHECK(chosen_device(both, "cuda:1")->id == "cuda:1");
    CHECK(chosen_device(cpu, "cuda:1") == nullptr);
    CHECK(chosen_device({}, "auto") == nullptr);
}

TEST_CASE("the model list finds every word of a search, ignoring case") {
    std::vector<ModelShape> catalogue(3);
    catalogue[0].name = "Mixtral-8x7B";
    catalogue[1].name = "Qwen3-30B-A3B";
    catalogue[2].name = "Qwen3.5-35B-A3B";
    using Found = std::vector<std::size_t>;
    CHECK(matching_models(catalogue, "") == Found{0, 1, 2});
    CHECK(matching_models(catalogue, "qwen 35b") == Found{2});
    CHECK(matching_models(catalogue, "  A3b ") == Found{1, 2});
    CHECK(matching_models(catalogue, "gpt").empty());
}

TEST_CASE("a live run is due a moment after the first change, well within 150 ms") {
    WorkloadState state;
    state.changed_at = 10;
    CHECK_FALSE(live_due(state, 11));
    state.live = true;
    CHECK_FALSE(live_due(state, 10.01));
    CHECK(live_due(state, 10.1));
    state.changed_at = -1;
    CHECK_FALSE(live_due(state, 100));
}
