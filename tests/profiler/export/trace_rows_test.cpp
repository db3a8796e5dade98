#include "profiler/export/trace_rows.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

TEST_CASE("slices that must lie apart go to the lowest free row") {
    TraceRows rows(TraceRows::Rule::Apart);
    CHECK(rows.place(0, 10) == 0);
    CHECK(rows.place(5, 8) == 1); // within the first: still another row
    CHECK(rows.place(7, 20) == 2);
    CHECK(rows.place(8, 12) == 1);
    CHECK(rows.place(10, 11) == 0); // touching is not overlapping
    CHECK(rows.place(30, 30) == 0); // no duration
}

TEST_CASE("slices that may nest share a row with what encloses them") {
    TraceRows rows(TraceRows::Rule::Nested);
    CHECK(rows.place(0, 100) == 0);
    CHECK(rows.place(0, 50) == 0);
    CHECK(rows.place(10, 20) == 0);
    CHECK(rows.place(15, 60) == 1); // crosses the end of the second
    CHECK(rows.place(55, 90) == 0);
    CHECK(rows.place(95, 120) == 1);
    CHECK(rows.place(120, 121) == 0);
}
