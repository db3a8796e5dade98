#include "app/views/autotune.h"
#include "app/views/compare.h"
#include "app/views/dispatch.h"
#include "app/views/memory.h"
#include "app/views/roofline.h"
#include "app/views/routing.h"
#include "app/views/sweep.h"
#include "app/views/timeline.h"
#include "tests/app/views/desk.h"
#include "tests/support/sample_session.h"
#include "tests/support/sweep_session.h"

#include <catch2/catch_all.hpp>

#include <functional>

using namespace moescope;
using test::Desk;
using test::kHeight;
using Catch::Approx;

TEST_CASE("the wheel zooms the timeline about the pointer, a drag moves it, F fits it",
          "[timeline][input]") {
    Desk desk(test::sample_session());
    TimelineState state;
    desk.view = [&](const ViewContext &context) { draw_timeline(context, state); };
    desk.move(600, 300);
    desk.frame();
    const TimeRange before = state.range;
    desk.wheel(3);
    CHECK(state.range.span() == Approx(before.span() * 0.512));
    CHECK(state.range.start_ns > before.start_ns);
    CHECK(state.range.end_ns < before.end_ns);

    const TimeRange zoomed = state.range;
    desk.button(0, true);
    desk.move(500, 300);
    desk.move(450, 300);
    desk.button(0, false);
    CHECK(state.range.start_ns > zoomed.start_ns); // dragged to the left: later times
    CHECK(state.range.span() == Approx(zoomed.span()));
    CHECK_FALSE(desk.selection.kernel);

    ImGui::GetIO().AddKeyEvent(ImGuiKey_F, true);
    desk.frame();
    ImGui::GetIO().AddKeyEvent(ImGuiKey_F, false);
    desk.frame();
    CHECK(state.range.span() == Approx(before.span()));
}

TEST_CASE("slash and Ctrl F go to the timeline's search, with the pointer on it or not",
          "[timeline][input]") {
    const bool control = GENERATE(false, true), pointed = GENERATE(false, true);
    Desk desk(test::sample_session());
    TimelineState state;
    desk.view = [&](const ViewContext &context) { draw_timeline(context, state); };
    ImGui::GetIO().ConfigFlags |= ImGuiConfigFlags_NavEnableKeyboard;
    desk.click(600, 300);
    if (!pointed)
        desk.move(-1, -1);
    const ImGuiKey key = control ? ImGuiKey_F : ImGuiKey_Slash;
    if (control)
        ImGui::GetIO().AddKeyEvent(ImGuiMod_Ctrl, true);
    ImGui::GetIO().AddKeyEvent(key, true);
    desk.frame();
    ImGui::GetIO().AddKeyEvent(key, false);
    ImGui::GetIO().AddKeyEvent(ImGuiMod_Ctrl, false);
    for (int i = 0; i < 4; ++i)
        desk.frame();
    ImGui::GetIO().AddInputCharacter('x');
    desk.frame();
    CHECK(state.query == "x");
}

TEST_CASE("a click on a kernel selects it and its measurement, and it stays selected",
          "[timeline][input]") {
    const SessionPtr session = test::sample_session();
    Desk desk(session);
    TimelineState state;
    desk.view = [&](const ViewContext &context) { draw_timeline(context, state); };
    desk.frame();
    const std::size_t wanted = session->kernels.size() / 2;
    const KernelRecord &kernel = session->kernels[wanted];
    // The kernel fills the middle of the view.
    state.range = {double(kernel.start_ns - state.model().origin_ns()) - 100,
                   double(kernel.end_ns - state.model().origin_ns()) + 100};
    for (float y = 150; y < kHeight * 0.7f && !desk.selection.kernel; y += 8) // under the toolbar
        desk.click(560, y);
    CHECK(desk.selection.kernel == wanted);
    CHECK(desk.selection.measurement == kernel.tag.measurement);
    desk.move(5, 5);
    CHECK(state.selected);
    CHECK(state.arrow_to); // its launch
}

TEST_CASE("a right drag zooms the timeline on a stretch", "[timeline][input]") {
    Desk desk(test::sample_session());
    TimelineState state;
    desk.view = [&](const ViewContext &context) { draw_timeline(context, state); };
    desk.move(400, 300);
    desk.frame();
    const double before = state.range.span();
    desk.button(1, true);
    desk.move(500, 300);
    desk.button(1, false);
    CHECK(state.range.span() < before * 0.2);
    CHECK(state.range.span() > before * 0.05);
}

TEST_CASE("charts zoom with the wheel and fit on a double click", "[charts][input]") {
    Desk desk(test::sample_session());
    DispatchState state;
    desk.view = [&](const ViewContext &context) { draw_dispatch(context, state); };
    desk.move(400, 110);
    desk.frame();
    desk.wheel(2);
    REQUIRE(state.plots[0].x);
    CHECK(state.plots[0].x->span() > 0);
    CHECK_FALSE(state.plots[0].y); // rows stay where they are
    ImGui::GetIO().MouseDoubleClickTime = 10;
    desk.click(400, 110);
    desk.click(400, 110);
    CHECK_FALSE(state.plots[0].x);
    CHECK(desk.selection.measurement.valid());
}

TEST_CASE("hovering an expert's load tells the other views", "[routing][input]") {
    Desk desk(test::sample_session());
    RoutingState state;
    desk.view = [&](const ViewContext &context) { draw_routing(context, state); };
    desk.move(500, 130);
    desk.frame();
    CHECK(desk.selection.next_hovered_expert >= 0);
    desk.click(500, 130);
    CHECK(desk.selection.expert == desk.selection.next_hovered_expert);
}

TEST_CASE("a click in the landscape selects a candidate", "[autotune][input]") {
    Desk desk(test::sample_session());
    AutotuneState state;
    desk.view = [&](const ViewContext &context) { draw_autotune(context, state); };
    CHECK(desk.click_until([&] { return desk.selection.candidate.has_value(); }));
}

TEST_CASE("empty views offer a button that asks for what would fill them", "[input]") {
    Desk desk(std::make_shared<const Session>(), {});
    DispatchState dispatch;
    RoutingState routing;
    TimelineState timeline;
    AutotuneState autotune;
    const std::function<void(const ViewContext &)> views[] = {
        [&](const ViewContext &context) { draw_dispatch(context, dispatch); },
        [&](const ViewContext &context) { draw_routing(context, routing); },
        [&](const ViewContext &context) { draw_timeline(context, timeline); },
        [&](const ViewContext &context) { draw_autotune(context, autotune); }};
    for (const auto &view : views) {
        desk.view = view;
        desk.runs = 0;
        CHECK(desk.click_until([&] { return desk.runs > 0; }));
    }
}

TEST_CASE("empty views of a run offer a recording as well", "[input]") {
    Desk desk(std::make_shared<const Session>(), {});
    DispatchState dispatch;
    RoutingState routing;
    MemoryState memory;
    RooflineState roofline;
    const std::pair<ViewId, std::function<void(const ViewContext &)>> views[] = {
        {ViewId::Dispatch, [&](const ViewContext &context) { draw_dispatch(context, dispatch); }},
        {ViewId::Routing, [&](const ViewContext &context) { draw_routing(context, routing); }},
        {ViewId::Memory, [&](const ViewContext &context) { draw_memory(context, memory); }},
        {ViewId::Roofline, [&](const ViewContext &context) { draw_roofline(context, roofline); }}};
    for (const auto &[id, draw] : views) {
        int opened = 0;
        desk.view = [&](const ViewContext &context) {
            ViewContext with = context;
            with.recording_of = [&](ViewId view) { return [&opened, view, wanted = id] { opened += view == wanted; }; };
            draw(with);
        };
        CHECK(desk.click_until([&] { return opened > 0; }));
    }
}

TEST_CASE("an untuned run can be tuned from the autotune view", "[autotune][input]") {
    Desk desk(test::sample_session(), {1}); // Mixtral's run has no candidates
    AutotuneState state;
    desk.view = [&](const ViewContext &context) { draw_autotune(context, state); };
    CHECK(desk.click_until([&] { return !desk.tuned.variant.empty(); }));
    CHECK(desk.tuned.op == OperatorId::GateUp);
}

TEST_CASE("on the CPU nothing can be tuned, and a recorded landscape is offered", "[autotune][input]") {
    Desk desk(test::sample_session(), {1});
    AutotuneState state;
    int opened = 0;
    desk.view = [&](const ViewContext &context) {
        ViewContext cpu = context;
        cpu.tune_target = {.words = "OLMoE-1B-7B, T 300, on cpu", .refused = "The CPU has none."};
        cpu.recording_of = [&](ViewId view) {
            return [&, view] { opened += view == ViewId::Autotune; };
        };
        draw_autotune(cpu, state);
    };
    CHECK(desk.click_until([&] { return opened > 0; }));
    CHECK(desk.tuned.variant.empty());
    CHECK(desk.says("The CPU has none."));
}

TEST_CASE("an untuned variant says for what it would be tuned, and what became of the tuning", "[autotune]") {
    Session session = *test::sample_session();
    RunRecord run = session.runs[1];
    const auto show = [&](RunRecord::State state, bool asked) {
        run.state = state;
        run.plan.tune.clear();
        if (asked)
            run.plan.tune = {{OperatorId::GateUp, "fused", {}}};
        session.runs.set(1, run);
        Desk desk(std::make_shared<const Session>(session), {1});
        AutotuneState autotune;
        desk.view = [&](const ViewContext &context) {
            ViewContext gpu = context;
            gpu.tune_target = {.words = "OLMoE-1B-7B, T 300, on cuda:0"};
            draw_autotune(gpu, autotune);
        };
        desk.frame();
        desk.frame();
        return desk.words();
    };
    using enum RunRecord::State;
    CHECK(show(Done, false).find("Not tuned yet") != std::string::npos);
    CHECK(show(Done, false).find("OLMoE-1B-7B, T 300, on cuda:0") != std::string::npos);
    CHECK(show(Cancelled, true).find("stopped before its first tile") != std::string::npos);
    CHECK(show(Cancelled, true).find("Not tuned yet") == std::string::npos);
    CHECK(show(Running, true).find("Being tuned") != std::string::npos);
}

TEST_CASE("a click on a point of the roofline selects its measurement", "[views]") {
    Desk desk(test::sample_session());
    RooflineState state;
    desk.view = [&](const ViewContext &context) { draw_roofline(context, state); };
    desk.frame();
    CHECK(desk.click_until([&] { return desk.selection.measurement.valid(); }, 6));
    const Measurement &m =
        test::sample_session()->measurements[desk.selection.measurement.value];
    CHECK(m.run == RunId{0});
}

TEST_CASE("a click on the ledger's chart shows what was held at that moment", "[views]") {
    Desk desk(test::sample_session());
    MemoryState state;
    desk.view = [&](const ViewContext &context) { draw_memory(context, state); };
    desk.frame();
    REQUIRE_FALSE(state.history.empty());
    const auto held = [&] {
        std::int64_t bytes = 0;
        for (const LiveBlock &block : state.blocks)
            bytes += block.bytes;
        return bytes;
    };
    CHECK(held() == state.history.steps[state.history.peak].total);
    REQUIRE(desk.click_until([&] { return state.chosen_ns.has_value(); }));
    desk.frame();
    CHECK(held() == state.history.steps[state.history.at(*state.chosen_ns)].total);
}

TEST_CASE("a run without dequantisation offers to measure selective and full", "[views]") {
    Desk desk(test::sample_session(), RunId{1});
    MemoryState state;
    desk.view = [&](const ViewContext &context) { draw_memory(context, state); };
    desk.frame();
    CHECK(desk.click_until([&] { return !desk.wanted.empty(); }, 10));
    REQUIRE(desk.wanted.size() == 2);
    CHECK(desk.wanted[0].op == OperatorId::SelectiveDequant);
    CHECK(desk.wanted[0].variant != desk.wanted[1].variant);
}

TEST_CASE("a click on a compared row and on a point of a sweep selects its measurement", "[input]") {
    Desk desk(test::sweep_session(), RunId{3});
    CompareState compare;
    desk.view = [&](const ViewContext &context) { draw_compare(context, compare, {}); };
    CHECK(desk.click_until([&] { return desk.selection.measurement.valid(); }));
    CHECK(desk.selection.measurement.value / 2 == 3); // B's: of the run that is shown

    SweepState sweep;
    const SweepActions actions{.plans = [](const auto &) { return std::vector<SweepPlan>{}; },
                               .run = [](const auto &) {}};
    desk.view = [&](const ViewContext &context) { draw_sweep(context, sweep, actions); };
    desk.selection = {};
    CHECK(desk.click_until([&] { return desk.selection.measurement.valid(); }));
}

TEST_CASE("the sweep's button runs the points of the axis that was typed", "[input]") {
    Desk desk(test::sweep_session());
    SweepState sweep;
    for (const SweepParameter &parameter : sweep_parameters())
        sweep.values.emplace_back(parameter.example);
    sweep.values[0] = "1..64:x4";
    std::size_t ran = 0;
    const SweepActions actions{
        .plans =
            [](const std::vector<SweepAxis> &axes) -> Result<std::vector<SweepPlan>> {
            std::vector<SweepPlan> plans;
            for (const std::string &value : axes.front().values) {
                SweepPoint point;
                point.label = value;
                Plan plan;
                plan.items = {{OperatorId::GateUp, "fused", {}}};
                plans.push_back({std::move(point), std::move(plan)});
            }
            return plans;
        },
        .run = [&](const std::vector<SweepPlan> &plans) { ran = plans.size(); }};
    desk.view = [&](const ViewContext &context) { draw_sweep(context, sweep, actions); };
    REQUIRE(desk.click_until([&] { return ran > 0; }));
    CHECK(ran == 4);
}
