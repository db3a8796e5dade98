#include "profiler/explain/device_states.h"
#include "profiler/session/session_builder.h"

#include <catch2/catch_all.hpp>

using namespace moescope;
using Catch::Approx;

TEST_CASE("what the device did is read from the readings meanwhile", "[states]") {
    SessionBuilder builder("t");
    const RunId run = builder.add_run({}), other = builder.add_run({});
    CHECK_FALSE(device_states(builder.current(), run, 0, 1000));
    builder.add(DeviceStateRecord{run, 100, 0, 1200, 3200, 35, 100, 0x1});
    builder.add(DeviceStateRecord{run, 200, 0, 1980, 3201, 40, 300, 0});
    builder.add(DeviceStateRecord{run, 300, 0, 1905, 3201, 42, 500, 0x4});
    builder.add(DeviceStateRecord{other, 250, 0, 300, 800, 99, 9000, 0x80});
    builder.add(DeviceStateRecord{run, 900, 0, 1500, 3201, 38, 120, 0x20});
    const auto states = device_states(builder.current(), run, 150, 400);
    REQUIRE(states);
    CHECK(states->readings == 2);
    CHECK(states->sm_clock_low == 1905);
    CHECK(states->sm_clock_high == 1980);
    CHECK(states->memory_clock_low == 3201);
    CHECK(states->temperature_low == 40);
    CHECK(states->temperature_high == 42);
    CHECK(states->power_mean == Approx(400));
    CHECK(states->power_high == 500);
    CHECK(states->reasons == 0x4);
}

TEST_CASE("between two readings, the nearest one on each side counts", "[states]") {
    SessionBuilder builder("t");
    const RunId run = builder.add_run({});
    for (const std::int64_t at : {100, 200, 300, 400})
        builder.add(DeviceStateRecord{run, at, 0, std::int32_t(at), 0, 0, 0, 0});
    const auto between = device_states(builder.current(), run, 210, 290);
    REQUIRE(between);
    CHECK(between->readings == 2);
    CHECK(between->sm_clock_low == 200);
    CHECK(between->sm_clock_high == 300);
    CHECK(device_states(builder.current(), run, 500, 600)->sm_clock_low == 400);
}
