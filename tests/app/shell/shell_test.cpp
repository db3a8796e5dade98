#include "tests/support/driven_shell.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_test_macros.hpp>

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

TEST_CASE("a shortcut does what its action does, the user's own too") {
    Settings settings;
    settings.shortcuts = {{"view.routing", "F8"}};
    DrivenShell window(test::sample_session(), settings);
    window.press("Ctrl+2");
    CHECK(window.shell.shows(ViewId::Roofline));
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
    CHECK(window.shell.shows(ViewId::Roofline));
    window.press("Ctrl+PageUp");
    window.press("Ctrl+PageUp");
    CHECK(window.shell.shows(views().back().id));
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
    window.press("Up"); // round to the last one: an operator, which it selects or ticks
    window.press("Enter");
    CHECK(window.shell.actions().run("view.overview"));
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
