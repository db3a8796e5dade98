#include "profiler/explain/source_heat.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

namespace {

Session sampled() {
    Session session;
    for (const char *name : {"k", "other", "/folder/a.cu", "b.cuh", "long_scoreboard", "wait"})
        session.names.push_back(name);
    const auto add = [&](std::uint32_t measurement, std::uint32_t kernel, std::uint32_t file, std::int32_t line,
                         std::uint32_t stall, std::uint64_t samples) {
        PcSampleRecord record;
        record.measurement = MeasurementId{measurement};
        record.kernel = NameId{kernel};
        record.file = NameId{file};
        record.line = line;
        record.stall = NameId{stall};
        record.samples = samples;
        session.pc_samples.push_back(record);
    };
    add(0, 0, 2, 7, 5, 3);
    add(0, 0, 2, 7, 4, 10);
    add(0, 0, 2, 7, 5, 4);
    add(0, 0, 2, 9, 5, 20);
    add(0, 0, 3, 7, 5, 100); // another file
    add(0, 1, 2, 7, 5, 50);  // another kernel
    add(1, 0, 2, 7, 5, 1000); // another measurement
    return session;
}

} // namespace

TEST_CASE("samples are added up by line, the longest wait first", "[source]") {
    const SourceHeat heat = heat_by_line(sampled(), MeasurementId{0}, "k", "a.cu");
    REQUIRE(heat.lines.size() == 2);
    CHECK(heat.lines.at(7).samples == 17);
    CHECK(heat.lines.at(7).stalls == std::vector<std::pair<std::string, std::uint64_t>>{{"long_scoreboard", 10}, {"wait", 7}});
    CHECK(heat.most == 20);
    CHECK(heat.total == 137);
    CHECK(heat_by_line(sampled(), MeasurementId{0}, "", "a.cu").lines.at(7).samples == 67);
}

TEST_CASE("a session without samples has no heat", "[source]") {
    const SourceHeat heat = heat_by_line(Session{}, MeasurementId{0}, "k", "a.cu");
    CHECK(heat.lines.empty());
    CHECK(heat.total == 0);
}
