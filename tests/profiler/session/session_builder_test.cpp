#include "profiler/session/session_builder.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

TEST_CASE("a name is stored once and keeps its id when the session is continued") {
    SessionBuilder first("a");
    const NameId one = first.intern("one"), two = first.intern("two");
    CHECK(one != two);
    CHECK(first.intern("one") == one);

    SessionBuilder second(*first.snapshot());
    CHECK(second.intern("two") == two);
    CHECK(second.intern("three").value == 2);
    CHECK(second.current().name(one) == "one");
}

TEST_CASE("a snapshot does not change while the builder goes on") {
    SessionBuilder builder("a");
    const MeasurementId id = builder.add_measurement({.variant = "fused"});
    const SessionPtr before = builder.snapshot();
    builder.update(id, Measurement{.variant = "split"});
    builder.add(KernelRecord{.start_ns = 1, .end_ns = 2});
    const SessionPtr after = builder.snapshot();

    CHECK(before->measurements[0].variant == "fused");
    CHECK(before->kernels.empty());
    CHECK(after->measurements[0].variant == "split");
    CHECK(after->kernels.size() == 1);
    CHECK(after->version > before->version);
}

TEST_CASE("an id nobody gave out changes nothing") {
    SessionBuilder builder("a");
    builder.update(MeasurementId{3}, Measurement{});
    builder.update(RunId{}, RunRecord{});
    CHECK(builder.current().measurements.empty());
    CHECK(builder.current().runs.empty());
}

TEST_CASE("a recorded session that is continued with a run becomes a live one") {
    Session recorded = *test::small_session();
    recorded.origin = Origin::Recorded;
    SessionBuilder builder(recorded);
    CHECK(builder.current().origin == Origin::Recorded);
    builder.add_run({});
    CHECK(builder.current().origin == Origin::Live);
}
