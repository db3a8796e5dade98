#include "app/views/number.h"

#include "app/lessons/lesson.h"
#include "app/render/own_context.h"
#include "app/shell/view_list.h"
#include "app/views/inspector.h"
#include "app/views/number_audit.h"
#include "app/views/ui.h"
#include "profiler/session/session_file.h"
#include "tests/app/no_backend.h"
#include "tests/support/driven_shell.h"
#include "tests/support/grid_session.h"
#include "tests/support/sample_session.h"
#include "tests/support/sweep_session.h"

#include <catch2/catch_all.hpp>

#include <set>

using namespace moescope;

namespace {

// One frame of a window that holds what draw does; the numbers in it.
template <typename Draw> std::vector<ui::NumberAudit::Shown> numbers_of(const Draw &draw) {
    const OwnContext context;
    test::use_no_backend({800, 600});
    apply(built_in_theme(true), 1);
    ui::NumberAudit audit;
    ImGui::NewFrame();
    ImGui::SetNextWindowSize({780, 580});
    ImGui::Begin("window");
    draw(built_in_theme(true));
    ImGui::End();
    ImGui::Render();
    return audit.shown;
}

struct Source {
    const char *name;
    SessionPtr session;
};

std::vector<Source> sessions() {
    auto counters = read_session(MOESCOPE_ASSETS "/sessions/OLMoE-1B-7B.moescope");
    REQUIRE(counters.ok());
    return {{"sample", test::sample_session()},
            {"grid", test::grid_session()},
            {"sweep", test::sweep_session()},
            {"counters", std::make_shared<const Session>(std::move(*counters))}};
}

// The numbers that a view shows of a session, with room for all of it.
std::vector<ui::NumberAudit::Shown> shown_by(ViewId view, const SessionPtr &session) {
    test::DrivenShell window(session, {}, 1800, 2400);
    window.shell.show_only(view, /*alone=*/true);
    window.frames(3);
    ui::NumberAudit audit;
    window.frame();
    return audit.shown;
}

void check_words(const std::vector<ui::NumberAudit::Shown> &shown, const std::string &where) {
    for (const auto &number : shown) {
        INFO(where << " shows \"" << number.text << "\" at " << number.low.x << ", " << number.low.y);
        CHECK(number.explained);
    }
}

} // namespace

TEST_CASE("quantities and bare numbers are numbers; names, tiles and dates are not", "[look]") {
    for (const char *text : {"4.21 µs", "12 B", "1.12 GB", "3.92 TB/s", "612 TFLOP/s", "16,384", "1.24×", "±0.5 %",
                             "3.1e-03", "12.3 µs – 15 µs", "7", "the last is 40 % full", "1200 MHz", "~3 %", "+1.5 %"})
        CHECK(ui::shows_number(text));
    for (const char *text : {"", "–", "Median", "Qwen3-30B-A3B", "OLMoE-1B-7B", "wgmma 128x256x64 w8 s4", "top-k 8",
                             "2026-11-21 13:31", "driver 580.159.04", "NVIDIA H200", "Gate LoRA", "L2", "block_m"})
        CHECK_FALSE(ui::shows_number(text));
}

TEST_CASE("an audit finds the number without words, and how the others came about", "[look]") {
    const auto shown = numbers_of([](const Theme &theme) {
        ui::text("1.5 ms");
        ui::text("2.5 ms");
        ui::explain("A time.");
        ui::number(theme, {"3.5 ms", Evidence::Estimated, "The sum of both, from 7 samples."});
        ui::text("no number");
        ImGui::BeginGroup();
        ui::text("Median");
        ImGui::SameLine();
        ui::text("4.5 ms");
        ImGui::EndGroup();
        ui::explain(theme, Evidence::Measured, "A row.");
        ui::number(theme, {"5.5 ms", Evidence::Measured, ""});
    });
    REQUIRE(shown.size() == 5);
    CHECK_FALSE(shown[0].explained);
    CHECK(shown[1].explained);
    CHECK_FALSE(shown[1].evidence);
    CHECK(shown[2].evidence == Evidence::Estimated);
    CHECK(shown[2].words == "The sum of both, from 7 samples.");
    CHECK(shown[3].text == "4.5 ms");
    CHECK(shown[3].evidence == Evidence::Measured);
    CHECK_FALSE(shown[4].explained); // no words are no explanation
}

TEST_CASE("every number that a view shows says what it is on hover", "[look]") {
    for (const auto &[name, session] : sessions())
        for (const View &view : views())
            if (view.id != ViewId::Lessons) // those have pages: below
                check_words(shown_by(view.id, session), std::string(view.key) + " of " + name);
}

TEST_CASE("every value in the words of a lesson says on hover how it came about", "[look][lessons]") {
    std::set<Evidence> seen;
    std::size_t values = 0;
    const auto check = [&](const SessionPtr &session, const lessons::Lesson &lesson, int page) {
        Settings settings;
        settings.lesson = lesson.id;
        settings.lesson_pages[lesson.id] = page;
        test::DrivenShell window(session, settings, 1400, 1400);
        window.shell.show_only(ViewId::Lessons, /*alone=*/true);
        window.frames(3);
        ui::NumberAudit audit;
        window.frame();
        for (const auto &number : audit.shown) {
            INFO(lesson.id << " page " << page << " shows \"" << number.text << "\" at " << number.low.x << ", "
                           << number.low.y);
            CHECK(number.explained);
            CHECK(number.evidence);
            if (number.evidence)
                seen.insert(*number.evidence);
            ++values;
        }
    };
    const auto recorded = sessions().back().session;
    for (const lessons::Lesson &lesson : lessons::load_lessons(MOESCOPE_ASSETS "/lessons").lessons)
        for (int page = 0; page <= int(lesson.pages.size()); ++page) {
            check(test::sample_session(), lesson, page);
            check(recorded, lesson, page);
        }
    CHECK(values > 50);
    CHECK(seen.size() == 4);
}

TEST_CASE("a value of prose is underlined where it stands and told apart", "[look]") {
    const std::string words = "It took 4.2\u00a0ms, and then a long sentence goes on until it is wrapped to 7.5\u00a0% here.";
    const std::size_t at = words.find("7.5");
    const std::vector<ui::ProseValue> values = {
        {words.find("4.2"), words.find(","), {Evidence::Measured, "A time."}},
        {at, words.find(" here"), {Evidence::Estimated, "A share."}}};
    const auto shown = numbers_of([&](const Theme &theme) { ui::prose(theme, words, values, 300); });
    REQUIRE(shown.size() == 2);
    CHECK(shown[0].text == "4.2\u00a0ms");
    CHECK(shown[0].evidence == Evidence::Measured);
    CHECK(shown[1].evidence == Evidence::Estimated);
    CHECK(shown[1].low.y > shown[0].low.y);
    CHECK(shown[1].high.x - shown[1].low.x < 100);
}

TEST_CASE("measured, modelled and estimated numbers are told apart in every view of results", "[look]") {
    std::set<Evidence> seen;
    for (const auto &[name, session] : sessions())
        for (const ViewId view : {ViewId::Overview, ViewId::Roofline, ViewId::Dispatch, ViewId::Autotune,
                                  ViewId::Routing, ViewId::Memory, ViewId::Sweep, ViewId::Crossover, ViewId::Compare})
            for (const auto &number : shown_by(view, session)) {
                INFO(info(view).key << " of " << name << " shows \"" << number.text << "\": " << number.words);
                CHECK(number.evidence);
                if (number.evidence)
                    seen.insert(*number.evidence);
            }
    CHECK(seen.contains(Evidence::Measured));
    CHECK(seen.contains(Evidence::Modelled));
    CHECK(seen.contains(Evidence::Estimated));
}

TEST_CASE("every number of the inspector has words, a kind, and a sample count where a time was measured", "[look]") {
    int medians = 0;
    for (const auto &[name, session] : sessions()) {
        for (std::size_t i = 0; i < std::min<std::size_t>(session->measurements.size(), 12); ++i) {
            Selection selection;
            selection.measurement = MeasurementId{std::uint32_t(i)};
            if (!session->kernels.empty())
                selection.kernel = 0;
            if (!session->candidates.empty())
                selection.candidate = CandidateId{0};
            selection.expert = 0;
            InspectorState state;
            const auto shown = numbers_of([&](const Theme &theme) {
                ViewContext context{.session = session,
                                    .theme = theme,
                                    .selection = selection,
                                    .run = session->measurements[i].run,
                                    .show = [](ViewId) {},
                                    .tune = [](PlanItem) {}};
                draw_inspector(context, state);
            });
            for (const auto &number : shown) {
                INFO("inspector of " << name << ", measurement " << i << " shows \"" << number.text << "\"");
                CHECK(number.explained);
                CHECK(number.evidence);
                if (number.words.starts_with("Median of ")) {
                    CHECK(number.words.find(" samples ") != std::string::npos);
                    ++medians;
                }
            }
        }
    }
    CHECK(medians > 10);
}

TEST_CASE("the numbers of the whole window, its panes and its bars are explained", "[look]") {
    test::DrivenShell window(test::sample_session(), {}, 2400, 1600);
    window.frames(3);
    ui::NumberAudit audit;
    window.frame();
    CHECK(audit.shown.size() > 30);
    check_words(audit.shown, "the window");
}

TEST_CASE("the badges of the kinds differ in shape", "[look]") {
    const auto vertices = [](Evidence evidence) {
        int count = 0;
        numbers_of([&](const Theme &) {
            ImDrawList &draw = *ImGui::GetWindowDrawList();
            const int before = draw.VtxBuffer.Size;
            ui::draw_mark(draw, {50, 50}, 8, IM_COL32_WHITE, evidence);
            count = draw.VtxBuffer.Size - before;
        });
        return count;
    };
    const std::set<int> shapes = {vertices(Evidence::Measured), vertices(Evidence::Modelled),
                                  vertices(Evidence::Estimated), vertices(Evidence::Reported)};
    CHECK(shapes.size() == 4);
}

TEST_CASE("lines break at spaces alone, and not between a number and its unit", "[look]") {
    numbers_of([](const Theme &) {
        const auto broken = [](const char *words, const char *widest) {
            return ui::broken(words, ui::text_width(widest));
        };
        CHECK(broken("the combine takes 2.83 ms", "the combine takes 2.83") == "the combine takes\n2.83 ms");
        CHECK(broken("In mma.sync tiles", "In mma.") == "In\nmma.sync\ntiles");
        CHECK(broken("one two three", "one two") == "one two\nthree");
        CHECK(broken("one two\nthree four", "three four") == "one two\nthree four");
        CHECK(broken("3 of 4 do", "3 of") == "3 of\n4 do");
        CHECK(broken("averyveryverylongword or two", "or two") == "averyveryverylongword\nor two");
        CHECK(broken("", "x").empty());
    });
}
