#include "profiler/crossover/fit.h"
#include "profiler/crossover/heuristic.h"
#include "tests/support/grid_session.h"
#include "tests/support/sample_session.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_all.hpp>

#include <cmath>
#include <fstream>
#include <sstream>

using namespace moescope;
using Catch::Approx;

namespace {

CrossoverCell cell(double x, double y, double a_ns, double b_ns, bool decided = true) {
    CrossoverCell made;
    made.x = x;
    made.y = y;
    made.a_ns = a_ns;
    made.b_ns = b_ns;
    made.ratio = b_ns / a_ns;
    made.decided = decided;
    made.facts = {std::int64_t(x), std::int64_t(y)};
    return made;
}

CrossoverMap map_of(std::vector<CrossoverCell> cells) {
    CrossoverMap map{.op = OperatorId::GateUp, .a = "fused", .b = "split",
                     .x = &info(CrossoverProperty::Experts), .y = &info(CrossoverProperty::Weight),
                     .cells = std::move(cells), .xs = {}, .ys = {}, .first = {}, .held = {}};
    for (const CrossoverCell &each : map.cells) {
        map.xs.push_back(each.x);
        map.ys.push_back(each.y);
    }
    return map;
}

} // namespace

TEST_CASE("the fitted line parts cells that a line can part", "[crossover]") {
    // b wins where y > 1000 * x.
    std::vector<CrossoverCell> cells;
    for (const double x : {8, 16, 32, 64})
        for (const double y : {5e3, 12e3, 25e3, 50e3, 100e3})
            cells.push_back(cell(x, y, 100, y > 1000 * x ? 80 : 125));
    const auto rule = fit_rule(map_of(cells));
    REQUIRE(rule);
    CHECK(rule->decided == 20);
    CHECK(rule->misclassified == 0);
    CHECK(rule->weights[0] < 0);
    CHECK(rule->weights[1] > 0);
    CHECK(rule->scales[0] == AxisScale::Log2);
    // The boundary at x lies between the neighbouring cells' y, and both forms name one line.
    const double y = *rule->y_at(16);
    CHECK(y > 12e3);
    CHECK(y < 25e3);
    CHECK(*rule->x_at(y) == Approx(16));
}

TEST_CASE("regression finds the line that blurred cells were made from", "[crossover]") {
    // Winners drawn by a fixed pattern that agrees with the logistic model's odds at each x.
    std::vector<CrossoverCell> cells;
    for (int x = 1; x <= 9; ++x) {
        const double share = 1 / (1 + std::exp(-1.0 * (x - 5))); // of b, over log2
        for (int i = 0; i < 200; ++i)
            cells.push_back(cell(std::exp2(x), 1000, 100, (i + 0.5) / 200 < share ? 90 : 110));
    }
    const CrossoverMap map = map_of(cells);
    const auto rule = fit_rule(map);
    REQUIRE(rule);
    CHECK(*rule->x_at(1000) == Approx(32).epsilon(0.02));
    CHECK(rule->weights[0] == Approx(1.0).epsilon(0.05));
    CHECK(rule->weights[1] == 0); // y never changes
    CHECK(rule->misclassified > 0);
}

TEST_CASE("undecided cells do not move the boundary, and one winner is a rule of its own",
          "[crossover]") {
    std::vector<CrossoverCell> cells{cell(8, 1e6, 100, 120), cell(8, 4e6, 100, 90),
                                     cell(64, 1e6, 100, 120), cell(64, 4e6, 100, 90)};
    const auto before = fit_rule(map_of(cells));
    cells.push_back(cell(8, 1.5e6, 100, 60, false));
    const auto after = fit_rule(map_of(cells));
    REQUIRE((before && after));
    CHECK(after->decided == 4);
    CHECK(after->chooses_b(8, 1.5e6) == before->chooses_b(8, 1.5e6));
    CHECK_FALSE(after->chooses_b(8, 1.5e6));

    const auto one = fit_rule(map_of({cell(8, 1e6, 100, 120), cell(64, 1e6, 100, 130)}));
    REQUIRE(one);
    CHECK_FALSE(one->chooses_b(1, 1));
    CHECK_FALSE(one->y_at(8));
    CHECK_FALSE(fit_rule(map_of({cell(8, 1e6, 100, 101, false), cell(9, 1e6, 100, 101, false)})));
}

TEST_CASE("a rule costs what it loses against the best choice in each cell", "[crossover]") {
    const CrossoverMap map = map_of({cell(8, 30e6, 100, 150),         // published: split, 50 lost
                                     cell(8, 1e6, 100, 90, false),    // fused: 10, undecided
                                     cell(64, 30e6, 200, 100),        // fused: 100 lost
                                     cell(64, 1e6, 100, 120)});       // fused: right
    const auto rules = rules_of(map, std::nullopt);
    REQUIRE(rules.size() == 3);
    CHECK(rules[0].name == "published");
    CHECK(rules[0].cost.lost_ns == 160);
    CHECK(rules[0].cost.undecided_lost_ns == 10);
    CHECK(rules[0].cost.best_ns == 390);
    CHECK(rules[0].cost.wrong == 2);
    CHECK(rules[0].cost.worst == 2);
    CHECK(rules[1].name == "always fused");
    CHECK(rules[1].cost.lost_ns == 110);
    CHECK(rules[2].cost.lost_ns == 70);
}

TEST_CASE("the fitted boundary ends at the edges it meets", "[crossover]") {
    // b where log2(y) > 4 * log2(x): at the left edge far below the picture.
    const FittedRule steep{.scales = {AxisScale::Log2, AxisScale::Log2}, .intercept = 0, .weights = {-4, 1}};
    const auto ends = fitted_boundary(steep, {4, 64}, {1 << 16, 1 << 20});
    REQUIRE(ends.size() == 2);
    CHECK(ends[0].first == Catch::Approx(16)); // 16^4 = 2^16
    CHECK(ends[0].second == Catch::Approx(1 << 16));
    CHECK(ends[1].first == Catch::Approx(32));
    CHECK(ends[1].second == Catch::Approx(1 << 20));
    const FittedRule flat{.scales = {AxisScale::Log2, AxisScale::Log2}, .intercept = -18, .weights = {0, 1}};
    const auto level = fitted_boundary(flat, {4, 64}, {1 << 16, 1 << 20});
    REQUIRE(level.size() == 2);
    CHECK(level[0].first == 4);
    CHECK(level[1].first == 64);
    CHECK(level[0].second == Catch::Approx(1 << 18));
    CHECK(fitted_boundary(flat, {4, 64}, {1 << 19, 1 << 20}).empty());
    const FittedRule linear{.scales = {AxisScale::Linear, AxisScale::Linear}, .intercept = 0, .weights = {-1, 2}};
    CHECK(fitted_boundary(linear, {-0.5, 1.5}, {-0.25, 0.75}).size() == 2); // corner to corner
    CHECK(fitted_boundary({.intercept = 1}, {4, 64}, {1, 2}).empty());
}

TEST_CASE("the published boundary is a corner over experts and weight", "[crossover]") {
    const CrossoverMap map = map_of({cell(8, 30e6, 100, 150), cell(64, 1e6, 100, 90)});
    using Line = std::vector<std::pair<double, double>>;
    CHECK(published_boundary(map, {4, 128}, {1e6, 1e8}) == Line{{4, 2e7}, {32, 2e7}, {32, 1e8}});
    CHECK(published_boundary(map, {4, 16}, {1e6, 1e8}) == Line{{4, 2e7}, {16, 2e7}});
    CHECK(published_boundary(map, {4, 128}, {5e7, 1e8}) == Line{{32, 5e7}, {32, 1e8}});
    CHECK(published_boundary(map, {64, 128}, {1e6, 1e8}).empty());
    CHECK(published_boundary(map, {4, 128}, {1e6, 1e7}).empty());
    CrossoverMap tokens = map;
    tokens.y = &info(CrossoverProperty::Tokens);
    CHECK(published_boundary(tokens, {4, 128}, {1, 100}) == Line{{32, 1}, {32, 100}});
    tokens.cells[0].facts.weight = 1000; // fused everywhere
    CHECK(published_boundary(tokens, {4, 128}, {1, 100}).empty());
    tokens.b = "extra_k";
    CHECK_FALSE(has_published_rule(tokens));
}

TEST_CASE("a heuristic that is read back chooses as the rule does", "[crossover]") {
    const SessionPtr session = test::grid_session();
    const test::TemporaryFolder folder;
    const auto path = folder.path() / "rule.json";
    REQUIRE(export_heuristic(*session, MapChoice{}, path).ok());
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    const auto json = parse_json(text.str(), "the heuristic");
    REQUIRE(json.ok());
    const Json &j = json.value();
    CHECK(j["format"] == "moescope.heuristic");
    CHECK(j["version"] == 1);
    CHECK(j["operator"] == "gate_up");
    CHECK(j["date"].get<std::string>().ends_with("Z"));
    REQUIRE(j["cells"].size() == 16);
    REQUIRE(j["axes"].size() == 2);
    std::size_t decided = 0, wrong = 0;
    for (const Json &each : j["cells"]) {
        const double sum = j["rule"]["intercept"].get<double>() +
                           j["rule"]["weights"][0].get<double>() * std::log2(each["x"].get<double>()) +
                           j["rule"]["weights"][1].get<double>() * std::log2(each["y"].get<double>());
        if (each["winner"].is_null())
            continue;
        ++decided;
        wrong += (each["winner"] == j["variants"][1]) != (sum > 0);
    }
    CHECK(decided == j["rule"]["decided_cells"]);
    CHECK(decided < 16); // those on the made-up line are not
    CHECK(wrong == j["rule"]["misclassified"]);
    CHECK(wrong == 0);
    CHECK_FALSE(export_heuristic(*session, MapChoice{OperatorId::Down, {}}, path).ok());
    CHECK_FALSE(export_heuristic(*test::sample_session(), MapChoice{}, path).ok());
}
