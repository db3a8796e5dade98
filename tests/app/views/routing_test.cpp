#include "app/views/routing.h"
#include "app/views/routing_tiles.h"
#include "kernels/scatter2scatter/tile_configs.h"
#include "profiler/explain/routing_math.h"
#include "profiler/session/session_builder.h"
#include "tests/app/views/desk.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
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

TEST_CASE("each expert's last portable tile is padded", "[routing]") {
    const Tiling tiling = tile_rows(kCounts, {32});
    CHECK(tiling.tiles == std::vector<std::int32_t>{4, 0, 2, 1, 2});
    CHECK(tiling.tile_count == 9);
    CHECK(tiling.rows == 9 * 32);
    CHECK(tiling.padded_rows == 9 * 32 - 200);
    CHECK(tiling.wasted_share == Approx(88.0 / 288));
    CHECK(tile_rows({}, {32}).tile_count == 0);
    CHECK(tile_rows(std::vector<std::int32_t>{0}, {16}).wasted_share == 0);
}

TEST_CASE("a wgmma tile multiplies the rows it has, in steps", "[routing]") {
    // 100 rows in one tile of 104; 64 in 64, 1 in 8, 35 in 40.
    const Tiling tiling = tile_rows(kCounts, {128, true});
    CHECK(tiling.tiles == std::vector<std::int32_t>{1, 0, 1, 1, 1});
    CHECK(tiling.rows == 104 + 64 + 8 + 40);
    CHECK(tiling.padded_rows == 16);
    // In steps of 16 above 128 rows.
    CHECK(tile_rows(kCounts, {192, true}).rows == 112 + 64 + 16 + 48);
    // 300 rows over two tiles: 152 and 148, not 288 and 12.
    const std::vector<std::int32_t> two{300};
    const Tiling dealt = tile_rows(two, {288, true});
    CHECK(dealt.tile_count == 2);
    CHECK(rows_of_tiles(dealt, two, 0, 1).used == 152);
    CHECK(rows_of_tiles(dealt, two, 1, 2).used == 148);
    CHECK(dealt.rows == 160 + 160);
}

namespace {

// As the kernel finds them (scatter2scatter_wgmma.jit.cu): tile_of's rows, then dispatch's width.
TileRows by_the_kernel(int rows, int block_m, int tile) {
    const int tiles = (rows + block_m - 1) / block_m;
    const int share = ((rows + tiles - 1) / tiles + 7) / 8 * 8;
    const int mine = std::min(share, rows - tile * share);
    int width = block_m <= 128 ? 8 : 16;
    while (width < block_m && mine > width)
        width += block_m <= 128 ? 8 : 16;
    return {mine, width};
}

} // namespace

TEST_CASE("wgmma tiles have the rows that the kernel gives them", "[routing]") {
    for (const int block_m : scatter2scatter::row_tile_sizes(MS_TILE_WGMMA))
        for (std::int32_t rows = 1; rows <= 2000; ++rows) {
            const std::vector<std::int32_t> counts{rows};
            const Tiling tiling = tile_rows(counts, {block_m, true});
            std::int64_t used = 0;
            for (std::int64_t tile = 0; tile < tiling.tile_count; ++tile) {
                const TileRows found = rows_of_tiles(tiling, counts, tile, tile + 1);
                const TileRows wanted = by_the_kernel(rows, block_m, int(tile));
                if (found.used != wanted.used || found.multiplied != wanted.multiplied)
                    FAIL("tile " << tile << " of " << rows << " rows in tiles of " << block_m);
                used += found.used;
            }
            if (used != rows)
                FAIL(rows << " rows in tiles of " << block_m << ": " << used << " used");
        }
}

TEST_CASE("the sizes to choose from are the tuner's, Hopper's own where the device has them", "[routing]") {
    DeviceInfo device;
    device.arch = "sm_80";
    for (const RowTile &tile : row_tiles_of(device))
        CHECK_FALSE(tile.wgmma);
    device.arch = "sm_90a";
    const auto tiles = row_tiles_of(device);
    for (const RowTile &tile : {RowTile{16}, {128}, {96, true}, {128, true}, {192, true}, {288, true}})
        CHECK(std::ranges::count(tiles, tile) == 1);
}

TEST_CASE("tiles know their expert and the rows they use, which add up to the slots", "[routing]") {
    const RowTile tile{GENERATE(32, 64, 128), GENERATE(false, true)};
    const Tiling tiling = tile_rows(kCounts, tile);
    std::vector<std::int32_t> rows(kCounts.size());
    for (std::int64_t i = 0; i < tiling.tile_count; ++i) {
        const TileRows found = rows_of_tiles(tiling, kCounts, i, i + 1);
        CHECK(found.used >= 1);
        CHECK(found.used <= found.multiplied);
        CHECK(found.multiplied <= tile.block_m);
        rows[std::size_t(expert_of_tile(tiling, i))] += std::int32_t(found.used);
    }
    CHECK(rows == kCounts);
}

TEST_CASE("the rows of neighbouring tiles are their rows added up", "[routing]") {
    const Tiling tiling = tile_rows(kCounts, {32, GENERATE(false, true)});
    for (std::int64_t first = 0; first < tiling.tile_count; ++first) {
        TileRows sum;
        for (std::int64_t last = first + 1; last <= tiling.tile_count; ++last) {
            const TileRows one = rows_of_tiles(tiling, kCounts, last - 1, last);
            sum.used += one.used, sum.multiplied += one.multiplied;
            const TileRows all = rows_of_tiles(tiling, kCounts, first, last);
            CHECK(all.used == sum.used);
            CHECK(all.multiplied == sum.multiplied);
        }
    }
    CHECK(rows_of_tiles(tiling, kCounts, 3, 3).multiplied == 0);
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
    CHECK(measured_tile(builder.current(), run, OperatorId::Down) == RowTile{64});
    CHECK(tile_facts(builder.current(), run, OperatorId::Down, {64}).blocks_per_sm == 1);
    Measurement m;
    m.run = run;
    m.op = OperatorId::Down;
    m.config = {32, 256, 64, 4, 3};
    m.time.median = 10;
    builder.add_measurement(m);
    CHECK(measured_tile(builder.current(), run, OperatorId::Down) == RowTile{32});
    CHECK(tile_facts(builder.current(), run, OperatorId::Down, {32}).block_n == 256);
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
    const TileFacts facts = tile_facts(builder.current(), run, OperatorId::Down, {32});
    CHECK(facts.block_n == 128);
    CHECK(facts.blocks_per_sm == 3);
    CHECK(tile_facts(builder.current(), run, OperatorId::Down, {128}).block_n == 128);
}

TEST_CASE("so many tiles are put in one cell that the cells fit", "[routing]") {
    CHECK(tiles_per_cell(1000, 1000) == 1);
    CHECK(tiles_per_cell(1001, 1000) == 2);
    CHECK(tiles_per_cell(0, 1000) == 1);
    CHECK(tiles_per_cell(524'288, 1500) == 350);
}

TEST_CASE("a CPU's run is not said to have used a GPU's tiles and waves", "[routing]") {
    const bool on_cpu = GENERATE(true, false);
    SessionBuilder builder("t");
    RunRecord run;
    run.device.id = on_cpu ? "cpu" : "cuda:0";
    run.device.multiprocessors = 132;
    RoutingRecord routing{.run = builder.add_run(run)};
    routing.counts = {40, 3, 0, 21};
    builder.add(routing);
    RoutingState state;
    test::Desk desk(builder.snapshot());
    desk.view = [&](const ViewContext &context) { draw_routing(context, state); };
    desk.frame();
    desk.frame();
    std::string words = desk.words();
    std::ranges::replace(words, '\n', ' '); // as they were before they were wrapped
    INFO(words);
    CHECK((words.find("The tiles that a GPU would use") != std::string::npos) == on_cpu);
    if (on_cpu) {
        CHECK(words.find("places stay idle") == std::string::npos);
    }
    CHECK(words.find("modelled") != std::string::npos);
}
