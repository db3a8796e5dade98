#include "profiler/explain/repetition.h"
#include "profiler/session/session_builder.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

TEST_CASE("fills and copies are counted by repetition, warm-ups and others' left out") {
    SessionBuilder builder{"made up"};
    const auto add = [&](std::uint32_t measurement, std::int32_t repetition, std::int64_t duration_ns) {
        CopyRecord copy;
        copy.start_ns = 1000;
        copy.end_ns = 1000 + duration_ns;
        copy.tag = {MeasurementId{measurement}, repetition};
        builder.add(copy);
    };
    for (const std::int32_t repetition : {-1, 0, 1}) {
        add(0, repetition, 1800);
        add(0, repetition, 2800);
    }
    add(1, 0, 50'000);
    const RepetitionCopies copies = repetition_copies(builder.current(), MeasurementId{0});
    CHECK(copies.count == 2);
    CHECK(copies.duration_ns == 4600);
    CHECK(repetition_copies(builder.current(), MeasurementId{2}).count == 0);
}
