// The Lessons view: every page drawn, and a lesson walked through by clicks.
#include "app/lessons/lesson.h"
#include "app/render/picture.h"
#include "app/shell/drawn_text.h"
#include "tests/support/driven_shell.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_all.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

using namespace moescope;

namespace {

Settings on_page(const lessons::Lesson &lesson, int page) {
    Settings settings;
    settings.lesson = lesson.id;
    settings.lesson_pages[lesson.id] = page;
    return settings;
}

void draw_page(const lessons::Lesson &lesson, int page, const char *theme, float scale) {
    INFO(lesson.id << " page " << page << " " << theme);
    const auto image = draw_picture(test::sample_session(), {.view = "lessons",
                                                             .theme = theme,
                                                             .width = int(1000 * scale),
                                                             .height = int(800 * scale),
                                                             .scale = scale,
                                                             .run = RunId{0},
                                                             .settings = on_page(lesson, page)});
    REQUIRE(image.ok());
    if (const char *folder = std::getenv("MOESCOPE_PICTURES"))
        CHECK(write_png(image.value(), std::filesystem::path(folder) / fmt::format("lesson-{}-{}-{}-{}.png", lesson.id,
                                                                                   page, theme, int(scale)))
                  .ok());
}

std::vector<std::string> words_of(test::DrivenShell &window) {
    window.frames(2);
    std::vector<std::string> words;
    for (const DrawnText &each : drawn_text(*ImGui::GetDrawData(), *ImGui::GetIO().Fonts))
        words.push_back(each.text);
    return words;
}

bool says(test::DrivenShell &window, const std::string &wanted) {
    for (const std::string &each : words_of(window))
        if (each.find(wanted) != std::string::npos)
            return true;
    return false;
}

void click_words(test::DrivenShell &window, const std::string &wanted) {
    window.frames(2);
    for (const DrawnText &each : drawn_text(*ImGui::GetDrawData(), *ImGui::GetIO().Fonts))
        if (each.text == wanted) {
            window.click((each.rect.x + each.rect.z) / 2, (each.rect.y + each.rect.w) / 2);
            return;
        }
    FAIL("\"" << wanted << "\" is not on the screen");
}

} // namespace

TEST_CASE("every page of every lesson draws, in both themes and at both scales", "[lessons]") {
    for (const lessons::Lesson &lesson : lessons::load_lessons(MOESCOPE_ASSETS "/lessons").lessons)
        for (int page = 0; page <= int(lesson.pages.size()); ++page) {
            draw_page(lesson, page, "dark", 1);
            if (page == 0)
                draw_page(lesson, page, "light", 2);
        }
}

TEST_CASE("a lesson is walked through by clicks, and its answer is remembered", "[lessons]") {
    Settings settings;
    settings.lesson = "lora-fused-or-split";
    test::DrivenShell window(test::sample_session(), settings);
    window.shell.choose_run(RunId{0});
    window.shell.show_only(ViewId::Lessons, true);
    CHECK(says(window, "page 1 of 3"));
    const std::string before = fmt::format("1 of {}", 7);
    CHECK(says(window, before));
    click_words(window, "Step");
    window.frames(20); // the picture moves on by itself
    CHECK(says(window, "2 of 7"));
    click_words(window, "Next page");
    CHECK(says(window, "page 2 of 3"));
    click_words(window, "The question");
    CHECK(says(window, "page 3 of 3"));
    CHECK(says(window, "It has been measured: choose an answer."));
    CHECK(window.shell.settings().lessons_found.empty());
    click_words(window, "Neither: they are within 3 %"); // the made-up session's fused is faster by more
    CHECK(says(window, "not this"));
    CHECK(window.shell.settings().lessons_found.empty());
    click_words(window, "Fused, by more than 3 %");
    CHECK(says(window, "found"));
    const Settings &after = window.shell.settings();
    CHECK(after.lessons_found == std::vector<std::string>{"lora-fused-or-split"});
    CHECK(after.lesson_pages.at("lora-fused-or-split") == 2);
    CHECK(after.lesson == "lora-fused-or-split");
}

TEST_CASE("a lesson that is opened from the palette begins at its picture's first step", "[lessons]") {
    Settings settings;
    settings.lesson = "lora-fused-or-split";
    test::DrivenShell window(test::sample_session(), settings);
    window.shell.choose_run(RunId{0});
    window.shell.show_only(ViewId::Lessons, true);
    for (int i = 0; i < 2; ++i) {
        click_words(window, "Step");
        window.frames(20);
    }
    REQUIRE(says(window, "3 of 7"));
    window.press("Ctrl+P");
    window.type("bitonic sort warp");
    window.press("Enter");
    REQUIRE(window.shell.settings().lesson == "bitonic-sort");
    CHECK(std::ranges::any_of(words_of(window), [](const std::string &words) { return words.starts_with("1 of "); }));
}

TEST_CASE("the arrow keys step the picture under the pointer, again and again", "[lessons]") {
    Settings settings;
    settings.lesson = "lora-fused-or-split";
    test::DrivenShell window(test::sample_session(), settings);
    window.shell.choose_run(RunId{0});
    window.shell.show_only(ViewId::Lessons, true);
    window.frames(2);
    for (const DrawnText &each : window.texts())
        if (each.text == "Fused") // in the picture
            ImGui::GetIO().AddMousePosEvent((each.rect.x + each.rect.z) / 2, (each.rect.y + each.rect.w) / 2);
    window.frames(2);
    const auto press = [&](const char *key, int times) {
        for (int i = 0; i < times; ++i) {
            window.press(key);
            window.frames(10); // it moves on by itself
        }
    };
    press("Right", 3);
    CHECK(says(window, "4 of 7"));
    press("Left", 2);
    CHECK(says(window, "2 of 7"));
    press("Space", 1);
    window.frames(100);
    CHECK(says(window, "7 of 7"));
}
