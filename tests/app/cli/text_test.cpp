#include "app/cli/numbers.h"
#include "app/cli/progress_line.h"
#include "app/cli/text_table.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;
using namespace moescope::cli;

TEST_CASE("a table's columns line up whatever bytes its characters take") {
    const std::string table = text_table({{"operator"}, {"median", Align::Right}},
                                         {{"gate_up", "4.21 µs"}, {"down", "–"}});
    CHECK(table == "operator   median\n"
                   "--------  -------\n"
                   "gate_up   4.21 µs\n"
                   "down            –\n");
    CHECK(text_width("4.21 µs") == 7);
}

TEST_CASE("a tile is read as it is printed") {
    for (const char *text : {"128x64x32,w4,s3", "128x64x32 w4 s3"}) {
        const Result<Tile> tile = parse_tile("--tile", text);
        REQUIRE(tile);
        CHECK(tile->block_m == 128);
        CHECK(tile->block_n == 64);
        CHECK(tile->block_k == 32);
        CHECK(tile->warps == 4);
        CHECK(tile->stages == 3);
    }
    for (const char *text : {"wgmma:128x256x64,w12,s4", "wgmma 128x256x64 w12 s4", "128x256x64,w12,s4"}) {
        const Result<Tile> tile = parse_tile("--tile", text);
        REQUIRE(tile);
        CHECK(tile->block_n == 256);
        CHECK(tile->warps == 12);
        CHECK(tile->stages == 4);
    }
    for (const char *text :
         {"wgmma:128x256x64,w4,s4", "wgmma", "wgmma128x256x64,w12,s4", "", "128", "128x64x32", "128x64x32,w4", "128x64x32,w4,s3,", "axbxc,w4,s3",
          "0x64x32,w4,s3", "128x64x32,4,3", "99999999999x64x32,w4,s3"})
        CHECK_FALSE(parse_tile("--tile", text));
}

TEST_CASE("a list keeps its order and refuses empty parts") {
    CHECK(*parse_list("--ops", "b,a") == std::vector<std::string>{"b", "a"});
    for (const char *text : {"", ",", "a,", ",a", "a,,b"})
        CHECK_FALSE(parse_list("--ops", text));
}

TEST_CASE("progress fits the terminal and never passes its ends") {
    CHECK(progress_text("gate_up", 0.5, 80) == "[##########          ]  50 % gate_up");
    CHECK(progress_text("gate_up", -1, 80) == "gate_up");
    CHECK(progress_text("gate_up", 7, 80).starts_with("[####################] 100 %"));
    CHECK(progress_text(std::string(200, 'x'), 0.1, 79).size() == 79);
}
