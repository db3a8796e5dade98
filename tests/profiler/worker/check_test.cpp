// Which part of a large result stands for all of it.
#include "profiler/worker/check.h"

#include <catch2/catch_test_macros.hpp>

#include <cstdint>

using namespace moescope;

TEST_CASE("a result that is small enough is compared whole") {
    const auto pieces = pieces_of(1000, 2, 1.0);
    REQUIRE(pieces.size() == 1);
    CHECK(pieces[0].first == 0);
    CHECK(pieces[0].count == 1000);
    CHECK(pieces_of(0, 4, 0.5).front().count == 0);
    CHECK(pieces_of(1, 4, 0.01).front().count == 1);
}

TEST_CASE("samples reach from the first element to the last, apart, and hold the share") {
    for (const std::int64_t count : {3LL, 17LL, 1'000'003LL, 939'524'096LL})
        for (const double share : {0.001, 0.07, 0.5, 0.9}) {
            CAPTURE(count, share);
            const auto pieces = pieces_of(count, 2, share);
            CHECK(pieces.size() <= 16);
            CHECK(pieces.front().first == 0);
            CHECK(pieces.back().first + pieces.back().count == count);
            std::int64_t taken = 0;
            for (std::size_t i = 0; i < pieces.size(); ++i) {
                taken += pieces[i].count;
                if (i > 0)
                    CHECK(pieces[i].first >= pieces[i - 1].first + pieces[i - 1].count);
            }
            CHECK(double(taken) >= share * double(count) - 16);
            CHECK(double(taken) <= share * double(count) + 2);
        }
}

TEST_CASE("a small part of a result is two copies, not sixteen") { CHECK(pieces_of(2 << 20, 2, 0.06).size() == 2); }
