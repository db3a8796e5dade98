#include "app/views/timeline_model.h"
#include "app/views/timeline_range.h"
#include "profiler/import/kineto.h"
#include "profiler/session/session_builder.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_all.hpp>

using namespace moescope;
using Catch::Approx;

namespace {

constexpr std::int64_t kStart = 1'000'000'000'000;

KernelRecord kernel(std::int64_t start, std::int64_t length, NameId name, std::uint32_t correlation,
                    Tag tag) {
    KernelRecord record;
    record.start_ns = start;
    record.end_ns = start + length;
    record.name = name;
    record.correlation = correlation;
    record.stream = 7;
    record.tag = tag;
    return record;
}

void check_same(const TimelineModel &a, const TimelineModel &b) {
    CHECK(a.extent() == b.extent());
    CHECK(a.matches() == b.matches());
    REQUIRE(a.counters().series().size() == b.counters().series().size());
    for (const auto &[key, series] : a.counters().series())
        CHECK(std::ranges::equal(series.samples(), b.counters().series().at(key).samples()));
    REQUIRE(a.tracks().size() == b.tracks().size());
    for (const auto &[key, track] : a.tracks()) {
        INFO(label_of(key));
        REQUIRE(b.tracks().contains(key));
        const auto &other = b.tracks().at(key).rows();
        REQUIRE(track.rows().size() == other.size());
        for (std::size_t r = 0; r < other.size(); ++r) {
            REQUIRE(track.rows()[r].size() == other[r].size());
            for (std::size_t i = 0; i < other[r].size(); ++i)
                REQUIRE(track.rows()[r][i] == other[r][i]);
        }
    }
}

} // namespace

TEST_CASE("every record of a session is on a track", "[timeline]") {
    const SessionPtr session = test::sample_session();
    TimelineBuilder model;
    model.update(*session);
    std::map<TrackKind, std::size_t> counts;
    for (const auto &[key, track] : model.tracks())
        for (const TimelineRow &row : track.rows())
            counts[key.kind] += row.size();
    CHECK(counts[TrackKind::Kernels] == session->kernels.size());
    CHECK(counts[TrackKind::Api] == session->api_calls.size());
    CHECK(counts[TrackKind::Copies] == session->copies.size());
    CHECK(counts[TrackKind::Overhead] == session->overheads.size());
    CHECK(model.counters().series().at({CounterKind::Allocated, 0, {}}).samples().size() ==
          session->memory.size());
    CHECK(counts[TrackKind::Measurements] > 10);
    CHECK(counts[TrackKind::Repetitions] > 100);
}

TEST_CASE("a timeline that grew with its session is the one made at once", "[timeline]") {
    const SessionPtr whole = test::sample_session();
    TimelineBuilder grown, fresh;
    grown.search(*whole, "SCATTER");
    SessionBuilder builder("grows");
    for (const std::string &name : whole->names)
        builder.intern(name);
    for (const Measurement &m : whole->measurements)
        builder.add_measurement(m);
    const std::size_t steps = 23;
    const auto feed = [&](const auto &records, std::size_t step) {
        for (std::size_t i = records.size() * step / steps; i < records.size() * (step + 1) / steps;
             ++i)
            builder.add(records[i]);
    };
    for (std::size_t step = 0; step < steps; ++step) {
        feed(whole->memory, step);
        feed(whole->api_calls, step);
        feed(whole->kernels, step);
        feed(whole->copies, step);
        feed(whole->overheads, step);
        feed(whole->pm_samples, step);
        feed(whole->device_states, step);
        grown.update(builder.current());
    }
    fresh.search(*whole, "scatter");
    fresh.update(*whole);
    check_same(grown, fresh);
    CHECK(grown.matches() > 0);
}

TEST_CASE("another session replaces the timeline", "[timeline]") {
    TimelineBuilder model, fresh;
    model.update(*test::sample_session());
    model.update(*test::small_session());
    fresh.update(*test::small_session());
    check_same(model, fresh);
}

TEST_CASE("an empty session has an empty timeline", "[timeline]") {
    TimelineBuilder model;
    model.update(Session{});
    CHECK(model.extent().empty());
    CHECK(model.tracks().empty());
    CHECK(model.span_of(MeasurementId{0}).empty());
    CHECK_FALSE(model.match_after(0));
}

TEST_CASE("a measurement spans all its records and a repetition its kernels", "[timeline]") {
    SessionBuilder builder("t");
    builder.add_run({});
    const auto id =
        builder.add_measurement({.run = {0}, .op = OperatorId::Down, .variant = "fused"});
    const NameId name = builder.intern("k");
    builder.add(ApiRecord{kStart, kStart + 5, name, 1, 1, 1, {id, -1}});
    builder.add(kernel(kStart + 20, 10, name, 1, {id, 0}));
    builder.add(kernel(kStart + 40, 10, name, 2, {id, 0}));
    TimelineBuilder model;
    model.update(builder.current());
    builder.add(kernel(kStart + 60, 15, name, 3, {id, 0}));
    model.update(builder.current());
    CHECK(model.span_of(id) == TimeSpan{kStart, kStart + 75});
    CHECK(model.span_of(builder.current(), {0}) == TimeSpan{kStart, kStart + 75});
    CHECK(model.span_of(builder.current(), {1}).empty());
    const auto &repetitions = model.tracks().at({TrackKind::Repetitions, 0, 0}).rows();
    REQUIRE(repetitions.size() == 1);
    REQUIRE(repetitions[0].size() == 1);
    CHECK(repetitions[0][0].start_ns == kStart + 20);
    CHECK(repetitions[0][0].end_ns == kStart + 75);
}

TEST_CASE("launches that were sampled are the run's and no part of a measurement's span", "[timeline]") {
    SessionBuilder builder("t");
    builder.add_run({});
    const auto id =
        builder.add_measurement({.run = {0}, .op = OperatorId::Down, .variant = "fused"});
    const NameId name = builder.intern("k"), metric = builder.intern("m");
    builder.add(kernel(kStart, 10, name, 1, {id, 0}));
    builder.add(kernel(kStart + 500, 10, name, 2, {id, kSampledRepetition}));
    builder.add(PmSampleRecord{{0}, kStart + 490, kStart + 520, 0, metric, 1.0});
    TimelineBuilder model;
    model.update(builder.current());
    CHECK(model.span_of(id) == TimeSpan{kStart, kStart + 10});
    CHECK(model.sampled_span_of(id) == TimeSpan{kStart + 500, kStart + 510});
    CHECK(model.sampled_span_of({7}).empty());
    CHECK(model.span_of(builder.current(), {0}) == TimeSpan{kStart, kStart + 520});
}

TEST_CASE("the search finds names whatever their case and walks through the matches",
          "[timeline]") {
    SessionBuilder builder("t");
    const NameId relu = builder.intern("ReLU_kernel"), other = builder.intern("other");
    for (int i = 0; i < 100; ++i)
        builder.add(kernel(kStart + i * 10, 5, i % 10 == 3 ? relu : other, 0, {}));
    TimelineBuilder model;
    model.update(builder.current());
    model.search(builder.current(), "relu");
    CHECK(model.matches() == 10);
    std::int64_t at = 0;
    for (int i = 3; i < 100; i += 10) {
        const auto hit = model.match_after(at);
        REQUIRE(hit);
        CHECK(hit->ref == std::uint32_t(i));
        at = hit->start_ns;
    }
    CHECK_FALSE(model.match_after(at));
    CHECK(model.match_before(at)->ref == 83);
    model.search(builder.current(), "");
    CHECK(model.matches() == 0);
}

TEST_CASE("a kernel is tied to its launch by correlation", "[timeline]") {
    const SessionPtr session = test::sample_session();
    TimelineBuilder model;
    model.update(*session);
    for (std::size_t i = 0; i < session->kernels.size(); ++i) {
        const auto call = model.launch_of(*session, i);
        REQUIRE(call);
        CHECK(session->api_calls[*call].correlation == session->kernels[i].correlation);
        CHECK(model.kernel_of(*session, *call) == i);
    }
    const auto hit = model.hit_of_kernel(*session, 17);
    REQUIRE(hit);
    REQUIRE(model.find(*hit));
    CHECK_FALSE(model.hit_of_kernel(*session, session->kernels.size()));
}

TEST_CASE("absurd times do not break the timeline", "[timeline]") {
    SessionBuilder builder("t");
    const NameId name = builder.intern("k");
    KernelRecord record = kernel(0, 0, name, 0, {{5}, 3});
    record.start_ns = INT64_MIN;
    record.end_ns = INT64_MAX;
    builder.add(record);
    record.start_ns = INT64_MAX;
    record.end_ns = INT64_MIN;
    builder.add(record);
    TimelineBuilder model;
    model.update(builder.current());
    for (const auto &[key, track] : model.tracks())
        for (const TimelineRow &row : track.rows())
            CHECK_FALSE(row.bars(-1e18, 1e19, 100).empty());
}

TEST_CASE("a million kernels are drawn with two bars a pixel at most, none lost", "[timeline]") {
    SessionBuilder builder("t");
    const NameId name = builder.intern("k"), rare = builder.intern("rare");
    const auto id = builder.add_measurement({.op = OperatorId::GateUp, .variant = "fused"});
    constexpr int kKernels = 1'000'000;
    for (int i = 0; i < kKernels; ++i)
        builder.add(kernel(kStart + std::int64_t(i) * 1000, 700 + i % 200,
                           i % 100'000 == 77 ? rare : name, std::uint32_t(i + 1), {id, i / 3}));
    TimelineBuilder model;
    model.update(builder.current());
    model.search(builder.current(), "rare");
    const auto &rows = model.tracks().at({TrackKind::Kernels, 0, 7}).rows();
    REQUIRE(rows.size() == 1);
    constexpr int kPixels = 1920;
    for (const double share : {1.0, 0.1, 1e-3, 1e-5}) {
        const double start = double(kStart) + 0.4 * kKernels * 1000.0,
                     span = share * 0.6 * kKernels * 1000.0;
        const auto bars = rows[0].bars(start, start + span, kPixels);
        CHECK(bars.size() <= 2 * kPixels + 2);
        std::size_t count = 0;
        std::int64_t busy = 0;
        for (const TimelineBar &bar : bars) {
            count += bar.count;
            busy += bar.busy_ns;
        }
        const std::size_t first = rows[0].first_ending_after(std::int64_t(start));
        const std::size_t last = rows[0].first_starting_at(std::int64_t(start + span));
        CHECK(count == last - first);
        std::int64_t wanted = 0;
        for (std::size_t i = first; i < last; ++i)
            wanted += rows[0][i].end_ns - rows[0][i].start_ns;
        CHECK(busy == wanted);
    }
    CHECK(model.matches() == 10);
    CHECK(model.match_after(kStart + 500'000'000)->ref == 500'077);
}

TEST_CASE("zooming about a time keeps it in place, and the range stays near the data",
          "[timeline]") {
    const TimeRange whole{0, 1000};
    const TimeRange zoomed = zoomed_about({100, 500}, 200, 0.5);
    CHECK((200 - zoomed.start_ns) / zoomed.span() == Approx(0.25));
    CHECK(zoomed.span() == Approx(200));
    CHECK(moved({100, 200}, 50) == TimeRange{150, 250});
    CHECK(kept_within({400, 500}, whole) == TimeRange{400, 500});
    const TimeRange far = kept_within({90'000, 90'100}, whole);
    CHECK(far.span() == Approx(100));
    CHECK(far.end_ns <= 1050 + 1e-9);
    CHECK(kept_within({-1e9, 1e9}, whole).span() <= 1100 + 1e-9);
    CHECK(kept_within({500, 500.001}, whole).span() == Approx(kLeastSpanNs));
    CHECK(fitted_to({100, 200}).start_ns < 100);
    CHECK(fitted_to({5, 5}).span() > 0);
}

TEST_CASE("a run without measurements, as of an imported trace, is shown from its start to its end") {
    const auto trace = import_kineto(MOESCOPE_TEST_DATA "/profiler/import/gpu_step.json");
    REQUIRE(trace.ok());
    TimelineBuilder model;
    model.update(*trace);
    const TimeSpan span = model.span_of(*trace, RunId{0});
    CHECK(span == TimeSpan{trace->runs[0].started_ns, trace->runs[0].finished_ns});
    CHECK_FALSE(span.empty());
}
