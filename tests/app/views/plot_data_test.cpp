#include "app/views/plot_data.h"

#include "tests/support/grid_session.h"
#include "tests/support/sample_session.h"
#include "tests/support/sweep_session.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <sstream>

using namespace moescope;

namespace {

std::vector<std::vector<std::string>> cells(const std::string &table) {
    std::vector<std::vector<std::string>> rows;
    std::istringstream lines(table);
    for (std::string line; std::getline(lines, line);) {
        rows.emplace_back();
        std::istringstream fields(line);
        for (std::string field; std::getline(fields, field, ',');)
            rows.back().push_back(field);
    }
    return rows;
}

} // namespace

TEST_CASE("a sweep's data are its lines, point by point", "[plots]") {
    const SessionPtr session = test::sweep_session();
    const FoundSweep sweep = find_sweeps(*session).front();
    const auto lines = sweep_lines(*session, sweep);
    const auto rows = cells(sweep_csv(*session, sweep, lines));
    REQUIRE(rows.size() == 1 + 2 * sweep.points.size());
    CHECK(rows[0][2] == "tokens");
    CHECK(rows[1][2] == "1");
    const Measurement &m = session->measurements[lines[0].points[0].id.value];
    CHECK(std::stod(rows[1][3]) == m.time.median);
}

TEST_CASE("a map's data are its cells", "[plots]") {
    const CrossoverMap map = find_crossovers(*test::grid_session()).front();
    const auto rows = cells(crossover_csv(map));
    REQUIRE(rows.size() == 1 + map.cells.size());
    CHECK(rows[1][3] == map.a);
    CHECK(std::stod(rows[1][7]) == map.cells[0].ratio);
}

TEST_CASE("the timeline's data are the kernels in sight", "[plots]") {
    const SessionPtr session = test::sample_session();
    const KernelRecord &kernel = session->kernels[5];
    const auto one = cells(timeline_csv(*session, kernel.start_ns, kernel.start_ns));
    REQUIRE(one.size() >= 2);
    CHECK(std::ranges::any_of(one, [&](const auto &row) { return row[0] == std::to_string(kernel.start_ns); }));
    const auto all = cells(timeline_csv(*session, INT64_MIN, INT64_MAX));
    CHECK(all.size() == 1 + session->kernels.size());
    CHECK(one.size() < all.size());
}

TEST_CASE("memory's data add up to what is held", "[plots]") {
    const SessionPtr session = test::sample_session();
    const MemoryHistory history = memory_history(*session, RunId{0}, MemoryGrouping::Purpose);
    const auto rows = cells(memory_csv(*session, history));
    REQUIRE(rows.size() == 1 + history.steps.size() * history.groups.size());
    double sum = 0;
    for (std::size_t group = 0; group < history.groups.size(); ++group)
        sum += std::stod(rows[1 + history.peak * history.groups.size() + group][4]);
    CHECK(sum == double(history.steps[history.peak].total));
}

TEST_CASE("routing's data have every expert once", "[plots]") {
    const RoutingRecord routing{.run = RunId{0}, .tokens = 3, .top_k = 2, .counts = {4, 0, 2}, .sample_ids = {}};
    CHECK(routing_csv(routing) == "expert,slots\n0,4\n1,0\n2,2\n");
}
