#include "app/render/picture.h"
#include "app/views/crossover.h"
#include "tests/support/grid_session.h"

#include <catch2/catch_all.hpp>
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

using namespace moescope;
using Catch::Approx;

TEST_CASE("cells meet halfway between neighbours, on the axis's scale", "[crossover]") {
    const auto log = cell_edges({8, 16, 64}, AxisScale::Log2);
    REQUIRE(log.size() == 4);
    CHECK(log[0] == Approx(8 / std::sqrt(2.0)));
    CHECK(log[1] == Approx(8 * std::sqrt(2.0)));
    CHECK(log[2] == Approx(32));
    CHECK(log[3] == Approx(128));
    CHECK(cell_edges({0, 1}, AxisScale::Linear) == std::vector<double>{-0.5, 0.5, 1.5});
    CHECK(cell_edges({3}, AxisScale::Linear).size() == 2);
}

TEST_CASE("the grid on offer keeps to what the model and the device can do", "[crossover]") {
    Workload workload; // top-2, intermediate 14336
    auto grid = suggested_grid(workload, false);
    CHECK(grid[0].values == std::vector<std::string>{"8", "16", "32", "64"});
    CHECK(grid[1].values == std::vector<std::string>{"1792", "3584", "7168", "14336"});
    CHECK(suggested_grid(workload, true)[1].values.back() == "512");
    workload.model.top_k = 10;
    CHECK(suggested_grid(workload, false)[0].values.front() == "16");
    const auto points = expand(workload, suggested_grid(workload, false));
    REQUIRE(points.ok());
    for (const SweepPoint &point : *points)
        CHECK(point.status.ok());
}

TEST_CASE("a cell's words say both medians and what each rule chose", "[crossover]") {
    const SessionPtr session = test::grid_session();
    const CrossoverMap map = find_crossovers(*session).front();
    const auto rules = rules_of(map, fit_rule(map));
    std::size_t undecided = 0;
    for (const CrossoverCell &cell : map.cells) {
        const auto facts = facts_of_cell(*session, map, cell, rules);
        const std::string words = ui::text_of(title_of(map, cell), facts);
        CHECK(std::ranges::count(facts, Evidence::Measured, &ui::Fact::evidence) == 2);
        CHECK(words.find(" samples by ") != std::string::npos);
        CHECK(words.find("fused: ") != std::string::npos);
        CHECK(words.find("The published rule chooses ") != std::string::npos);
        CHECK((words.find("Not decided") != std::string::npos) == !cell.decided);
        undecided += !cell.decided;
    }
    CHECK(undecided > 0);
    CHECK(sentence(map, rules.back()).starts_with("Costs "));
}

TEST_CASE("the crossover view draws a grid in both themes and at both scales", "[crossover]") {
    for (const char *theme : {"dark", "light"})
        for (const float scale : {1.0f, 2.0f}) {
            const auto image = draw_picture(test::grid_session(), {.view = "crossover",
                                                                   .theme = theme,
                                                                   .width = int(1200 * scale),
                                                                   .height = int(760 * scale),
                                                                   .scale = scale});
            REQUIRE(image.ok());
            if (const char *folder = std::getenv("MOESCOPE_PICTURES"))
                REQUIRE(write_png(image.value(), std::filesystem::path(folder) /
                                                     fmt::format("crossover-grid-{}-{}.png", theme, scale))
                            .ok());
        }
}

TEST_CASE("the map shown first is one where the winner changes", "[crossover]") {
    CHECK(default_map({}) == 0);
    CrossoverMap one_wins, changes;
    for (const double b_ns : {80.0, 90.0})
        one_wins.cells.push_back({.a_ns = 100, .b_ns = b_ns, .decided = true});
    changes.cells = one_wins.cells;
    changes.cells.push_back({.a_ns = 100, .b_ns = 120, .decided = false});
    CHECK(default_map({one_wins, changes}) == 0); // an undecided cell says nothing
    changes.cells.back().decided = true;
    CHECK(default_map({one_wins, changes, changes}) == 1);
    CHECK(default_map({one_wins, one_wins}) == 0);
}
