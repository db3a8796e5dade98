#include "app/charts/scale.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <cmath>

using namespace moescope::charts;
using Catch::Approx;

TEST_CASE("ticks are evenly spaced at 1, 2 or 5 times a power of ten and inside the range",
          "[charts]") {
    const Range range = GENERATE(Range{0, 1}, Range{-3.7, 12.2}, Range{0, 617'000},
                                 Range{1e-7, 3e-7}, Range{999'999, 1'000'003}, Range{-5e12, 5e12});
    const int wanted = GENERATE(2, 5, 12);
    const auto all = ticks(range, wanted, Unit::Number);
    REQUIRE(all.size() >= 1);
    CHECK(all.size() <= std::size_t(wanted) + 1);
    for (const Tick &tick : all) {
        CHECK(tick.value >= range.low - range.span() * 1e-6);
        CHECK(tick.value <= range.high + range.span() * 1e-6);
        CHECK_FALSE(tick.label.empty());
    }
    for (std::size_t i = 1; i < all.size(); ++i) {
        const double step = all[i].value - all[i - 1].value;
        const double digit = step / std::pow(10.0, std::floor(std::log10(step) + 1e-6));
        CHECK((digit == Approx(1).epsilon(1e-4) || digit == Approx(2).epsilon(1e-4) ||
               digit == Approx(5).epsilon(1e-4)));
        CHECK(all[i].label != all[i - 1].label);
    }
}

TEST_CASE("all labels of an axis share one unit and number of decimals", "[charts]") {
    const auto all = ticks({0, 1'500'000}, 4, Unit::DurationNs);
    REQUIRE(all.size() == 4);
    CHECK(all[0].label == "0.0 ms");
    CHECK(all[1].label == "0.5 ms");
    CHECK(all[3].label == "1.5 ms");
    CHECK(ticks({0, 0.5}, 5, Unit::Share)[1].label == "10 %");
    CHECK(ticks({0, 20'000}, 2, Unit::Count)[1].label == "10,000");
    CHECK(ticks({0, 2e9}, 2, Unit::Bytes)[1].label == "1 GB");
    CHECK(ticks({0, 2e12}, 2, Unit::BytesPerSecond)[1].label == "1 TB/s");
    CHECK(ticks({1e11, 1e15}, 5, Unit::FlopsPerSecond, true)[0].label == "100 GFLOP/s");
}

TEST_CASE("counts get no ticks between whole numbers", "[charts]") {
    for (const Tick &tick : ticks({0, 3}, 20, Unit::Count))
        CHECK(tick.value == std::floor(tick.value));
}

TEST_CASE("a log axis has its labels at decades", "[charts]") {
    std::vector<double> labelled;
    for (const Tick &tick : ticks({0.5, 20'000}, 5, Unit::Number, true))
        if (!tick.label.empty())
            labelled.push_back(tick.value);
    CHECK(labelled == std::vector<double>{1, 10, 100, 1000, 10'000});
    const auto wide = ticks({1e-12, 1e12}, 6, Unit::Number, true);
    CHECK(std::count_if(wide.begin(), wide.end(), [](auto &t) { return !t.label.empty(); }) <= 8);
    CHECK(ticks({40, 60}, 5, Unit::Number, true).size() >= 3); // less than a decade: linear
}

TEST_CASE("a range without width or with infinities has no ticks", "[charts]") {
    CHECK(ticks({1, 1}, 5, Unit::Number).empty());
    CHECK(ticks({2, 1}, 5, Unit::Number).empty());
    CHECK(ticks({0, INFINITY}, 5, Unit::Number).empty());
    CHECK(ticks({NAN, 1}, 5, Unit::Number).empty());
}

TEST_CASE("values and pixels map back and forth", "[charts]") {
    const bool log = GENERATE(false, true);
    const Scale scale{{2, 2000}, 600, 100, log};
    CHECK(scale.to_pixel(2) == Approx(600));
    CHECK(scale.to_pixel(2000) == Approx(100));
    for (const double value : {2.0, 3.5, 77.0, 1999.0})
        CHECK(scale.to_value(scale.to_pixel(value)) == Approx(value));
    CHECK(std::isfinite(scale.to_pixel(log ? -1.0 : -1e9)));
}

TEST_CASE("zooming keeps the value under the pointer where it is", "[charts]") {
    const bool log = GENERATE(false, true);
    Scale scale{{1, 100}, 0, 500, log};
    const double under = scale.to_value(123);
    scale.range = zoomed(scale, 123, 0.5);
    CHECK(scale.to_value(123) == Approx(under));
    scale.range = zoomed(scale, 123, 2);
    CHECK(scale.range.low == Approx(1));
    CHECK(scale.range.high == Approx(100));
}

TEST_CASE("panning moves values with the pointer", "[charts]") {
    const bool log = GENERATE(false, true);
    Scale scale{{1, 100}, 0, 500, log};
    const double grabbed = scale.to_value(200);
    scale.range = panned(scale, 30);
    CHECK(scale.to_pixel(grabbed) == Approx(230));
}

TEST_CASE("an extent ignores what is not finite and pads a single value", "[charts]") {
    Extent extent;
    CHECK(extent.empty());
    extent.add(NAN);
    CHECK(extent.empty());
    extent.add(-3);
    CHECK(extent.range() == Range{-3, -3});
    extent.add(INFINITY);
    extent.add(5);
    CHECK(extent.range() == Range{-3, 5});
    CHECK(padded({4, 4}, 0.1).span() > 0);
    CHECK(padded({4, 4}, 0.1, true).low > 0);
    CHECK(padded({0, 10}, 0.1) == Range{-1, 11});
}

TEST_CASE("measured values are ticked themselves", "[charts]") {
    const Scale scale{{7, 80}, 0, 400, true};
    const auto all = ticks_at({64, 8, 16, 32, 8}, scale, Unit::Count, 20);
    REQUIRE(all.size() == 4);
    CHECK(all[0].value == 8);
    CHECK(all[0].label == "8");
    CHECK(all[3].label == "64");
    const auto crowded = ticks_at({8, 8.1, 64}, scale, Unit::Number, 20);
    REQUIRE(crowded.size() == 3);
    CHECK(crowded[1].label.empty());
    CHECK(ticks_at({8, 1000}, scale, Unit::Count, 20).empty()); // one alone says nothing of a scale
    CHECK(ticks_at({}, scale, Unit::Count, 20).empty());
}
