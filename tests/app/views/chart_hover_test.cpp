// What charts draw, read back from their triangles and pointed at: a mark or a number in a chart without a
// hover that says how it came about fails here, whoever drew it.
#include "app/charts/series.h"
#include "app/lessons/lesson.h"
#include "app/render/drawing.h"
#include "app/render/own_context.h"
#include "app/shell/view_list.h"
#include "app/views/number.h"
#include "app/views/number_audit.h"
#include "app/views/ui.h"
#include "profiler/session/session_builder.h"
#include "profiler/session/session_file.h"
#include "tests/app/no_backend.h"
#include "tests/support/driven_shell.h"
#include "tests/support/eventually.h"
#include "tests/support/grid_session.h"
#include "tests/support/sample_session.h"
#include "tests/support/sweep_session.h"

#include <catch2/catch_all.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

using namespace moescope;

namespace {

using Chart = ui::NumberAudit::Chart;

struct Mark {
    std::string what; // "4.2 µs", "a line of #4f9cff"
    ImVec2 at;
};

bool same_hue(ImU32 a, const ImVec4 &b) {
    constexpr ImU32 kRgb = ~ImU32(IM_COL32_A_MASK);
    return (a & kRgb) == (ImGui::ColorConvertFloat4ToU32(b) & kRgb);
}

// Grounds, grids and frames say nothing.
bool is_ground(ImU32 colour, const Theme &theme) {
    for (const ImVec4 &each : {theme.background, theme.surface, theme.raised, theme.line, theme.grid})
        if (same_hue(colour, each))
            return true;
    return false;
}

ImVec2 middle_of(const DrawnShape &shape) {
    if (shape.kind == DrawnShape::Kind::Text)
        return {shape.points[0].x + shape.width / 2, shape.points[0].y + shape.ascent / 2};
    if (shape.kind == DrawnShape::Kind::Line) { // of its longest piece: a polyline's own middle lies anywhere
        std::size_t longest = 1;
        const auto length = [&](std::size_t i) {
            return std::hypot(shape.points[i].x - shape.points[i - 1].x, shape.points[i].y - shape.points[i - 1].y);
        };
        for (std::size_t i = 2; i < shape.points.size(); ++i)
            longest = length(i) > length(longest) ? i : longest;
        const ImVec2 a = shape.points[longest - 1], b = shape.points[longest];
        return {(a.x + b.x) / 2, (a.y + b.y) / 2};
    }
    ImVec2 sum;
    for (const ImVec2 &point : shape.points)
        sum = {sum.x + point.x / float(shape.points.size()), sum.y + point.y / float(shape.points.size())};
    return sum;
}

// A row's stripe or its highlight.
bool spans(const DrawnShape &shape, const Chart &chart) {
    const auto [low, high] = std::ranges::minmax(shape.points, {}, &ImVec2::x);
    return shape.kind == DrawnShape::Kind::Polygon && high.x - low.x > 0.98f * (chart.high.x - chart.low.x);
}

bool inside(ImVec2 at, const DrawnRect &rect) {
    return at.x > rect.low.x && at.x < rect.high.x && at.y > rect.low.y && at.y < rect.high.y;
}

// Some of each kind and colour, so that one mean line counts as much as a thousand bars.
std::vector<Mark> marks_of(const Chart &chart, const Theme &theme) {
    constexpr std::size_t kMostNumbers = 60, kMostShapes = 12;
    const Drawing drawing = read_drawing({chart.list}, {chart.low, chart.high}, theme.background, 1);
    std::map<std::string, std::vector<ImVec2>> groups;
    std::vector<Mark> numbers;
    for (const DrawnShape &shape : drawing.shapes) {
        const ImVec2 at = middle_of(shape);
        if (!inside(at, drawing.area) || (shape.clipped && !inside(at, shape.clip)))
            continue;
        if (shape.kind == DrawnShape::Kind::Text) {
            if (ui::shows_number(shape.text))
                numbers.push_back({shape.text, at});
        } else if (!is_ground(shape.colours[0], theme) && !spans(shape, chart))
            groups[fmt::format("{} of #{:06x}", shape.kind == DrawnShape::Kind::Line ? "a line" : "a shape",
                               shape.colours[0] & 0xffffff)]
                .push_back(at);
    }
    std::vector<Mark> marks;
    const auto some = [&](std::size_t count, std::size_t most, const auto &take) {
        const std::size_t step = std::max<std::size_t>(1, (count + most - 1) / most);
        for (std::size_t i = step / 2; i < count; i += step)
            take(i);
    };
    some(numbers.size(), kMostNumbers, [&](std::size_t i) { marks.push_back(numbers[i]); });
    for (const auto &[what, places] : groups)
        some(places.size(), kMostShapes, [&](std::size_t i) { marks.push_back({what, places[i]}); });
    return marks;
}

// Frames enough for a hover that waits.
template <typename Frame> bool has_hover(const Frame &frame, ImVec2 at, std::set<Evidence> &kinds) {
    ImGui::GetIO().AddMousePosEvent(at.x, at.y);
    for (int i = 0; i < 8; ++i) {
        ui::NumberAudit audit;
        frame();
        bool any = false;
        for (const auto &hover : audit.hovers)
            if (hover.evidence) {
                kinds.insert(*hover.evidence);
                any = true;
            }
        if (any)
            return true;
    }
    return false;
}

// Two ranks of an expert-parallel layer.
SessionPtr ranks_session() {
    SessionBuilder builder("ranks");
    for (const std::int32_t rank : {0, 1}) {
        RunRecord run;
        run.plan.ranks = MeetingPlace{rank, 2, "", 0, ""};
        run.plan.workload.model.experts = 4;
        run.plan.workload.tokens = 16;
        run.device.id = run.device.name = "cuda:0";
        const RunId id = builder.add_run(std::move(run));
        builder.add(RoutingRecord{.run = id, .tokens = 16, .top_k = 2, .counts = {8, 10 - rank, 6 + rank, 8}, .sample_ids = {}});
        double median = 1e6;
        for (const auto &[op, variant] : {std::pair(OperatorId::EpDispatch, "counts_first"), std::pair(OperatorId::EpExperts, "base"),
                                          std::pair(OperatorId::EpCombine, "base"), std::pair(OperatorId::EpLayer, "counts_first")}) {
            Measurement m;
            m.run = id;
            m.op = op;
            m.variant = variant;
            m.state = Measurement::State::Done;
            const float samples[] = {float(median), float(median * 1.1), float(median * 1.2)};
            m.time = summarize(samples);
            builder.add_measurement(std::move(m));
            median *= 2;
        }
    }
    return builder.snapshot();
}

struct Found {
    std::set<std::string> charts;
    std::set<Evidence> kinds;
    std::size_t marks = 0;
};

void point_at_all(const SessionPtr &session, ViewId view, const std::string &name, Found &found, Settings settings = {}) {
    test::DrivenShell window(session, std::move(settings), 1800, 1400);
    window.shell.show_only(view, /*alone=*/true);
    testing::eventually([&] { // the timeline puts its records in order on another thread
        ui::NumberAudit audit;
        window.frames(3);
        return view != ViewId::Timeline || session->kernels.empty() || !audit.charts.empty();
    });
    std::vector<std::pair<std::string, std::vector<Mark>>> charts;
    {
        const PlainShapes plain;
        ui::NumberAudit audit;
        window.frame();
        for (const Chart &chart : audit.charts)
            charts.emplace_back(chart.name, marks_of(chart, window.shell.theme()));
    }
    for (const auto &[chart, marks] : charts) {
        found.charts.insert(std::string(info(view).key) + " " + chart);
        for (const Mark &mark : marks) {
            ++found.marks;
            INFO(info(view).key << " of " << name << ", chart \"" << chart << "\": " << mark.what << " at " << mark.at.x
                                << ", " << mark.at.y);
            CHECK(has_hover([&] { window.frame(); }, mark.at, found.kinds));
        }
    }
}

// A chart of two bars, the second of which says nothing; where `badge` is false the first says it without one.
class ForgetfulChart {
  public:
    explicit ForgetfulChart(bool badge) : badge_(badge) {
        test::use_no_backend({800, 600});
        apply(built_in_theme(true), 1);
    }
    void frame() {
        const Theme theme = built_in_theme(true);
        ImGui::GetIO().DeltaTime = 0.1f;
        ImGui::NewFrame();
        ImGui::SetNextWindowSize({780, 580});
        ImGui::Begin("window");
        charts::PlotSpec spec;
        spec.x = {.explain = "Places.", .evidence = Evidence::Reported, .fit = {-0.5, 1.5}};
        spec.y = {.explain = "Times.", .evidence = Evidence::Measured, .unit = charts::Unit::DurationNs, .fit = {0, 5}};
        auto plot = charts::begin_plot("forgetful", {600, 300}, spec, state_, theme, 1);
        const double values[] = {3, 4};
        const auto hovered = charts::draw_bars(plot, values, [&](std::size_t i) { return packed(theme.series[i]); });
        charts::end_plot(plot, state_, theme);
        if (hovered == 0u && badge_)
            ui::tooltip(theme, Evidence::Measured, "The first.");
        else if (hovered == 0u)
            ui::tooltip("The first.");
        ImGui::End();
        ImGui::Render();
    }

  private:
    OwnContext context_;
    charts::PlotState state_;
    bool badge_;
};

// How many marks of it were found, and how many have no hover.
std::pair<int, int> forgotten(bool badge) {
    ForgetfulChart window(badge);
    std::vector<Mark> marks;
    window.frame();
    {
        const PlainShapes plain;
        ui::NumberAudit audit;
        window.frame();
        REQUIRE(audit.charts.size() == 1);
        marks = marks_of(audit.charts[0], built_in_theme(true));
    }
    std::set<Evidence> kinds;
    const auto silent = std::ranges::count_if(
        marks, [&](const Mark &mark) { return !has_hover([&] { window.frame(); }, mark.at, kinds); });
    return {int(marks.size()), int(silent)};
}

} // namespace

TEST_CASE("a mark without a hover is found, and one whose hover has no badge", "[look]") {
    const auto [marks, silent] = forgotten(true);
    CHECK(marks > 4); // two bars and the axis's numbers
    CHECK(silent == 1);
    CHECK(forgotten(false) == std::pair(marks, 2));
}

TEST_CASE("every mark and number of a lesson's picture says on hover how it came about", "[look][lessons]") {
    Found found;
    for (const lessons::Lesson &lesson : lessons::load_lessons(MOESCOPE_ASSETS "/lessons").lessons)
        for (int page = 0; page <= int(lesson.pages.size()); ++page) {
            Settings settings;
            settings.lesson = lesson.id;
            settings.lesson_pages[lesson.id] = page;
            point_at_all(test::sample_session(), ViewId::Lessons, fmt::format("{} page {}", lesson.id, page), found,
                         std::move(settings));
        }
    CHECK(found.marks > 100);
    CHECK(found.charts == std::set<std::string>{"lessons figure", "lessons results"});
    CHECK(found.kinds.contains(Evidence::Measured));
    CHECK(found.kinds.contains(Evidence::Modelled));
}

TEST_CASE("every mark and number of every chart says on hover how it came about", "[look]") {
    std::vector<std::pair<std::string, SessionPtr>> sessions = {{"sample", test::sample_session()},
                                                                {"grid", test::grid_session()},
                                                                {"sweep", test::sweep_session()},
                                                                {"ranks", ranks_session()}};
    for (const char *name : {"OLMoE-1B-7B", "OLMoE-1B-7B-2-ranks", "OLMoE-1B-7B-sweeps", "Qwen3.5-35B-A3B-decode"}) {
        auto recorded = read_session(fmt::format("{}/sessions/{}.moescope", MOESCOPE_ASSETS, name));
        REQUIRE(recorded.ok());
        sessions.emplace_back(name, std::make_shared<const Session>(std::move(*recorded)));
    }
    Found found;
    for (const auto &[name, session] : sessions)
        for (const View &view : views())
            point_at_all(session, view.id, name, found);
    CHECK(found.marks > 300);
    for (const char *chart : {"overview share", "roofline roofline", "roofline gap", "dispatch bars", "autotune panel",
                              "autotune scatter", "routing load", "routing flow", "routing tiles", "routing waves",
                              "timeline timeline", "timeline minimap", "memory ledger", "memory bars", "sweep times",
                              "crossover map", "ranks traffic", "ranks split"}) {
        INFO(chart);
        CHECK(found.charts.contains(chart));
    }
    CHECK(found.kinds.size() == 4); // measured, modelled, estimated, reported
}
