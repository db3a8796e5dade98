#include "profiler/compare/comparison.h"
#include "profiler/session/session_builder.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

using namespace moescope;
using Catch::Approx;

namespace {

Workload workload() {
    Workload w;
    w.model.name = "small";
    return w;
}

// Samples of this median that lie within `spread` of it, relative.
Measurement timed(OperatorId op, const char *variant, double median_ns, double spread = 0.002) {
    Measurement m{.op = op, .variant = variant, .state = Measurement::State::Done};
    for (int i = -10; i <= 10; ++i)
        m.samples_ns.push_back(float(median_ns * (1 + spread * i / 10)));
    m.time = summarize(m.samples_ns);
    m.peak_bytes = 1000;
    return m;
}

class Book { // writes a session
  public:
    RunId run(const Workload &w) {
        RunRecord record;
        record.plan.workload = w;
        record.device.name = "NVIDIA H200";
        return run_ = builder_.add_run(record);
    }
    MeasurementId add(Measurement m) {
        m.run = run_;
        return builder_.add_measurement(std::move(m));
    }
    void count(MeasurementId id, const char *metric, double value) {
        builder_.add(CounterRecord{id, -1, {}, builder_.intern(metric), value});
    }
    const Session &session() const { return builder_.current(); }

  private:
    SessionBuilder builder_{"made up"};
    RunId run_;
};

Book with_one_run(const Workload &w, const std::vector<Measurement> &measurements) {
    Book book;
    book.run(w);
    for (const Measurement &m : measurements)
        book.add(m);
    return book;
}

Comparison compare(const Book &a, const Book &b, double threshold = 0.03) {
    return compare_sessions({a.session(), {}, {}}, {b.session(), {}, {}}, {threshold, {}});
}

} // namespace

TEST_CASE("a verdict asks both how surely and by how much") {
    CHECK(judge(RatioInterval{1.10, 1.08, 1.12}, 0.03) == Change::Slower);
    CHECK(judge(RatioInterval{0.90, 0.88, 0.92}, 0.03) == Change::Faster);
    CHECK(judge(RatioInterval{1.01, 0.99, 1.02}, 0.03) == Change::Same);
    CHECK(judge(RatioInterval{1.02, 1.01, 1.025}, 0.03) == Change::Same); // sure, and too little
    CHECK(judge(RatioInterval{1.10, 0.95, 1.25}, 0.03) == Change::Unclear);
    CHECK(judge(RatioInterval{1.00, 0.90, 1.10}, 0.03) == Change::Unclear);
    CHECK(judge(RatioInterval{1.02, 1.01, 1.025}, 0.01) == Change::Slower);
    CHECK(judge(RatioInterval{1 / 1.04, 0.95, 0.97}, 0.05) == Change::Same);
}

TEST_CASE("regressions come first, then improvements, and the rest") {
    const Book a = with_one_run(workload(), {timed(OperatorId::GateUp, "fused", 100),
                                             timed(OperatorId::GateUp, "split", 100),
                                             timed(OperatorId::Down, "fused", 100),
                                             timed(OperatorId::Down, "split", 100, 0.5),
                                             timed(OperatorId::Down, "base", 100)});
    const Book b = with_one_run(workload(), {timed(OperatorId::GateUp, "fused", 101),
                                             timed(OperatorId::GateUp, "split", 80),
                                             timed(OperatorId::Down, "fused", 110),
                                             timed(OperatorId::Down, "split", 101, 0.5),
                                             timed(OperatorId::Down, "base", 150)});
    const Comparison found = compare(a, b);
    REQUIRE(found.rows.size() == 5);
    const Change order[] = {Change::Slower, Change::Slower, Change::Faster, Change::Unclear, Change::Same};
    for (std::size_t i = 0; i < 5; ++i)
        CHECK(found.rows[i].time.change == order[i]);
    CHECK(found.rows[0].where.empty());
    CHECK(found.rows[0].a_variant == "base"); // the worst of the slower ones
    CHECK(found.regressed());
    CHECK(found.geometric_mean == Approx(std::pow(1.01 * 0.8 * 1.1 * 1.01 * 1.5, 0.2)).epsilon(1e-4));
    CHECK(summary_of(found).starts_with("2 slower, 1 faster, 1 the same, 1 unclear"));
    CHECK(found.rows[0].time.reason.starts_with("B takes 50.0 % more time"));
    CHECK(found.rows[3].time.reason.starts_with("Too noisy: "));
    CHECK_FALSE(compare(a, a).regressed());
}

TEST_CASE("rows of one workload match whatever the order of the runs") {
    Workload long_one = workload();
    long_one.tokens = 4096;
    Book a, b;
    a.run(workload());
    a.add(timed(OperatorId::GateUp, "fused", 100));
    a.run(long_one);
    a.add(timed(OperatorId::GateUp, "fused", 200));
    b.run(long_one);
    b.add(timed(OperatorId::GateUp, "fused", 200));
    b.run(workload());
    b.add(timed(OperatorId::GateUp, "fused", 120));
    const Comparison found = compare(a, b);
    REQUIRE(found.rows.size() == 2);
    CHECK(found.rows[0].time.ratio->ratio == Approx(1.2).epsilon(1e-4));
    CHECK(found.rows[1].time.change == Change::Same);
    CHECK(found.rows[0].where == "tokens 2,048");
    CHECK(found.rows[1].where == "tokens 4,096");
    for (const ComparedRow &row : found.rows)
        CHECK(row.differences.empty());
}

TEST_CASE("another model, tokens or cache state is compared where each side is one run, and said") {
    Workload other = workload();
    other.model.name = "large";
    other.model.experts = 64;
    other.tokens = 4096;
    Measurement warm = timed(OperatorId::GateUp, "fused", 90);
    warm.cache = CacheState::Warm;
    warm.config = {128, 128, 64, 8, 4};
    const Book a = with_one_run(workload(), {timed(OperatorId::GateUp, "fused", 100)});
    const Comparison found = compare(a, with_one_run(other, {warm}));
    REQUIRE(found.rows.size() == 1);
    CHECK(sentence_of(found.rows[0].differences) ==
          "model small → large, tokens 2,048 → 4,096, L2 cold → warm, "
          "tile default → 128x128x64 w8 s4");
    CHECK(shared_differences(found).empty()); // of one row

    Book two = with_one_run(other, {warm});
    two.run(other);
    two.add(timed(OperatorId::Down, "fused", 100));
    CHECK(compare(a, two).rows.empty()); // which of the two runs would be a guess
}

TEST_CASE("one model's runs match another model's by all the rest of their workloads") {
    Book a, b;
    for (const std::int64_t tokens : {64, 512}) {
        Workload w = workload();
        w.tokens = tokens;
        a.run(w);
        a.add(timed(OperatorId::GateUp, "fused", double(tokens)));
        w.model.experts = 64;
        b.run(w);
        b.add(timed(OperatorId::GateUp, "fused", double(2 * tokens)));
    }
    const Comparison found = compare(a, b);
    REQUIRE(found.rows.size() == 2);
    CHECK(sentence_of(shared_differences(found)) == "experts 8 → 64");
    for (const ComparedRow &row : found.rows) {
        CHECK(row.time.ratio->ratio == Approx(2).epsilon(1e-4));
        CHECK(own_differences(row, shared_differences(found)).empty());
    }
}

TEST_CASE("of several runs of one workload the last one counts, unless it failed") {
    Book b = with_one_run(workload(), {timed(OperatorId::GateUp, "fused", 100)});
    b.run(workload());
    b.add(timed(OperatorId::GateUp, "fused", 150));
    b.run(workload());
    Measurement failed{.op = OperatorId::GateUp, .variant = "fused", .state = Measurement::State::Failed};
    b.add(failed);
    const Book a = with_one_run(workload(), {timed(OperatorId::GateUp, "fused", 100)});
    const Comparison found = compare(a, b);
    REQUIRE(found.rows.size() == 1);
    CHECK(found.rows[0].b.value == 1);
}

TEST_CASE("what one side lacks is listed with why, and a new failure is a regression") {
    Measurement failed{.op = OperatorId::Down, .variant = "fused", .state = Measurement::State::Failed};
    failed.failure = {"down/fused did not fit", "12 GB", ""};
    const Book a = with_one_run(workload(), {timed(OperatorId::Down, "fused", 100),
                                             timed(OperatorId::GateUp, "fused", 100)});
    const Book b = with_one_run(workload(), {failed, timed(OperatorId::Entropy, "one_read", 100)});
    const Comparison found = compare(a, b);
    CHECK(found.rows.empty());
    REQUIRE(found.unmatched.size() == 3);
    CHECK(found.unmatched[0].failed);
    CHECK(found.unmatched[0].reason.find("did not fit") != std::string::npos);
    CHECK(found.unmatched[1].reason == "B has not measured it");
    CHECK_FALSE(found.unmatched[2].in_a);
    CHECK(found.regressed());
    CHECK_FALSE(compare(b, a).regressed()); // it works now
}

TEST_CASE("counters and memory are subtracted, and missing ones stay missing") {
    Book a, b;
    a.run(workload());
    b.run(workload());
    Measurement bigger = timed(OperatorId::GateUp, "fused", 100);
    bigger.peak_bytes = 1500;
    const MeasurementId before = a.add(timed(OperatorId::GateUp, "fused", 100)), after = b.add(bigger);
    b.count(after, "sm__warps_active.avg.pct", 50); // names are interned in another order in B
    a.count(before, "dram__bytes_read.sum", 4e6);
    b.count(after, "dram__bytes_read.sum", 5e6);
    const Comparison found = compare(a, b);
    REQUIRE(found.rows.size() == 1);
    const std::vector<ComparedQuantity> expected = {
        {"peak memory", 1000.0, 1500.0, true},
        {"workspace", 0.0, 0.0, true},
        {"dram__bytes_read.sum", 4e6, 5e6, true},
        {"sm__warps_active.avg.pct", std::nullopt, 50.0, false}};
    CHECK(found.rows[0].quantities == expected);
    CHECK(found.rows[0].quantities[2].change() == 1e6);
    CHECK_FALSE(found.rows[0].quantities[3].change().has_value());
}

TEST_CASE("two variants of one session are compared when each side names its own") {
    const auto session = test::sample_session();
    const Comparison found = compare_sessions({*session, {}, "fused"}, {*session, {}, "split"}, {});
    REQUIRE_FALSE(found.rows.empty());
    for (const ComparedRow &row : found.rows) {
        CHECK(row.a_variant == "fused");
        CHECK(row.b_variant == "split");
        CHECK(session->measurements[row.a.value].op == session->measurements[row.b.value].op);
    }
}

TEST_CASE("times of different timers are compared by the events that both have") {
    Measurement by_cupti = timed(OperatorId::GateUp, "fused", 100);
    by_cupti.timer = Measurement::Timer::Cupti;
    Measurement by_events = timed(OperatorId::GateUp, "fused", 130);
    by_events.timer = Measurement::Timer::CudaEvents;
    CHECK(judge(by_cupti, by_events, 0.03).reason.find("A was timed by cupti, B by cuda_events") !=
          std::string::npos);
    for (Measurement *m : {&by_cupti, &by_events}) {
        m->event_samples_ns.assign(20, 130.0f);
        m->event_time = summarize(m->event_samples_ns);
    }
    const TimeVerdict verdict = judge(by_cupti, by_events, 0.03);
    CHECK(verdict.change == Change::Same);
    CHECK(verdict.a_ns == 130);
}
