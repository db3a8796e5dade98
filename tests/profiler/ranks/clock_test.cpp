#include "profiler/ranks/clock.h"

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <random>
#include <vector>

using namespace moescope;

TEST_CASE("the quickest trip tells the offset best") {
    const std::vector<RoundTrip> trips = {{0, 5'000'400, 1'000}, {2'000, 5'002'100, 2'200}, {3'000, 5'003'900, 4'000}};
    const ClockOffset offset = clock_offset(trips);
    CHECK(offset.offset_ns == 5'000'000);
    CHECK(offset.round_trip_ns == 200);
    CHECK(offset.uncertainty_ns == 100);
}

TEST_CASE("the true offset is always within the uncertainty") {
    std::mt19937_64 random(7);
    const auto delay = [&] { return std::int64_t(random() % 50'000) + 1; };
    for (int trial = 0; trial < 200; ++trial) {
        const auto truth = std::int64_t(random() % 2'000'000) - 1'000'000;
        std::vector<RoundTrip> trips;
        for (std::int64_t at = 0; at < 20; ++at) {
            const std::int64_t sent = at * 1'000'000, there = delay(), back = delay();
            trips.push_back({sent, sent + there + truth, sent + there + back});
        }
        const ClockOffset offset = clock_offset(trips);
        CHECK(std::abs(offset.offset_ns - truth) <= offset.uncertainty_ns);
    }
}

TEST_CASE("a drift makes the offset less certain") {
    const ClockOffset both = between({100, 10, 20}, {160, 30, 60});
    CHECK(both.offset_ns == 130);
    CHECK(both.uncertainty_ns == 60);
    CHECK(both.round_trip_ns == 20);
}
