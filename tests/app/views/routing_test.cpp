#include "profiler/explain/routing_math.h"
#include "app/views/routing_tiles.h"
#include "profiler/session/session_builder.h"

#include <catch2/catch_all.hpp>

#include <numeric>

using namespace moescope;
using Catch::Approx;

namespace {
const std::vector<std::int32_t> kCounts{100, 0, 64, 1, 35};
}

TEST_CASE("load statistics count empty experts in", "[routing]") {
    const LoadStats stats = load_stats(kCounts);
    CHECK(stats.slots == 200);
    CHECK(stats.mean == Approx(40));
    CHECK(stats.most == 100);
    CHECK(stats.imbalance == Approx(2.5));
    CHECK(stats.empty == 1);
    // deviations 60, -40, 24, -39, -5: sqrt((3600 + 1600 + 576 + 1521 + 25) / 5) / 40
    CHECK(stats.variation == Approx(0.956687).epsilon(1e-5));
    CHECK(load_stats({}).imbalance == 0);
    CHECK(load_stats(std::vector<std::int32_t>{0, 0}).empty == 2);
}

TEST_CASE("experts are sorted by load, ties by number", "[routing]") {
    const std::vector<std::int32_t> counts{5, 9, 5, 9};
    CHECK(experts_in_order(counts, true) == std::vector<std::int32_t>{1, 3, 0, 2});
    CHECK(experts_in_order(counts, false) == std::vector<std::int32_t>{0, 1, 2, 3});
}

TEST_CASE("each expert's last tile is padded", "[routing]") {
    const Tiling tiling = tile_rows(kCounts, 32);
    CHECK(tiling.tiles == std::vector<std::int32_t>{4, 0, 2, 1, 2});
    CHECK(tiling.tile_count == 9);
    CHECK(tiling.padded_rows == 9 * 32 - 200);
    CHECK(tiling.wasted_share == Approx(88.0 / 288));
    CHECK(tile_rows({}, 32).tile_count == 0);
    CHECK(tile_rows(std::vector<std::int32_t>{0}, 16).wasted_share == 0);
}

TEST_CASE("tiles know their expert and the rows they use, which add up to the slots", "[routing]") {
    const int block_m = GENERATE(16, 32, 64, 128);
    const Tiling tiling = tile_rows(kCounts, block_m);
    std::vector<std::int32_t> rows(kCounts.size());
    for (std::int64_t tile = 0; tile < tiling.tile_count; ++tile) {
        const std::int32_t used = used_rows(tiling, kCounts, block_m, tile);
        CHECK(used >= 1);
        CHECK(used <= block_m);
        rows[std::size_t(expert_of_tile(tiling, tile))] += used;
    }
    CHECK(rows == kCounts);
}

TEST_CASE("the used share of neighbouring tiles equals their rows added up", "[routing]") {
    const Tiling tiling = tile_rows(kCounts, 16);
    for (std::int64_t first = 0; first < tiling.tile_count; ++first)
        for (std::int64_t last = first + 1; last <= tiling.tile_count; ++last) {
            double used = 0;
            for (std::int64_t tile = first; tile < last; ++tile)
                used += used_rows(tiling, kCounts, 16, tile);
            CHECK(used_share(tiling, kCounts, 16, first, last) ==
                  Approx(used / (16.0 * double(last - first))));
        }
    CHECK(used_share(tiling, kCounts, 16, 3, 3) == 0);
}

TEST_CASE("the last wave holds what is left over", "[routing]") {
    const Waves waves = waves_of(100, 1000, 128, 132, 2); // 8 column tiles: 800 blocks, 264 at once
    CHECK(waves.blocks == 800);
    CHECK(waves.capacity == 264);
    CHECK(waves.waves == 4);
    CHECK(waves.in_last == 8);
    CHECK(waves.last_fill == Approx(8.0 / 264));
    CHECK(waves.lost_share == Approx(1 - 800.0 / 1056));
    CHECK(waves_of(33, 128, 128, 33, 1).last_fill == Approx(1)); // just full
    CHECK(waves_of(0, 128, 128, 132, 1).waves == 0);
    CHECK(waves_of(5, 128, 128, 0, 1).waves == 0); // a CPU
}

TEST_CASE("tile facts come from the tuner, else from the measurement, else are assumed",
          "[routing]") {
    SessionBuilder builder("t");
    const RunId run = builder.add_run({});
    CHECK(measured_block_m(builder.current(), run, OperatorId::Down) == 64);
    CHECK(tile_facts(builder.current(), run, OperatorId::Down, 64).blocks_per_sm == 1);
    Measurement m;
    m.run = run;
    m.op = OperatorId::Down;
    m.config = {32, 256, 64, 4, 3};
    m.time.median = 10;
    builder.add_measurement(m);
    CHECK(measured_block_m(builder.current(), run, OperatorId::Down) == 32);
    CHECK(tile_facts(builder.current(), run, OperatorId::Down, 32).block_n == 256);
    Candidate c;
    c.run = run;
    c.op = OperatorId::Down;
    c.config = {32, 64, 64, 4, 3};
    c.blocks_per_sm = 3;
    c.time.median = 20;
    builder.add_candidate(c);
    c.config.block_n = 128;
    c.time.median = 15;
    builder.add_candidate(c);
    const TileFacts facts = tile_facts(builder.current(), run, OperatorId::Down, 32);
    CHECK(facts.block_n == 128);
    CHECK(facts.blocks_per_sm == 3);
    CHECK(tile_facts(builder.current(), run, OperatorId::Down, 128).block_n == 128);
}

TEST_CASE("so many tiles are put in one cell that the cells fit", "[routing]") {
    CHECK(tiles_per_cell(1000, 1000) == 1);
    CHECK(tiles_per_cell(1001, 1000) == 2);
    CHECK(tiles_per_cell(0, 1000) == 1);
    CHECK(tiles_per_cell(524'288, 1500) == 350);
}
