#include "profiler/crossover/map.h"
#include "profiler/session/session_builder.h"
#include "tests/support/grid_session.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace moescope;

namespace {

void add(SessionBuilder &builder, std::int64_t tokens, std::int32_t rank, const char *variant,
         double median, double half, const char *device = "cuda:0") {
    RunRecord run;
    run.plan.workload.tokens = tokens;
    run.plan.workload.lora_rank = rank;
    run.device.id = device;
    Measurement m{.run = builder.add_run(run), .op = OperatorId::GateUp, .variant = variant,
                  .state = Measurement::State::Done};
    m.time = {.samples = 10, .median = median, .ci_low = median - half, .ci_high = median + half};
    builder.add_measurement(m);
}

void add_pair(SessionBuilder &builder, std::int64_t tokens, std::int32_t rank, double fused,
              double split, double half) {
    RunRecord run;
    run.plan.workload.tokens = tokens;
    run.plan.workload.lora_rank = rank;
    const RunId id = builder.add_run(run);
    for (const auto &[variant, median] : {std::pair("fused", fused), std::pair("split", split)}) {
        Measurement m{.run = id, .op = OperatorId::GateUp, .variant = variant,
                      .state = Measurement::State::Done};
        m.time = {.samples = 10, .median = median, .ci_low = median - half, .ci_high = median + half};
        builder.add_measurement(m);
    }
}

} // namespace

TEST_CASE("runs of a grid are one map of its cells, whatever order they ran in", "[crossover]") {
    const SessionPtr session = test::grid_session();
    const auto maps = find_crossovers(*session);
    REQUIRE(maps.size() == 1);
    const CrossoverMap &map = maps[0];
    CHECK(map.op == OperatorId::GateUp);
    CHECK(map.a == "fused");
    CHECK(map.b == "split");
    CHECK(map.x->id == CrossoverProperty::Experts);
    CHECK(map.y->id == CrossoverProperty::Weight);
    REQUIRE(map.cells.size() == 16);
    CHECK(map.xs == std::vector<double>{8, 16, 32, 64});
    CHECK(map.ys.front() == 2.0 * 4096 * 512); // K = hidden, N = 2 * intermediate
    CHECK(map.cells[0].facts.experts == 8);
    CHECK(map.cells[0].facts.weight == 2 * 4096 * 512);
    CHECK(map.cells[0].a.value == 2); // of the second run: the place was measured again
}

TEST_CASE("a cell is decided where the intervals do not overlap", "[crossover]") {
    SessionBuilder builder("");
    add_pair(builder, 1, 16, 100, 150, 5);
    add_pair(builder, 8, 16, 100, 108, 5);
    add_pair(builder, 1, 32, 150, 100, 5);
    add_pair(builder, 8, 32, 100, 111, 5);
    const auto maps = find_crossovers(builder.current());
    REQUIRE(maps.size() == 1);
    REQUIRE(maps[0].cells.size() == 4);
    const CrossoverCell &clear = maps[0].cells[0], &split = maps[0].cells[1];
    CHECK(clear.ratio == 1.5);
    CHECK(clear.decided);
    CHECK_FALSE(clear.b_wins());
    CHECK(clear.low == 145.0 / 105);
    CHECK(split.b_wins());
    CHECK(split.decided);
    CHECK_FALSE(maps[0].cells[2].decided);
    CHECK(maps[0].cells[3].decided);
}

TEST_CASE("the pair of the fastest variants is the first map, and each cell knows the fastest of all", "[crossover]") {
    SessionBuilder builder("");
    for (const std::int32_t experts : {8, 16, 32})
        for (const std::int64_t tokens : {64, 512}) {
            RunRecord run;
            run.plan.workload.tokens = tokens;
            run.plan.workload.model.experts = experts;
            const RunId id = builder.add_run(run);
            for (const auto &[variant, median, warps] :
                 {std::tuple{"base", 50.0, 12}, {"fused", 200.0, 8}, {"split", 150.0, 12}, {"extra_k", 120.0, 12}}) {
                Measurement m{.run = id, .op = OperatorId::GateUp, .variant = variant, .state = Measurement::State::Done};
                m.config = {128, 128, 64, warps, 4};
                m.time = {.samples = 10, .median = median, .ci_low = median - 1, .ci_high = median + 1};
                builder.add_measurement(m);
            }
        }
    const Session &session = builder.current();
    const auto maps = find_crossovers(session);
    REQUIRE(maps.size() == 3);
    CHECK(maps[0].a == "split");
    CHECK(maps[0].b == "extra_k");
    for (const CrossoverMap &map : maps)
        for (const CrossoverCell &cell : map.cells) {
            CHECK(session.measurements[cell.fastest.value].variant == "extra_k");
            CHECK(cell.families_differ == (map.a == "fused"));
        }
    for (const auto &variants : {std::vector<std::string>{"fused", "split"}, {"split", "fused"}}) {
        const auto found = find_map(maps, {OperatorId::GateUp, variants});
        REQUIRE(found.ok());
        CHECK(maps[*found].a == "fused");
        CHECK(maps[*found].b == "split");
    }
    CHECK(find_map(maps, {}).value() == 0);
    const auto none = find_map(maps, {OperatorId::Down, {"fused", "split"}});
    REQUIRE_FALSE(none.ok());
    CHECK(none.error().why.find("gate_up split,extra_k") != std::string::npos);
}

TEST_CASE("one axis alone is shown once, and a device or a lone run is no map", "[crossover]") {
    SessionBuilder line("");
    add_pair(line, 1, 16, 100, 150, 5);
    add_pair(line, 8, 16, 100, 90, 5);
    const auto maps = find_crossovers(line.current());
    REQUIRE(maps.size() == 1);
    CHECK(maps[0].cells.size() == 2);
    SessionBuilder apart("");
    add(apart, 1, 16, "fused", 100, 5);
    add(apart, 8, 16, "split", 100, 5, "cuda:1");
    CHECK(find_crossovers(apart.current()).empty());
    CHECK(find_crossovers(Session{}).empty());
    CHECK(find_crossovers(*test::sample_session()).empty());
}
