#include "profiler/base/chunked_vector.h"

#include <catch2/catch_test_macros.hpp>

using moescope::ChunkedVector;

TEST_CASE("a snapshot keeps its elements while the original grows and changes") {
    ChunkedVector<int, 4> values;
    for (int i = 0; i < 10; ++i)
        values.push_back(i);
    const ChunkedVector<int, 4> snapshot = values;
    values.push_back(10);
    values.set(9, -9);
    values.set(0, -1);

    REQUIRE(snapshot.size() == 10);
    CHECK(snapshot[0] == 0);
    CHECK(snapshot[9] == 9);
    REQUIRE(values.size() == 11);
    CHECK(values[0] == -1);
    CHECK(values[9] == -9);
    CHECK(values[10] == 10);
}

TEST_CASE("iteration visits every element once, across chunks") {
    ChunkedVector<int, 4> values;
    for (int i = 0; i < 9; ++i)
        values.push_back(i);
    int expected = 0;
    for (int value : values)
        CHECK(value == expected++);
    CHECK(expected == 9);
}

TEST_CASE("elements taken off leave a snapshot whole, and others can follow") {
    for (const std::size_t kept : {0u, 3u, 4u, 8u, 9u, 10u}) {
        ChunkedVector<int, 4> values;
        for (int i = 0; i < 10; ++i)
            values.push_back(i);
        const ChunkedVector<int, 4> snapshot = values;
        values.truncate(kept);
        REQUIRE(values.size() == kept);
        for (int i = 100; i < 106; ++i)
            values.push_back(i);
        for (std::size_t i = 0; i < values.size(); ++i)
            CHECK(values[i] == (i < kept ? int(i) : int(100 + i - kept)));
        REQUIRE(snapshot.size() == 10);
        for (std::size_t i = 0; i < 10; ++i)
            CHECK(snapshot[i] == int(i));
    }
}

TEST_CASE("elements looked at are counted") {
    ChunkedVector<int, 4> values;
    for (int i = 0; i < 10; ++i)
        values.push_back(i);
    const std::uint64_t before = moescope::elements_read;
    int sum = 0;
    for (const int value : values)
        sum += value;
    CHECK(sum == 45);
    CHECK(moescope::elements_read - before == 10);
}
