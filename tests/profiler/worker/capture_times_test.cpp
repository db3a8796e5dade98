#include "profiler/worker/capture_times.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

TEST_CASE("a capture that misses launches is told from the time that events count besides", "[worker]") {
    CHECK_FALSE(misses_kernels(2.6e3, 9e3));    // a short kernel: the events' own time
    CHECK_FALSE(misses_kernels(270e3, 274e3));
    CHECK_FALSE(misses_kernels(0.4e6, 0.7e6)); // a pipeline with gaps that end it
    CHECK(misses_kernels(87e3, 444e3));        // rows were exchanged after they were gathered
    CHECK(misses_kernels(5.8e3, 60e3));
}
