#include "app/views/ui.h"
#include "profiler/stats/summary.h"
#include "tests/support/driven_shell.h"
#include "tests/support/eventually.h"
#include "tests/support/sample_session.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <optional>
#include <set>

using namespace moescope;
using test::DrivenShell;

TEST_CASE("no two commands of the window have one id, one name in a menu or one standard shortcut") {
    const DrivenShell window;
    std::set<std::string> ids, names, keys;
    for (const Action &action : window.shell.actions().all()) {
        INFO(action.id);
        CHECK(ids.insert(action.id).second);
        CHECK(names.insert(action.group + "/" + action.title).second);
        CHECK_FALSE(action.explain.empty());
        CHECK(refusal(action.standard).empty());
        if (!action.standard.empty())
            CHECK(keys.insert(text_of(action.standard)).second);
    }
}

TEST_CASE("every view has a command that shows it") {
    DrivenShell window(test::sample_session());
    for (const View &view : views()) {
        INFO(view.key);
        REQUIRE(window.shell.actions().run(std::string("view.") + view.key));
        window.frames(2);
        CHECK(window.shell.shows(view.id));
    }
}

TEST_CASE("every tab is reached by a click on its group and on itself") {
    DrivenShell window(test::sample_session());
    window.shell.show_only(ViewId::Overview, /*alone=*/false);
    window.frames(2);
    // The words below a height that stand highest, in the pane of the views.
    const auto click = [&](const std::string &words, float below) {
        const Rect &pane = window.shell.layout().first;
        std::optional<ImVec4> place;
        for (const DrawnText &text : window.texts())
            if (text.text == words && text.rect.x >= pane.x && text.rect.x < pane.right() && text.rect.y >= below &&
                (!place || text.rect.y < place->y))
                place = text.rect;
        REQUIRE(place);
        window.click((place->x + place->z) / 2, (place->y + place->w) / 2);
        return place->w;
    };
    for (const ViewId id : views_in_order()) {
        const View &view = info(id);
        INFO(view.key);
        click(view.tab, click(name_of(view.group), window.shell.layout().first.y) - 2);
        CHECK(window.shell.shows(id));
        CHECK(window.says(view.question));
    }
}

TEST_CASE("every view has keys of its own, and a group's first view is what it is called after") {
    const DrivenShell window;
    for (const View &view : views())
        CHECK_FALSE(window.shell.actions().shortcut_text(std::string("view.") + view.key).empty());
    CHECK(first_of_groups()[std::size_t(ViewGroup::Compare)] == ViewId::Compare);
}

TEST_CASE("the banner and the inspector speak of the run that is shown") {
    Session session = *test::sample_session();
    RunRecord imported = session.runs[0];
    imported.device.name = "the host of a trace";
    session.origin = Origin::Recorded; // as a file's
    session.runs.push_back(imported);
    const std::string device = session.runs[0].device.name;
    DrivenShell window(std::make_shared<const Session>(std::move(session)));
    const float below_banner = window.shell.layout().banner.bottom();
    const auto banner = [&] {
        std::string words;
        for (const DrawnText &text : window.texts())
            if (text.rect.y < below_banner)
                words += text.text + "\n";
        return words;
    };
    CHECK(banner().find(device) != std::string::npos);
    CHECK(banner().find("the host of a trace") == std::string::npos);
    CHECK_FALSE(window.says("which is not the one shown"));
    window.shell.choose_run(RunId{2});
    window.shell.select({.measurement = MeasurementId{0}}); // of the first run
    window.frames(2);
    CHECK(banner().find("the host of a trace") != std::string::npos);
    CHECK(window.says("Of run 1 of 3"));
}

TEST_CASE("About says the version, the licence and the devices' CUDA versions") {
    DrivenShell window(test::sample_session());
    REQUIRE(window.shell.actions().run("help.about"));
    window.frames(3);
    CHECK(window.says(std::string("MoEScope ") + MOESCOPE_VERSION));
    CHECK(window.says("MIT licence"));
    CHECK(window.says("CUDA " + test::sample_session()->runs[0].device.runtime));
}

TEST_CASE("a file that cannot be opened is told in the middle of the window") {
    const test::TemporaryFolder folder;
    test::write_bytes(folder / "broken.json", "hello");
    DrivenShell window(test::sample_session());
    window.shell.open(folder / "broken.json");
    REQUIRE(testing::eventually([&] {
        window.frame();
        return window.says("Not opened");
    }));
    window.frames(2);
    CHECK(window.says("broken.json"));
    CHECK(window.says("Open another"));
    window.press("Escape");
    CHECK_FALSE(window.says("Not opened"));
}

TEST_CASE("one sample is shown as one, with neither spread nor interval") {
    Session session = *test::sample_session();
    for (std::size_t i = 0; i < session.measurements.size(); ++i) {
        Measurement m = session.measurements[i];
        if (m.time.samples == 0)
            continue;
        m.samples_ns.resize(1);
        m.time = summarize(m.samples_ns);
        m.warmup = 1;
        session.measurements.set(i, std::move(m));
    }
    DrivenShell window(std::make_shared<const Session>(std::move(session)), {}, 2000, 1000);
    window.shell.show_only(ViewId::Overview, /*alone=*/false);
    window.frames(2);
    CHECK(window.says("1 sample"));
    CHECK(window.says("(1 sample)"));
    CHECK(window.says("1 after 1 warm-up"));
    CHECK_FALSE(window.says("±0.0 %"));
    CHECK_FALSE(window.says("warm-ups"));
}

TEST_CASE("a shortcut does what its action does, the user's own too") {
    Settings settings;
    settings.shortcuts = {{"view.routing", "F8"}};
    DrivenShell window(test::sample_session(), settings);
    window.press("Ctrl+2");
    CHECK(window.shell.shows(views_in_order()[1]));
    window.press("F8");
    CHECK(window.shell.shows(ViewId::Routing));
    const bool open = window.shell.settings().layout.inspector_open;
    window.press("Ctrl+I");
    CHECK(window.shell.settings().layout.inspector_open != open);
    window.press("Ctrl+Q");
    CHECK(window.shell.wants_to_close());
    CHECK(window.shell.settings().shortcuts == settings.shortcuts);
}

TEST_CASE("views follow one another by keys, round the list") {
    DrivenShell window(test::sample_session());
    window.shell.show_only(ViewId::Overview, false);
    window.press("Ctrl+PageDown");
    CHECK(window.shell.shows(views_in_order()[1]));
    window.press("Ctrl+PageUp");
    window.press("Ctrl+PageUp");
    CHECK(window.shell.shows(views_in_order().back()));
}

TEST_CASE("a run without a worker is refused with the reason, by key and by menu") {
    DrivenShell window(test::sample_session());
    const Action *run = window.shell.actions().find("run.start");
    REQUIRE(run);
    CHECK(Actions::refused(*run).find("no worker") != std::string::npos);
    window.press("F5");
    CHECK(window.shell.may_sleep() <= 6); // a sentence stands in the status line for a while
    CHECK_FALSE(window.shell.actions().run("run.start"));
}

TEST_CASE("the palette takes letters and arrows and does what is chosen") {
    DrivenShell window(test::sample_session());
    window.press("Ctrl+P");
    window.type("memor");
    window.press("Enter");
    CHECK(window.shell.shows(ViewId::Memory));

    window.press("Ctrl+P");
    window.type("light theme");
    window.press("Enter");
    CHECK_FALSE(window.shell.theme().dark);

    window.press("Ctrl+P");
    window.type("sweep");
    window.press("Escape");
    CHECK_FALSE(window.shell.shows(ViewId::Sweep));
    window.press("Ctrl+1");
    CHECK(window.shell.shows(ViewId::Overview)); // the keys are the window's again

    window.press("Ctrl+P"); // empty: all, as they stand
    window.press("Down");
    window.press("Up");
    window.press("Up"); // round to the last one: a lesson
    window.press("Enter");
    CHECK(window.shell.shows(ViewId::Lessons));
    CHECK(window.shell.actions().run("view.overview"));
}

TEST_CASE("a lesson, an export and a recording are found in the palette") {
    DrivenShell window(test::sample_session());
    window.press("Ctrl+P");
    window.type("bitonic sort warp");
    window.press("Enter");
    CHECK(window.shell.shows(ViewId::Lessons));
    CHECK(window.shell.settings().lesson == "bitonic-sort");
    for (const char *query : {"chrome trace", "export report", "recorded olmoe"}) {
        INFO(query);
        window.press("Ctrl+P");
        window.type(query);
        const auto texts = window.texts();
        const std::string wanted = std::string(query) == "recorded olmoe" ? "OLMoE-1B-7B.moescope" : "Export as";
        CHECK(std::ranges::any_of(texts, [&](const DrawnText &text) { return text.text.starts_with(wanted); }));
        window.press("Escape");
    }
}

TEST_CASE("what cannot be tuned or exported says why") {
    DrivenShell window; // nothing is measured, and there is no worker
    for (const char *id : {"run.tune", "file.export_trace", "file.export_csv", "file.compare"}) {
        INFO(id);
        const Action *action = window.shell.actions().find(id);
        REQUIRE(action);
        CHECK_FALSE(Actions::refused(*action).empty());
        CHECK_FALSE(window.shell.actions().run(id));
    }
}

TEST_CASE("a model chosen in the palette is the workload's") {
    DrivenShell window(test::sample_session());
    window.press("Ctrl+P");
    window.type("mixtral");
    window.press("Enter");
    REQUIRE(window.shell.settings().workload);
    CHECK(window.shell.settings().workload->model.name.find("Mixtral") != std::string::npos);
}

TEST_CASE("all tabs are shown where there is room, the current one always") {
    const std::vector<float> widths = {80, 60, 100, 40};
    const TabRow all = fit_tabs(widths, 3, 286, 2, 30);
    CHECK(all.shown.size() == 4);
    CHECK(all.hidden.empty());
    const TabRow some = fit_tabs(widths, 3, 220, 2, 30); // room for the last, "…" and the first two
    CHECK(some.shown == std::vector<std::size_t>{0, 1, 3});
    CHECK(some.hidden == std::vector<std::size_t>{2});
    const TabRow one = fit_tabs(widths, 2, 10, 2, 30);
    CHECK(one.shown == std::vector<std::size_t>{2});
    CHECK(one.hidden == std::vector<std::size_t>{0, 1, 3});
    CHECK(fit_tabs({}, 0, 100, 2, 30).shown.empty());
}

TEST_CASE("every tab of every group fits into a window of 1280 pixels") {
    const DrivenShell window(test::sample_session(), {}, 1280, 800);
    const float room = window.shell.layout().first.width - 2 * 12;
    for (int group = 0; group < kViewGroups; ++group) {
        std::vector<float> widths;
        for (const View &view : views())
            if (view.group == ViewGroup{group})
                widths.push_back(ImGui::CalcTextSize(view.tab).x + 20);
        INFO(name_of(ViewGroup{group}));
        CHECK(fit_tabs(widths, 0, room, 2, 30).hidden.empty());
    }
}

TEST_CASE("a group leads to its view seen last, or to one that the other pane does not have") {
    LastOfGroup last = first_of_groups();
    CHECK(view_of(ViewGroup::Measure, last, std::nullopt) == ViewId::Overview);
    last[std::size_t(ViewGroup::Measure)] = ViewId::Timeline;
    CHECK(view_of(ViewGroup::Measure, last, std::nullopt) == ViewId::Timeline);
    CHECK(view_of(ViewGroup::Measure, last, ViewId::Timeline) == ViewId::Overview);
    CHECK(view_of(ViewGroup::Session, last, ViewId::SessionFile) == ViewId::SessionFile);
}

TEST_CASE("a change of the workload is undone and redone by keys, and named in the menu") {
    DrivenShell window(test::sample_session());
    const std::string before = window.shell.workload().workload.model.name;
    window.press("Ctrl+P");
    window.type("gpt oss 120");
    window.press("Enter");
    window.frames(2);
    const std::string after = window.shell.workload().workload.model.name;
    REQUIRE(after != before);
    const Action *undo = window.shell.actions().find("edit.undo");
    CHECK(Actions::label(*undo).find(after) != std::string::npos);
    window.press("Ctrl+Z");
    CHECK(window.shell.workload().workload.model.name == before);
    window.press("Ctrl+Shift+Z");
    CHECK(window.shell.workload().workload.model.name == after);
    CHECK_FALSE(Actions::refused(*window.shell.actions().find("edit.redo")).empty());
}

TEST_CASE("the workload comes back as it was left") {
    Settings settings;
    {
        DrivenShell window(test::sample_session());
        window.shell.actions().run("run.live");
        settings = window.shell.settings();
    }
    settings.operators = std::vector<std::string>{"gate_up", "an operator of another version"};
    settings.warm_cache = settings.sample_counters = true;
    settings.counters = {"basic"};
    DrivenShell again(nullptr, settings);
    const WorkloadState &state = again.shell.workload();
    CHECK(std::count(state.wanted.begin(), state.wanted.end(), true) == 1);
    CHECK(state.wanted[std::size_t(OperatorId::GateUp)]);
    CHECK(state.cache == CacheState::Warm);
    CHECK(state.counters.chosen == std::vector<std::string>{"basic"});
    const Settings kept = again.shell.settings();
    CHECK(kept.operators == std::vector<std::string>{"gate_up"});
    CHECK(kept.workload == settings.workload);
    CHECK(again.shell.actions().refused(*again.shell.actions().find("edit.undo")) != ""); // nobody's doing
}

TEST_CASE("the tour is shown once, points at controls that are there, and can be left and seen again") {
    const auto guidance = load_guidance(std::string(MOESCOPE_ASSETS) + "/guide.json");
    REQUIRE(guidance.ok());
    DrivenShell window(test::sample_session());
    window.shell.welcome();
    REQUIRE(window.shell.tour().on());
    window.frames(2);
    for (const TourStep &step : guidance.value().tour) {
        INFO(step.title);
        const auto where = ui::find_landmark(step.landmark);
        CHECK(where.has_value() == !step.landmark.empty());
        if (!where)
            continue;
        CHECK(where->high.x > where->low.x + 10);
        CHECK(where->high.y > where->low.y + 10);
        CHECK(where->high.x <= 1440);
        CHECK(where->high.y <= 900);
    }
    window.press("Escape");
    CHECK_FALSE(window.shell.tour().on());
    window.shell.welcome();
    CHECK_FALSE(window.shell.tour().on());
    window.press("F1");
    CHECK(window.shell.tour().on());
    CHECK(window.shell.settings().toured);
}

TEST_CASE("the tour's and the tips' words name only commands there are") {
    const auto guidance = load_guidance(std::string(MOESCOPE_ASSETS) + "/guide.json");
    REQUIRE(guidance.ok());
    CHECK(guidance.value().tour.size() >= 5);
    CHECK(guidance.value().tips.size() >= 8);
    const DrivenShell window;
    std::vector<std::string> texts = guidance.value().tips;
    for (const TourStep &step : guidance.value().tour)
        texts.push_back(step.text);
    for (const std::string &text : texts)
        CHECK(with_shortcuts(text, window.shell.actions()).find('{') == std::string::npos);
    CHECK(with_shortcuts("press {run.start} or {nonsense}", window.shell.actions()) == "press F5 or {nonsense}");
    CHECK(with_shortcuts("{help.start}", window.shell.actions()) == "Help, Start page"); // no key
    CHECK_FALSE(load_guidance("/nonexistent/guide.json").ok());
}

TEST_CASE("a tour's card is beside what it speaks of, inside the window") {
    constexpr ImVec2 kWindow{1000, 700}, kCard{400, 150};
    for (const Rect target : {Rect{0, 28, 312, 640}, Rect{700, 28, 300, 640}, Rect{320, 40, 360, 60},
                              Rect{800, 0, 190, 28}, Rect{10, 640, 100, 24}}) {
        const Rect card = place_card(target, kCard, kWindow, 12);
        CHECK_FALSE(card.overlaps(target));
        CHECK(card.x >= 0);
        CHECK(card.y >= 0);
        CHECK(card.right() <= kWindow.x);
        CHECK(card.bottom() <= kWindow.y);
    }
    const Rect middle = place_card({}, kCard, kWindow, 12);
    CHECK(middle.x == 300);
    CHECK(middle.y == 275);
}

TEST_CASE("a shortcut is changed in its list by pressing the new keys") {
    DrivenShell window(test::sample_session());
    REQUIRE(window.shell.actions().run("help.shortcuts"));
    window.frames(3);
    window.type("run stop");
    // The only row left: its button is where the keys stand.
    for (float x = 420; x < 1020 && window.shell.settings().shortcuts.empty(); x += 40)
        for (float y = 200; y < 320 && window.shell.settings().shortcuts.empty(); y += 12) {
            window.click(x, y);
            window.press("Ctrl+K");
        }
    CHECK(window.shell.settings().shortcuts == std::map<std::string, std::string>{{"run.stop", "Ctrl+K"}});
    window.press("Escape");
    window.press("F1");
    CHECK(window.shell.tour().on()); // the keys are the window's again
}

TEST_CASE("the palette stays open when a session comes up meanwhile") {
    DrivenShell window;
    window.press("Ctrl+P");
    window.type("mem");
    window.shell.show_recorded(test::sample_session()); // its banner is a pane that was not there
    window.frames(3);
    window.press("Enter");
    CHECK(window.shell.shows(ViewId::Memory));
}

TEST_CASE("a modifier let go in the frame that sees its key still counts") {
    DrivenShell window(test::sample_session());
    ImGuiIO &io = ImGui::GetIO();
    const bool open = window.shell.settings().layout.workload_open;
    io.AddKeyEvent(ImGuiMod_Ctrl, true);
    window.frame();
    io.AddKeyEvent(ImGuiKey_B, true);
    io.AddKeyEvent(ImGuiMod_Ctrl, false);
    io.AddKeyEvent(ImGuiKey_B, false);
    window.frames(3);
    CHECK(window.shell.settings().layout.workload_open != open);
    window.press("Ctrl+B");
    CHECK(window.shell.settings().layout.workload_open == open);
}
