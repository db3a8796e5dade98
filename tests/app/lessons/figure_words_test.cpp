// The words of the moving pictures, in every frame of every lesson.
#include "app/lessons/progress.h"
#include "app/views/figure_drawing.h"
#include "app/views/ui.h"
#include "profiler/model/catalogue.h"
#include "profiler/session/session_file.h"
#include "tests/support/driven_shell.h"

#include <catch2/catch_all.hpp>
#include <fmt/format.h>

#include <algorithm>

using namespace moescope;
using namespace moescope::lessons;

namespace {

bool over(const WordsBox &a, const WordsBox &b) {
    return std::min(a.high.x, b.high.x) - std::max(a.low.x, b.low.x) > 2 &&
           std::min(a.high.y, b.high.y) - std::max(a.low.y, b.low.y) > 3;
}

void check_frame(const Figure &figure, const Frame &frame, float factor) {
    std::vector<std::pair<const Shape *, WordsBox>> seen;
    for (const Shape &shape : frame.shapes) {
        if (shape.kind != Shape::Kind::Words || shape.alpha < 0.05f)
            continue;
        const WordsBox box = words_box(shape, factor);
        INFO("\"" << shape.words << "\" at " << shape.x << ", " << shape.y);
        CHECK(box.low.x >= -1);
        CHECK(box.low.y >= -1);
        CHECK(box.high.x <= kFigureWidth * factor + 1);
        CHECK(box.high.y <= figure.height * factor + 1);
        for (const auto &[other, place] : seen)
            if (over(box, place))
                FAIL_CHECK("it lies over \"" << other->words << "\"");
        seen.emplace_back(&shape, box);
    }
}

void check_figure(const Figure &figure, const std::string &what) {
    for (const float factor : {0.6f, 0.75f, 1.0f, 1.3f})
        for (std::size_t i = 0; i < figure.frames.size(); ++i) {
            INFO(what << ", frame " << i + 1 << " at " << factor);
            check_frame(figure, figure.frames[i], factor);
        }
}

} // namespace

TEST_CASE("no word of a lesson's picture is cut off or lies over another, in any frame", "[lessons][look]") {
    const test::DrivenShell fonts;
    const auto catalogue = load_catalogue(MOESCOPE_ASSETS "/models.json").value();
    for (const char *name : {"OLMoE-1B-7B", "Mixtral-8x7B", "OLMoE-1B-7B-2-ranks", "Qwen3.5-35B-A3B-decode"}) {
        const auto session = read_session(fmt::format("{}/sessions/{}.moescope", MOESCOPE_ASSETS, name));
        REQUIRE(session.ok());
        for (const Lesson &lesson : load_lessons(MOESCOPE_ASSETS "/lessons").lessons)
            for (const Page &page : lesson.pages) {
                if (page.figure.empty())
                    continue;
                const auto workload = lesson_workload(lesson, *session, RunId{0}, Workload(), catalogue);
                REQUIRE(workload.ok());
                const Figure figure = find_figure(page.figure)->make({*workload, *session, RunId{0}});
                check_figure(figure, page.figure + " of " + name);
            }
    }
}

TEST_CASE("a picture of any model and routing keeps its words apart, or says why there is none", "[lessons][look]") {
    const test::DrivenShell fonts;
    const auto catalogue = load_catalogue(MOESCOPE_ASSETS "/models.json").value();
    for (const ModelShape &model : catalogue)
        for (const char *skew : {"uniform", "hot:1", "zipf:2"})
            for (const FigureMaker &maker : figure_makers()) {
                Workload workload;
                workload.model = model;
                workload.tokens = 40;
                workload.skew = parse_skew(skew).value();
                const std::string what = fmt::format("{} of {}, {}", maker.name, model.name, skew);
                INFO(what);
                const Figure figure = maker.make({workload, Session(), {}});
                CHECK(figure.frames.empty() == !figure.why.empty());
                check_figure(figure, what);
            }
}

TEST_CASE("lines end at spaces alone, never within a number", "[lessons][look]") {
    const test::DrivenShell fonts;
    ImGui::NewFrame();
    const std::string words = "It takes 5.93 ms, its floor is 1,163 us. A new\nline.";
    for (float width = 40; width < 400; width += 3) {
        INFO(width);
        std::string lines = ui::broken(words, width);
        const auto longest = [&] {
            float most = 0;
            for (std::size_t at = 0, end = 0; at < lines.size(); at = end + 1) {
                end = std::min(lines.find('\n', at), lines.size());
                most = std::max(most, ImGui::CalcTextSize(lines.data() + at, lines.data() + end).x);
            }
            return most;
        };
        CHECK((longest() <= width + 1 || width < ImGui::CalcTextSize("5.93 ms,").x + 1)); // the longest that stays together
        CHECK(lines.find("5.93") != std::string::npos);
        CHECK(lines.find("1,163") != std::string::npos);
        CHECK(lines.find("new\nline.") != std::string::npos);
        std::ranges::replace(lines, '\n', ' ');
        CHECK(lines == "It takes 5.93 ms, its floor is 1,163 us. A new line.");
    }
    ImGui::EndFrame();
}
