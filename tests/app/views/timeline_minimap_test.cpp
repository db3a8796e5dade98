#include "app/views/timeline_minimap.h"
#include "profiler/session/session_builder.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_all.hpp>

using namespace moescope;
using Catch::Approx;

namespace {

constexpr std::int64_t kStart = 1'000'000'000'000;

KernelRecord kernel(std::int64_t start, std::int64_t length, Tag tag = {}) {
    KernelRecord record;
    record.start_ns = kStart + start;
    record.end_ns = record.start_ns + length;
    record.tag = tag;
    return record;
}

} // namespace

TEST_CASE("a column of the minimap is as high as it is busy, in the colour of what runs most", "[timeline]") {
    SessionBuilder builder("t");
    const auto fused = builder.add_measurement({.op = OperatorId::GateUp, .variant = "fused"});
    const auto split = builder.add_measurement({.op = OperatorId::GateUp, .variant = "split"});
    builder.add(kernel(0, 1000, {fused, 0}));     // all of column 0
    builder.add(kernel(1000, 300, {fused, 0}));   // 30 % of column 1
    builder.add(kernel(1400, 500, {split, 0}));   // and half of it
    builder.add(kernel(3500, 1500, {split, 0}));  // from the middle of column 3 over all of 4
    for (int i = 0; i < 100; ++i)                 // half of column 6, in small pieces
        builder.add(kernel(6000 + i * 10, 5));
    builder.add(kernel(9999, 1));
    TimelineBuilder model;
    model.update(builder.current());
    const auto columns = minimap_of(model, {0, 10'000}, 10);
    REQUIRE(columns.size() == 10);
    CHECK(columns[0].busy == Approx(1));
    CHECK(columns[1].busy == Approx(0.8));
    CHECK(columns[1].slot != columns[0].slot);
    CHECK(columns[2].busy == 0);
    CHECK(columns[3].busy == Approx(0.5));
    CHECK(columns[4].busy == Approx(1));
    CHECK(columns[4].slot == columns[1].slot);
    CHECK(columns[6].busy == Approx(0.5).margin(0.01));
    CHECK(columns[6].slot == kNeutralSlot);
    CHECK(minimap_of(model, {0, 10'000}, 0).empty());
    CHECK(minimap_of(model, {5, 5}, 10).empty());
}

TEST_CASE("the minimap of a large session looks at a few items a pixel", "[timeline]") {
    const auto read_for = [](std::size_t kernels) {
        TimelineBuilder model;
        model.update(*test::large_session(kernels));
        const std::uint64_t before = elements_read;
        const double span = double(model.extent().end_ns - model.extent().start_ns);
        CHECK(minimap_of(model, {0, span}, 500).size() == 500);
        return elements_read - before;
    };
    const auto few = read_for(20'000), many = read_for(100'000);
    CHECK(many < few + few / 2);
}

TEST_CASE("a drag on the minimap moves the frame or one of its edges", "[timeline]") {
    const TimeRange whole{0, 1000}, shown{300, 500};
    CHECK(grip_at(whole, shown, 302, 5) == MinimapGrip::Start);
    CHECK(grip_at(whole, shown, 497, 5) == MinimapGrip::End);
    CHECK(grip_at(whole, shown, 400, 5) == MinimapGrip::Middle);
    CHECK(grip_at(whole, shown, 900, 5) == MinimapGrip::Middle); // to go there
    CHECK(grip_at(whole, shown, -1, 5) == MinimapGrip::None);
    CHECK(grip_at(whole, {300, 304}, 301, 5) == MinimapGrip::Middle); // too narrow for edges
    CHECK(grip_at(whole, whole, 500, 5) == MinimapGrip::New);
    CHECK(grip_at(whole, whole, 2, 5) == MinimapGrip::Start);
    CHECK(drawn(whole, 700, 400, 20) == TimeRange{400, 700});
    CHECK(drawn(whole, 400, 1200, 20) == TimeRange{400, 1000});
    CHECK(drawn(whole, 400, 401, 20) == TimeRange{400, 420});
    CHECK(dragged(shown, MinimapGrip::Middle, 50, 20) == TimeRange{350, 550});
    CHECK(dragged(shown, MinimapGrip::Start, 50, 20) == TimeRange{350, 500});
    CHECK(dragged(shown, MinimapGrip::Start, 900, 20) == TimeRange{480, 500});
    CHECK(dragged(shown, MinimapGrip::End, -900, 20) == TimeRange{300, 320});
    CHECK(dragged(shown, MinimapGrip::None, 50, 20) == shown);
}
