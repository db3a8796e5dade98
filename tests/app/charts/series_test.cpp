#include "app/charts/series.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <cmath>

using namespace moescope::charts;

namespace {

std::vector<Point> wave(int count) {
    std::vector<Point> points;
    for (int i = 0; i < count; ++i)
        points.push_back({double(i), std::sin(i * 0.37) * (i % 97)});
    return points;
}

} // namespace

TEST_CASE("downsampling keeps every column's lowest and highest point", "[charts]") {
    constexpr int kColumns = 100;
    const auto points = wave(200'000);
    const Range range{20'000, 180'000};
    const auto kept = downsampled(points, range, kColumns);
    CHECK(kept.size() <= 4 * (kColumns + 2));
    CHECK(std::is_sorted(kept.begin(), kept.end(), [](auto &a, auto &b) { return a.x < b.x; }));
    for (int column = 0; column < kColumns; ++column) {
        const double low = range.low + column * range.span() / kColumns;
        const double high = low + range.span() / kColumns;
        const auto extremes = [&](const std::vector<Point> &all) {
            Extent extent;
            for (const Point &point : all)
                if (point.x >= low && point.x < high)
                    extent.add(point.y);
            return extent.range();
        };
        CHECK(extremes(kept) == extremes(points));
    }
}

TEST_CASE("few points are kept as they are, with a neighbour on each side", "[charts]") {
    const auto points = wave(10);
    const auto kept = downsampled(points, {3, 6}, 100);
    REQUIRE(kept.size() == 6);
    CHECK(kept.front() == points[2]);
    CHECK(kept.back() == points[7]);
    CHECK(downsampled({}, {0, 1}, 10).empty());
}
