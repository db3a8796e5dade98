#include "kernels/reference.h"
#include "tests/kernels/compare.h"
#include "tests/kernels/routing/metadata_support.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <set>

using namespace moescope;
using namespace moescope::test;

namespace {

std::int64_t tiles_of(const std::vector<std::int32_t> &counts, std::int32_t block_rows) {
    std::int64_t tiles = 0;
    for (std::int32_t count : counts)
        tiles += (count + block_rows - 1) / block_rows;
    return tiles;
}

// The largest number of tiles over every way to share at most `slots` slots among the experts.
std::int64_t most_tiles(std::int32_t slots, std::int32_t experts, std::int32_t block_rows) {
    if (experts == 0)
        return 0;
    std::int64_t most = 0;
    for (std::int32_t count = 0; count <= slots; ++count)
        most = std::max(most, (count + block_rows - 1) / block_rows +
                                  most_tiles(slots - count, experts - 1, block_rows));
    return most;
}

} // namespace

TEST_CASE("route metadata is a stable sort by expert, with its counts, offsets and inverse") {
    std::mt19937_64 random(GENERATE(1, 2, 3, 4));
    const std::int32_t experts = GENERATE(1, 2, 8, 128, 4096);
    const std::int64_t slots = GENERATE(0, 1, 7, 500);
    const auto ids = random_ids(slots, experts, random);
    const Metadata metadata = reference_metadata(ids, experts, 16);

    std::vector<std::int32_t> counts(std::size_t(experts), 0);
    for (std::int32_t id : ids)
        if (id >= 0 && id < experts)
            ++counts[std::size_t(id)];
    CHECK(metadata.counts == counts);
    CHECK(metadata.offsets.front() == 0);
    for (std::size_t e = 0; e < counts.size(); ++e)
        REQUIRE(metadata.offsets[e + 1] - metadata.offsets[e] == counts[e]);

    for (std::int32_t expert = 0; expert < experts; ++expert)
        for (std::int32_t i = metadata.offsets[std::size_t(expert)];
             i < metadata.offsets[std::size_t(expert) + 1]; ++i) {
            const std::int32_t slot = metadata.sorted_slots[std::size_t(i)];
            REQUIRE(ids[std::size_t(slot)] == expert);
            REQUIRE(metadata.inverse[std::size_t(slot)] == i);
            if (i > metadata.offsets[std::size_t(expert)])
                REQUIRE(slot > metadata.sorted_slots[std::size_t(i) - 1]);
        }
    for (std::size_t i = std::size_t(metadata.offsets.back()); i < ids.size(); ++i)
        REQUIRE(metadata.sorted_slots[i] == -1);
    for (std::size_t slot = 0; slot < ids.size(); ++slot)
        REQUIRE((metadata.inverse[slot] == -1) == (ids[slot] < 0 || ids[slot] >= experts));
}

TEST_CASE("a schedule covers every sorted slot once, expert by expert") {
    std::mt19937_64 random(5);
    const std::int32_t experts = GENERATE(1, 5, 64), block_rows = GENERATE(1, 16, 128);
    const std::int64_t slots = GENERATE(1, 40, 3000);
    const auto ids = random_ids(slots, experts, random);
    const Metadata metadata = reference_metadata(ids, experts, block_rows);
    std::size_t next = 0;
    for (std::int32_t expert = 0; expert < experts; ++expert)
        for (std::int32_t tile = 0; tile * block_rows < metadata.counts[std::size_t(expert)];
             ++tile, ++next)
            REQUIRE((metadata.tiles[next].expert == expert && metadata.tiles[next].tile == tile));
    CHECK(std::int64_t(next) == tiles_of(metadata.counts, block_rows));
    for (; next < metadata.tiles.size(); ++next)
        REQUIRE((metadata.tiles[next].expert == -1 && metadata.tiles[next].tile == -1));
}

TEST_CASE("ms_max_tiles is what the worst routing needs, and no more") {
    for (std::int32_t experts = 1; experts <= 4; ++experts)
        for (std::int32_t slots = 0; slots <= 14; ++slots)
            for (std::int32_t block_rows : {1, 2, 3, 4, 16})
                REQUIRE(ms_max_tiles(slots, experts, block_rows) ==
                        most_tiles(slots, experts, block_rows));
}

TEST_CASE("ms_max_tiles holds at sizes that overflow 32 bits, and is 0 for nonsense") {
    CHECK(ms_max_tiles(std::int64_t(1) << 40, 4096, 16) ==
          4096 + ((std::int64_t(1) << 40) - 4096) / 16);
    CHECK(ms_max_tiles(-1, 4, 16) == 0);
    CHECK(ms_max_tiles(8, 0, 16) == 0);
    CHECK(ms_max_tiles(8, 4, 0) == 0);
}

TEST_CASE("a schedule for another block size is made from the offsets") {
    std::mt19937_64 random(9);
    const auto ids = random_ids(700, 9, random);
    const Metadata metadata = reference_metadata(ids, 9, 32);
    CHECK(same_tiles(metadata.tiles, reference_schedule(metadata.offsets, 700, 32)));
    CHECK(same_tiles(reference_metadata(ids, 9, 64).tiles,
                     reference_schedule(metadata.offsets, 700, 64)));
}
