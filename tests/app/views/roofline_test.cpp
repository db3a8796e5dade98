#include "app/charts/roofline.h"
#include "app/views/roofline_points.h"
#include "tests/app/views/desk.h"
#include "profiler/session/session_builder.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_all.hpp>

using namespace moescope;
using Catch::Approx;

namespace {

Measurement timed(RunId run, double bytes, double flops, double ns) {
    Measurement m{.run = run, .variant = "fused", .state = Measurement::State::Done};
    m.time = {.samples = 10, .median = ns};
    m.cost = {bytes, flops};
    return m;
}

const Ceilings kCeilings{1e12, 1e15, true, false};

} // namespace

TEST_CASE("points lie where their bytes, operations and time put them", "[roofline]") {
    SessionBuilder builder("t");
    const RunId run = builder.add_run({}), other = builder.add_run({});
    builder.add_measurement(timed(run, 1e6, 1e8, 1000));
    builder.add_measurement(timed(run, 2e6, 0, 500));
    builder.add_measurement(timed(run, 2e6, 0, 0)); // not timed
    builder.add_measurement(timed(other, 1e6, 1e8, 1000));
    builder.add(CounterRecord{{0}, -1, {}, builder.intern("dram__bytes.sum"), 2e6});
    builder.add(CounterRecord{{0}, 0, {}, builder.intern("dram__bytes.sum"), 7});
    CountersByMeasurement counters;
    counters.update(builder.current());
    const auto matrix = roofline_points(builder.current(), run, RooflineKind::Intensity, counters);
    REQUIRE(matrix.size() == 1);
    CHECK(matrix[0].modelled.x == Approx(100)); // FLOP a byte
    CHECK(matrix[0].modelled.y == Approx(1e14));
    REQUIRE(matrix[0].measured);
    CHECK(matrix[0].measured->x == Approx(50)); // of the whole repetition
    CHECK(matrix[0].measured->y == Approx(1e14));
    const auto others = roofline_points(builder.current(), run, RooflineKind::Size, counters);
    REQUIRE(others.size() == 1);
    CHECK(others[0].id == MeasurementId{1});
    CHECK(others[0].modelled.x == Approx(2e6));
    CHECK(others[0].modelled.y == Approx(4e12));
    CHECK_FALSE(others[0].measured);
}

TEST_CASE("a roof says whether it was measured, and an unknown one is left out", "[roofline]") {
    const auto intensity = roofs_of(kCeilings, RooflineKind::Intensity, 800);
    REQUIRE(intensity.size() == 2);
    CHECK(intensity[0].at(10) == 1e13); // rises with the intensity
    CHECK(intensity[0].label.find("measured") != std::string::npos);
    CHECK(intensity[1].at(10) == 1e15);
    CHECK(intensity[1].label.find("derived") != std::string::npos);
    const auto size = roofs_of(kCeilings, RooflineKind::Size, 800);
    REQUIRE(size.size() == 2);
    CHECK(size[0].at(10) == 1e12);
    CHECK(size[1].at(8e5) == Approx(1e12)); // what the memory moves in the shortest kernel
    CHECK(roofs_of(kCeilings, RooflineKind::Size, 0).size() == 1);
    CHECK(roofs_of({}, RooflineKind::Intensity, 0).empty());
    for (const bool on_cpu : {true, false}) // a CPU has no matrix units
        for (const charts::Roof &roof : roofs_of(kCeilings, RooflineKind::Intensity, 0, on_cpu))
            CHECK((roof.label.find("matrix units") != std::string::npos) == (roof.slope == 0 && !on_cpu));
}

TEST_CASE("a chart fits its points and the roofs' corner where it is near", "[roofline]") {
    const auto roofs = roofs_of(kCeilings, RooflineKind::Intensity, 0); // corner at 1000
    RooflinePoint point{.id = {0}, .modelled = {100, 5e13}, .measured = {}};
    const RooflineFit near = fit({point}, roofs);
    CHECK(near.x.contains(100));
    CHECK(near.x.contains(1000));
    CHECK(near.x.high < 1e4);
    CHECK(near.y.contains(5e13));
    CHECK(near.y.contains(1e15));
    point.modelled.x = 1; // far from it
    CHECK_FALSE(fit({point}, roofs).x.contains(1000));
    point.measured = charts::Point{0.1, 5e11};
    CHECK(fit({point}, roofs).x.contains(0.1));
    CHECK(fit({point}, roofs).y.contains(5e11));
}

TEST_CASE("labels meet neither each other nor a point and stay in the frame", "[roofline]") {
    const std::vector<LabelWish> wishes{
        {50, 50, 30, 10}, {50, 52, 30, 10}, {95, 50, 30, 10}, {50, 51, 30, 10}, {2, 98, 300, 10}};
    std::vector<LabelPlace> points;
    for (const LabelWish &wish : wishes)
        points.push_back({wish.x, wish.y});
    const auto places = place_labels(wishes, points, 6, {0, 0, 100, 100});
    REQUIRE(places.size() == wishes.size());
    REQUIRE(places[0]);
    CHECK(places[0]->x > 50); // right of its point where there is room
    CHECK_FALSE(places[4]);   // wider than the frame
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (!places[i])
            continue;
        const LabelPlace &at = *places[i];
        const LabelWish &size = wishes[i];
        CHECK(at.x >= 0);
        CHECK(at.x + size.width <= 100);
        for (const LabelPlace &point : points)
            CHECK_FALSE((point.x > at.x && point.x < at.x + size.width && point.y > at.y &&
                         point.y < at.y + size.height));
        for (std::size_t j = 0; j < i; ++j)
            if (places[j])
                CHECK((
                    at.x >= places[j]->x + wishes[j].width || places[j]->x >= at.x + size.width ||
                    at.y >= places[j]->y + wishes[j].height || places[j]->y >= at.y + size.height));
    }
}

TEST_CASE("ceilings measured since the run replace its own, older or derived ones do not",
          "[roofline]") {
    Ceilings then{1e12, 1e15, true, false, 100, 0};
    const Ceilings later = latest(then, {2e12, 8e14, true, true, 200, 200});
    CHECK(later.bytes_per_second == 2e12);
    CHECK(later.flops_per_second == 8e14);
    CHECK(later.flops_measured);
    CHECK(latest(then, {2e12, 9e14, true, false, 50, 0}) == then);
    CHECK(latest(then, {}) == then);
}

TEST_CASE("a run's device is known again by its id and name", "[roofline]") {
    DeviceInfo h200;
    h200.id = "cuda:0";
    h200.name = "NVIDIA H200";
    DeviceInfo other = h200;
    other.name = "NVIDIA L4";
    CHECK(same_device(h200, {other}) == nullptr);
    const std::vector<DeviceInfo> now{other, h200};
    CHECK(same_device(h200, now) == &now[1]);
}

TEST_CASE("roofs that rise side by side have labels side by side", "[roofline]") {
    test::Desk desk(test::sample_session());
    charts::DrawnRoofs drawn;
    const std::vector<charts::Roof> roofs{{4.56e12, 1, "4.56 TB/s memory, measured", ""},
                                          {8e14, 0, "800 TFLOP/s matrix units, measured", ""},
                                          {.rate = 7.6e12, .slope = 1, .label = "7.60 TB/s L2, measured", .explain = "", .limits = false}};
    desk.view = [&](const ViewContext &context) {
        charts::Plot plot{{100, 50}, {760, 390}, {{2, 600}, 100, 760, true}, {{1e11, 2e15}, 390, 50, true}};
        plot.draw = ImGui::GetWindowDrawList();
        drawn = charts::draw_roofs(plot, roofs, context.theme, 1, 10);
    };
    desk.frame();
    REQUIRE(drawn.labels.size() == 3);
    for (std::size_t i = 0; i < drawn.labels.size(); ++i)
        for (std::size_t j = i + 1; j < drawn.labels.size(); ++j) {
            const auto &[a, a_end] = drawn.labels[i];
            const auto &[b, b_end] = drawn.labels[j];
            CHECK((a_end.x <= b.x || b_end.x <= a.x || a_end.y <= b.y || b_end.y <= a.y));
        }
}
