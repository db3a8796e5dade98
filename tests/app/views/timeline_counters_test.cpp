#include "app/views/timeline_counters.h"
#include "profiler/session/session_builder.h"

#include <catch2/catch_all.hpp>

#include <random>

using namespace moescope;
using Catch::Approx;

namespace {

constexpr std::int64_t kStart = 1'000'000'000'000;

// Values that wander, with a pause after every thousand samples.
CounterSeries wandering(std::size_t samples) {
    CounterSeries series;
    std::minstd_rand random(7);
    for (std::size_t i = 0; i < samples; ++i) {
        const std::int64_t start = kStart + std::int64_t(i) * 20 + std::int64_t(i / 1000) * 5'000;
        series.add({start, start + 20, double(random() % 1000), i % 777 == 5 ? 4u : 0u});
    }
    return series;
}

TimelineCounters counters_of(const Session &session) {
    TimelineCounters counters;
    counters.update(session, [](RunId, std::int64_t, std::int64_t) {});
    return counters;
}

} // namespace

TEST_CASE("samples that are wide enough are drawn one by one", "[timeline]") {
    const CounterSeries series = wandering(50);
    const auto pieces = series.pieces(kStart, kStart + 1000, 200);
    REQUIRE(pieces.size() == 50);
    for (std::size_t i = 0; i < 50; ++i) {
        CHECK(pieces[i].start_ns == series.samples()[i].start_ns);
        CHECK(pieces[i].low == series.samples()[i].value);
        CHECK(pieces[i].high == series.samples()[i].value);
    }
    CHECK(series.pieces(kStart + 105, kStart + 106, 200).size() == 1); // the one it lies in
    CHECK(series.pieces(kStart + 5'000, kStart + 6'000, 200).empty());
    CHECK(CounterSeries().pieces(0, 100, 10).empty());
}

TEST_CASE("dense samples become a band a pixel wide that loses no extreme", "[timeline]") {
    const CounterSeries series = wandering(100'000);
    const auto &all = series.samples();
    const std::int64_t from = kStart + 12'345, to = kStart + 1'900'001;
    const int columns = 300;
    const auto pieces = series.pieces(from, to, columns);
    CHECK(pieces.size() <= std::size_t(columns) + 1);
    std::size_t at = 0;
    while (all[at].end_ns <= from)
        ++at;
    for (const CounterSeries::Piece &piece : pieces) {
        REQUIRE(piece.start_ns == all[at].start_ns);
        double low = all[at].value, high = low;
        std::uint32_t reasons = 0;
        for (std::size_t i = at; i < at + piece.count; ++i) {
            low = std::min(low, all[i].value);
            high = std::max(high, all[i].value);
            reasons |= all[i].reasons;
        }
        REQUIRE(piece.low == low);
        REQUIRE(piece.high == high);
        REQUIRE(piece.reasons == reasons);
        at += piece.count;
        REQUIRE(piece.end_ns == all[at - 1].end_ns);
    }
    CHECK(all[at].start_ns >= to);
}

TEST_CASE("a sample is found by time, and a pause has none", "[timeline]") {
    CounterSeries series;
    series.add({100, 120, 1});
    series.add({120, 140, 2});
    series.add({200, 220, 3});
    CHECK_FALSE(series.at(99));
    CHECK(series.at(100)->value == 1);
    CHECK(series.at(120)->value == 2);
    CHECK_FALSE(series.at(150));
    CHECK(series.at(219)->value == 3);
    CHECK_FALSE(series.at(220));
}

TEST_CASE("samples that come late are put where they belong", "[timeline]") {
    CounterSeries late;
    for (const std::int64_t start : {0, 40, 20, 60, 10})
        late.add({start, start + 100, double(start), 0});
    std::vector<std::int64_t> starts, ends;
    for (const CounterSample &sample : late.samples()) {
        starts.push_back(sample.start_ns);
        ends.push_back(sample.end_ns);
    }
    CHECK(starts == std::vector<std::int64_t>{0, 10, 20, 40, 60});
    CHECK(ends == std::vector<std::int64_t>{10, 20, 40, 60, 160});
}

TEST_CASE("bytes are shown by the second, shares as they are", "[timeline]") {
    SessionBuilder builder("t");
    const RunId run = builder.add_run({});
    const NameId bytes = builder.intern("dram__bytes_read.sum"),
                 share = builder.intern("sm__cycles_active.avg.pct_of_peak_sustained_elapsed");
    builder.add(PmSampleRecord{run, kStart, kStart + 20'000, 0, bytes, 80e6});
    builder.add(PmSampleRecord{run, kStart, kStart + 20'000, 0, share, 87.5});
    const TimelineCounters counters = counters_of(builder.current());
    REQUIRE(counters.series().size() == 2);
    const CounterKey key{CounterKind::Sampled, 0, bytes}, other{CounterKind::Sampled, 0, share};
    const CounterWords read = words_of(builder.current(), key), active = words_of(builder.current(), other);
    CHECK(counters.series().at(key).at(kStart)->value == Approx(4e12));
    CHECK(read.title == "DRAM read");
    CHECK(counter_text(read, 4e12) == "4.00 TB/s");
    CHECK(active.title == "SM active");
    CHECK(counter_text(active, counters.series().at(other).at(kStart)->value) == "87.5 %");
}

TEST_CASE("the device's state holds until it is read again, and not for long", "[timeline]") {
    SessionBuilder builder("t");
    const RunId run = builder.add_run({});
    constexpr std::int64_t kMs = 1'000'000;
    builder.add(DeviceStateRecord{run, kStart, 0, 1980, 3201, 45, 300.5, 0});
    builder.add(DeviceStateRecord{run, kStart + 25 * kMs, 0, 1755, 3201, 46, 690, 4});
    builder.add(DeviceStateRecord{run, kStart + 5'000 * kMs, 0, 0, 0, 0, 0, 0}); // it no longer tells
    const TimelineCounters counters = counters_of(builder.current());
    REQUIRE(counters.series().size() == 3);
    const CounterSeries &clock = counters.series().at({CounterKind::SmClock, 0, {}});
    CHECK(clock.at(kStart + 24 * kMs)->value == 1980);
    CHECK(clock.at(kStart + 200 * kMs)->reasons == 4);
    CHECK_FALSE(clock.at(kStart + 1'000 * kMs));
    const CounterWords words = words_of(builder.current(), {CounterKind::SmClock, 0, {}});
    CHECK(counter_text(words, 1980) == "1,980 MHz");
    CHECK(words_of(builder.current(), {CounterKind::Power, 2, {}}).title == "GPU 2: Power");
}

TEST_CASE("counters of several ranks name their rank, and the memory of all is called so", "[timeline]") {
    Session session;
    RunRecord run;
    run.plan.ranks.emplace().size = 2;
    session.runs.push_back(run);
    CHECK(words_of(session, {CounterKind::Power, 0, {}}).title == "Rank 0: Power");
    CHECK(words_of(session, {CounterKind::Power, 1, {}}).title == "Rank 1: Power");
    CHECK(words_of(session, {CounterKind::Allocated, 0, {}}).title == "Memory of all ranks");
}

TEST_CASE("shares fill their scale up to 100, clocks show their wavering but do not make it a cliff", "[timeline]") {
    const auto piece = [](double low, double high) { return CounterSeries::Piece{0, 1, low, high, 0, 1}; };
    CounterWords share{"SM active", "%", "", 100, true};
    CHECK(counter_range(share, std::vector{piece(3, 20)}) == charts::Range{0, 100});
    CHECK(counter_range(share, std::vector{piece(3, 130)}).high == 130);
    CounterWords clock{"SM clock", "MHz", "", {}, false};
    const charts::Range steady = counter_range(clock, std::vector{piece(1979, 1980)});
    CHECK(steady.span() == Approx(198));
    CHECK(steady.low < 1979);
    const charts::Range falling = counter_range(clock, std::vector{piece(1200, 1980)});
    CHECK(falling == charts::Range{1200, 1980});
    CHECK(counter_range(CounterWords{}, {}).span() > 0);
    CHECK(range_text(share, {0, 100}) == "0 – 100 %");
    CHECK(range_text(clock, {1782.6, 1981}) == "1,783 – 1,981 MHz");
}

TEST_CASE("a sampled stretch ends at the next pause", "[timeline]") {
    SessionBuilder builder("t");
    const RunId run = builder.add_run({});
    const NameId metric = builder.intern("m");
    constexpr std::int64_t kPause = 10'000'000;
    for (int i = 0; i < 20; ++i) {
        const std::int64_t start = kStart + i * 20'000 + (i >= 8 ? kPause : 0);
        builder.add(PmSampleRecord{run, start, start + 20'000, 0, metric, 1.0});
    }
    const TimelineCounters counters = counters_of(builder.current());
    using Stretch = std::pair<std::int64_t, std::int64_t>;
    CHECK(counters.stretch_after(0) == Stretch{kStart, kStart + 160'000});
    CHECK(counters.stretch_after(kStart + 160'000) == Stretch{kStart + 160'000 + kPause, kStart + 400'000 + kPause});
    CHECK_FALSE(counters.stretch_after(kStart + 2 * kPause));
    CHECK_FALSE(TimelineCounters().stretch_after(0));
}
