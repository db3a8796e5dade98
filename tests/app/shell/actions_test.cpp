#include "app/shell/actions.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

namespace {

constexpr Shortcut kF5{.key = ImGuiKey_F5}, kCtrlO{.key = ImGuiKey_O, .ctrl = true};

struct Counted {
    int opened = 0, ran = 0;
    std::string why_not;
    Actions actions;

    Counted() {
        actions.add({.id = "file.open",
                     .title = "Open",
                     .group = "File",
                     .explain = "Opens a file.",
                     .standard = kCtrlO,
                     .run = [this] { ++opened; }});
        actions.add({.id = "run.start",
                     .title = "Run",
                     .group = "Run",
                     .explain = "Runs.",
                     .standard = kF5,
                     .run = [this] { ++ran; },
                     .refused = [this] { return why_not; }});
        actions.add({.id = "file.quit", .title = "Quit", .group = "File", .explain = "Leaves.", .run = [] {}});
    }
};

} // namespace

TEST_CASE("a shortcut's words mean the same shortcut again") {
    for (const Shortcut &shortcut :
         {kF5, kCtrlO, Shortcut{.key = ImGuiKey_Z, .ctrl = true, .shift = true},
          Shortcut{.key = ImGuiKey_LeftBracket, .alt = true}, Shortcut{.key = ImGuiKey_Slash},
          Shortcut{.key = ImGuiKey_PageDown, .ctrl = true}, Shortcut{}}) {
        const auto again = parse_shortcut(text_of(shortcut));
        REQUIRE(again.ok());
        CHECK(again.value() == shortcut);
    }
    CHECK(text_of({.key = ImGuiKey_Z, .ctrl = true, .shift = true}) == "Ctrl+Shift+Z");
    CHECK(parse_shortcut("shift+ctrl+z").value() ==
          Shortcut{.key = ImGuiKey_Z, .ctrl = true, .shift = true});
    const Shortcut larger{.key = ImGuiKey_Equal, .ctrl = true};
    CHECK(text_of(larger) == "Ctrl+=");
    CHECK(parse_shortcut("Ctrl+Equal").value() == larger); // as earlier settings have it
    CHECK(text_of({.key = ImGuiKey_Backslash, .ctrl = true}) == "Ctrl+\\");
}

TEST_CASE("words that are no shortcut are an error that says how to write one") {
    for (const char *text : {"Ctrl+", "+", "Hyper+A", "Ctrl+Ctrl", "F13", "é", "Ctrl Z"}) {
        INFO(text);
        const auto parsed = parse_shortcut(text);
        REQUIRE_FALSE(parsed.ok());
        CHECK(parsed.error().sentence().find("Ctrl+Shift+Z") != std::string::npos);
    }
}

TEST_CASE("a field of text keeps the keys it edits with") {
    const auto text = [](const char *words) { return belongs_to_text(parse_shortcut(words).value()); };
    for (const char *words : {"A", "Shift+A", "Ctrl+Z", "Ctrl+C", "Delete", "Slash"})
        CHECK(text(words));
    for (const char *words : {"F5", "Ctrl+P", "Ctrl+1", "Alt+A", "Shift+F5"})
        CHECK_FALSE(text(words));
}

TEST_CASE("an action runs unless it says why not") {
    Counted window;
    CHECK(window.actions.run("run.start"));
    window.why_not = "There is no worker.";
    CHECK_FALSE(window.actions.run("run.start"));
    CHECK(window.ran == 1);
    CHECK_FALSE(window.actions.run("nonsense"));
    CHECK(Actions::refused(*window.actions.find("run.start")) == "There is no worker.");
    CHECK(Actions::refused(*window.actions.find("file.open")).empty());
}

TEST_CASE("groups come in the order of their first action") {
    CHECK(Counted().actions.groups() == std::vector<std::string>{"File", "Run"});
}

TEST_CASE("a shortcut can be changed, taken away and restored") {
    Actions actions = Counted().actions;
    const Shortcut other{.key = ImGuiKey_R, .ctrl = true};
    REQUIRE(actions.assign("run.start", other).ok());
    CHECK(actions.holder(other)->id == "run.start");
    CHECK(actions.holder(kF5) == nullptr);
    CHECK(actions.hint("run.start") == "Runs. (Ctrl+R)");
    REQUIRE(actions.assign("file.open", {}).ok());
    CHECK(actions.shortcut_text("file.open").empty());
    CHECK(actions.changed() ==
          std::map<std::string, std::string>{{"file.open", ""}, {"run.start", "Ctrl+R"}});
    REQUIRE(actions.restore("run.start").ok());
    REQUIRE(actions.restore("file.open").ok());
    CHECK(actions.changed().empty());
}

TEST_CASE("a shortcut that another action has is refused in one sentence that names it") {
    Actions actions = Counted().actions;
    const Status status = actions.assign("file.quit", kF5);
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().sentence().find("\"Run\" has it already") != std::string::npos);
    CHECK(actions.holder(kF5)->id == "run.start");
    CHECK_FALSE(actions.assign("file.quit", {.key = ImGuiKey_Escape}).ok());
    CHECK_FALSE(actions.assign("nonsense", kF5).ok());
    // The other one's standard shortcut, given away, cannot be restored before it is free again.
    REQUIRE(actions.assign("run.start", {}).ok());
    REQUIRE(actions.assign("file.quit", kF5).ok());
    CHECK_FALSE(actions.restore("run.start").ok());
}

TEST_CASE("changed shortcuts come back from the settings, two that changed places too") {
    Actions actions = Counted().actions;
    CHECK(actions.take_changed({{"run.start", "Ctrl+O"}, {"file.open", "F5"}}).empty());
    CHECK(actions.holder(kF5)->id == "file.open");
    CHECK(actions.holder(kCtrlO)->id == "run.start");
}

TEST_CASE("what is wrong with the settings' shortcuts is told, and the rest is taken") {
    Actions actions = Counted().actions;
    const auto problems = actions.take_changed({{"run.start", "Hyper+Q"},
                                                {"file.quit", "Ctrl+O"}, // the standard one of another
                                                {"file.open", "Ctrl+L"},
                                                {"a.later.version", "F9"}});
    CHECK(problems.size() == 1); // Ctrl+O is free: file.open has moved away from it
    CHECK(actions.shortcut_text("file.quit") == "Ctrl+O");
    CHECK(actions.shortcut_text("file.open") == "Ctrl+L");
    CHECK(actions.shortcut_text("run.start") == "F5");

    Actions clashing = Counted().actions;
    CHECK(clashing.take_changed({{"file.quit", "F5"}}).size() == 1);
    CHECK(clashing.shortcut_text("file.quit").empty());
    CHECK(clashing.shortcut_text("run.start") == "F5");
}
