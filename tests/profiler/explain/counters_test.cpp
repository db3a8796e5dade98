#include "profiler/explain/counters.h"
#include "profiler/session/session_builder.h"

#include <catch2/catch_all.hpp>

#include <cmath>

using namespace moescope;

namespace {

class Counting {
  public:
    explicit Counting(int measurements) : builder_("t") {
        for (int i = 0; i < measurements; ++i)
            builder_.add_measurement({});
    }
    void add(std::uint32_t measurement, std::int32_t kernel, const char *metric, double value) {
        const NameId range = kernel < 0 ? NameId{} : builder_.intern("kernel");
        builder_.add(CounterRecord{{measurement}, kernel, range, builder_.intern(metric), value});
    }
    const Session &session() { return builder_.current(); }

  private:
    SessionBuilder builder_;
};

} // namespace

TEST_CASE("counters are found by what they count, whatever the chip calls it", "[counters]") {
    Counting counting(2);
    counting.add(1, 0, "dram__bytes_op_read.sum", 70);
    counting.add(1, 0, "dram__bytes_op_write.sum", 30);
    counting.add(1, 0, "sm__cycles_active.avg.pct_of_peak_sustained_elapsed", std::nan(""));
    counting.add(1, -1, "dram__bytes.sum", 400);
    counting.add(1, -1, "lts__t_sector_hit_rate.pct", 61);
    CountersByMeasurement counters;
    counters.update(counting.session());
    CHECK(counters.of({0}).empty());
    CHECK(counters.whole({0}) == nullptr);
    const auto ranges = counters.of({1});
    REQUIRE(ranges.size() == 2);
    CHECK(counters.whole({1}) == &ranges[0]); // first, though it came last
    CHECK(ranges[0].dram_bytes(counting.session()) == 400);
    CHECK(ranges[0].find(counting.session(), Counter::L2Hits) == 61);
    CHECK(ranges[1].dram_bytes(counting.session()) == 100);
    CHECK(ranges[1].find(counting.session(), Counter::DramRead) == 70);
    CHECK_FALSE(ranges[1].find(counting.session(), Counter::L2Hits));
    CHECK_FALSE(ranges[1].find(counting.session(), Counter::SmActive)); // a share of nothing
    CHECK(counting.session().name(ranges[1].name) == "kernel");
}

TEST_CASE("what goes by time is the kernels' own, without the range's start and end", "[counters]") {
    const char *active = "sm__cycles_active.avg.pct_of_peak_sustained_elapsed";
    Counting counting(1);
    counting.add(0, -1, "gpu__time_duration.sum", 400);
    counting.add(0, -1, active, 30);
    counting.add(0, -1, "dram__bytes.sum", 7000);
    counting.add(0, 0, "gpu__time_duration.sum", 200);
    counting.add(0, 0, active, 50);
    counting.add(0, 1, "gpu__time_duration.sum", 100);
    CountersByMeasurement counters;
    counters.update(counting.session());
    const auto of_whole = [&](Counter counter) { return counters.whole({0})->find(counting.session(), counter); };
    CHECK(of_whole(Counter::DurationNs) == 300);
    CHECK(of_whole(Counter::SmActive) == 30); // the second kernel's was not read
    counting.add(0, 1, active, 80);
    counters.update(counting.session());
    CHECK(of_whole(Counter::SmActive) == 60);
    CHECK(counters.whole({0})->dram_bytes(counting.session()) == 7000);
}

TEST_CASE("kernels that were not all counted do not stand for their repetition", "[counters]") {
    SessionBuilder builder("t");
    builder.add_measurement({.kernels_per_repetition = 2});
    const NameId duration = builder.intern("gpu__time_duration.sum");
    builder.add(CounterRecord{{0}, -1, {}, duration, 400});
    builder.add(CounterRecord{{0}, 0, builder.intern("kernel"), duration, 200});
    CountersByMeasurement counters;
    counters.update(builder.current());
    CHECK(counters.whole({0})->find(builder.current(), Counter::DurationNs) == 400);
    builder.add(CounterRecord{{0}, 1, builder.intern("kernel"), duration, 100});
    counters.update(builder.current());
    CHECK(counters.whole({0})->find(builder.current(), Counter::DurationNs) == 300);
}

TEST_CASE("stalls are sorted and issuing is none", "[counters]") {
    Counting counting(1);
    const std::string begin = "smsp__average_warps_issue_stalled_";
    const std::string end = "_per_issue_active.ratio";
    for (const auto &[reason, warps] :
         {std::pair{"barrier", 0.5}, std::pair{"long_scoreboard", 4.0}, std::pair{"selected", 1.0},
          std::pair{"misc", 0.0}})
        counting.add(0, -1, (begin + reason + end).c_str(), warps);
    counting.add(0, -1, "gpu__time_duration.sum", 12);
    CountersByMeasurement counters;
    counters.update(counting.session());
    const auto stalls = counters.whole({0})->stalls(counting.session());
    REQUIRE(stalls.size() == 2);
    CHECK(stalls[0].reason == "long_scoreboard");
    CHECK(stalls[1].reason == "barrier");
}

TEST_CASE("counters read again replace the earlier reading, and another session starts afresh",
          "[counters]") {
    Counting first(1);
    first.add(0, -1, "gpu__time_duration.sum", 10);
    CountersByMeasurement counters;
    counters.update(first.session());
    first.add(0, -1, "gpu__time_duration.sum", 11);
    counters.update(first.session());
    CHECK(counters.whole({0})->values.size() == 1);
    CHECK(counters.whole({0})->find(first.session(), Counter::DurationNs) == 11);

    Counting second(1);
    second.add(0, -1, "dram__bytes.sum", 5);
    counters.update(second.session());
    CHECK_FALSE(counters.whole({0})->find(second.session(), Counter::DurationNs));
    CHECK(counters.whole({0})->dram_bytes(second.session()) == 5);
    Counting none(1);
    counters.update(none.session());
    CHECK(counters.of({0}).empty());
    CHECK_FALSE(counters.any());
}
