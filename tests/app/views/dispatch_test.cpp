#include "profiler/explain/repetition.h"
#include "app/views/dispatch_verdict.h"
#include "app/views/kernel_name.h"
#include "profiler/session/session_builder.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_all.hpp>

#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

using namespace moescope;
using Catch::Approx;

namespace {

KernelRecord kernel(std::int64_t start, std::int64_t end, std::uint32_t measurement,
                    std::int32_t repetition) {
    KernelRecord record;
    record.start_ns = start;
    record.end_ns = end;
    record.tag = {{measurement}, repetition};
    return record;
}

Measurement measurement(RunId run, const char *variant, double median, double half) {
    Measurement m;
    m.run = run;
    m.op = OperatorId::GateUp;
    m.variant = variant;
    m.state = Measurement::State::Done;
    m.time = {.samples = 10, .median = median, .ci_low = median - half, .ci_high = median + half};
    return m;
}

} // namespace

TEST_CASE("a repetition's parts and gaps add up to its time", "[dispatch]") {
    SessionBuilder builder("t");
    builder.add_measurement({});
    builder.add(kernel(1000, 1400, 0, 0));
    builder.add(kernel(1450, 1500, 0, 0)); // after a gap of 50
    builder.add(kernel(1480, 1700, 0, 0)); // overlaps by 20
    builder.add(kernel(1490, 1600, 0, 0)); // wholly inside
    builder.add(kernel(9000, 9999, 0, 1));
    KernelsByMeasurement kernels;
    kernels.update(builder.current());
    const Breakdown b = breakdown_of(builder.current(), kernels.of({0}), 0);
    REQUIRE(b.parts.size() == 4);
    CHECK(b.span_ns == 700);
    CHECK(b.gap_ns == 50);
    CHECK(b.kernel_ns == 400 + 50 + 220 + 110);
    CHECK(b.parts[1].gap_before_ns == 50);
    CHECK(b.parts[2].overlap_ns == 20);
    CHECK(b.parts[3].overlap_ns == 110);
    double filled = b.gap_ns;
    for (const KernelPart &part : b.parts)
        filled += part.to_ns - part.from_ns;
    CHECK(filled == b.span_ns);
}

TEST_CASE("the median repetition is shown, without warm-ups", "[dispatch]") {
    SessionBuilder builder("t");
    builder.add_measurement({});
    builder.add(kernel(0, 1, 0, -1));
    const int spans[] = {50, 10, 30, 20, 40};
    for (int i = 0; i < 5; ++i)
        builder.add(kernel(100 * i, 100 * i + spans[i], 0, i));
    KernelsByMeasurement kernels;
    kernels.update(builder.current());
    const Breakdown b = median_breakdown(builder.current(), kernels.of({0}));
    CHECK(b.repetition == 2);
    CHECK(b.span_ns == 30);
    CHECK(median_breakdown(builder.current(), {}).repetition == -1);
}

TEST_CASE("kernels are found as the session grows and afresh in another session", "[dispatch]") {
    KernelsByMeasurement kernels;
    SessionBuilder builder("one");
    builder.add_measurement({});
    builder.add(kernel(0, 5, 0, 0));
    kernels.update(builder.current());
    builder.add_measurement({});
    builder.add(kernel(6, 9, 1, 0));
    builder.add(kernel(10, 12, 7, 0)); // of no measurement there is
    kernels.update(builder.current());
    CHECK(kernels.of({0}).size() == 1);
    REQUIRE(kernels.of({1}).size() == 1);
    CHECK(kernels.of({1})[0] == 1);
    CHECK(kernels.of({7}).empty());
    CHECK(kernels.of({}).empty());

    SessionBuilder other("two");
    other.add_measurement({});
    for (int i = 0; i < 4; ++i)
        other.add(kernel(100 + i, 101 + i, 0, i));
    kernels.update(other.current());
    CHECK(kernels.of({0}).size() == 4);
}

TEST_CASE("the verdict gives a ratio with an interval and says when it is not sure", "[dispatch]") {
    SessionBuilder builder("t");
    const auto fused = builder.add_measurement(measurement({0}, "fused", 100, 2));
    const auto split = builder.add_measurement(measurement({0}, "split", 125, 5));
    const auto close = builder.add_measurement(measurement({0}, "split", 103, 2));
    const auto verdict = compare(builder.current(), split, fused);
    REQUIRE(verdict);
    CHECK(verdict->faster == fused);
    CHECK(verdict->ratio == Approx(1.25));
    CHECK(verdict->low == Approx(120.0 / 102));
    CHECK(verdict->high == Approx(130.0 / 98));
    CHECK(verdict->sure);
    CHECK(verdict->saved_ns == Approx(25));
    CHECK_FALSE(compare(builder.current(), fused, close)->sure);
    CHECK_FALSE(compare(builder.current(), fused, {}));
}

TEST_CASE("the fastest of all variants with LoRA is said, whatever the rule knows", "[dispatch]") {
    SessionBuilder builder("t");
    std::vector<MeasurementId> rows;
    for (const auto &[variant, median] : {std::pair{"base", 50.0}, {"fused", 480.0}, {"split", 327.0}, {"extra_k", 271.0}})
        rows.push_back(builder.add_measurement(measurement({0}, variant, median, 1)));
    const auto by_time = ranked(builder.current(), rows);
    CHECK(by_time == std::vector<MeasurementId>{rows[3], rows[2], rows[1]}); // base has no LoRA
    const std::string words = fastest_sentence(builder.current(), by_time);
    CHECK(words == "Extra K is the fastest: 1.21× (1.20× to 1.21×) and 56.0 ns before split, 1.77× before fused.");
    CHECK(fastest_sentence(builder.current(), {rows[1], rows[2]}).starts_with("Split is faster: 1.47×"));
    CHECK(fastest_sentence(builder.current(), {rows[1]}).empty());
}

TEST_CASE("variants that ran in tiles of two families are not set against each other unsaid", "[dispatch]") {
    SessionBuilder builder("t");
    Measurement fused = measurement({0}, "fused", 480, 1), split = measurement({0}, "split", 327, 1);
    fused.config = {128, 256, 32, 8, 4};
    split.config = {288, 128, 64, 12, 4};
    const auto f = builder.add_measurement(fused), s = builder.add_measurement(split);
    ModelShape many;
    many.experts = 64; // the rule fuses
    const RuleOutcome rule = published_rule(builder.current(), many, OperatorId::GateUp, *compare(builder.current(), f, s));
    CHECK(rule.families_differ);
    CHECK(sentence(rule) == "The published rule chooses fused, which took 153 ns (46.8 %) longer than split here.");
    CHECK(family_sentence(builder.current(), f, s) ==
          "Fused ran in mma.sync tiles and split in wgmma tiles: the difference is the tiles' as well as the variants'.");
    // What the tuner timed in one family tells fusion from tiles.
    for (const auto &[variant, warps, median] : {std::tuple{"fused", 8, 477.0}, {"split", 8, 534.0}, {"split", 12, 326.0}}) {
        Candidate c{.run = {0}, .op = OperatorId::GateUp, .variant = variant};
        c.config = {128, 128, 64, warps, 4};
        c.time.median = median;
        builder.add_candidate(c);
    }
    CHECK_THAT(family_sentence(builder.current(), f, s),
               Catch::Matchers::ContainsSubstring("In mma.sync tiles alone fused is the faster: 477 ns against 534 ns (1.12×)"));
    CHECK(family_sentence(builder.current(), s, s).empty());
}

TEST_CASE("following the published rule costs what the rule's choice loses", "[dispatch]") {
    SessionBuilder builder("t");
    const auto fused = builder.add_measurement(measurement({0}, "fused", 100, 1));
    const auto split = builder.add_measurement(measurement({0}, "split", 140, 1));
    ModelShape mixtral; // E = 8, K*N = 4096 * 28672: the rule splits
    const auto verdict = compare(builder.current(), fused, split);
    const RuleOutcome rule =
        published_rule(builder.current(), mixtral, OperatorId::GateUp, *verdict);
    CHECK(rule.k == 4096);
    CHECK(rule.n == 2 * 14336);
    CHECK(rule.chosen == "split");
    CHECK_FALSE(rule.right);
    CHECK(rule.cost_ns == Approx(40));
    CHECK(rule.cost_share == Approx(0.4));
    mixtral.experts = 64; // more than 32: it fuses
    const RuleOutcome other =
        published_rule(builder.current(), mixtral, OperatorId::Down, *verdict);
    CHECK(other.k == 14336);
    CHECK(other.chosen == "fused");
    CHECK(other.right);
    CHECK(other.cost_ns == 0);
}

TEST_CASE("of several measurements of a variant the last one done is shown", "[dispatch]") {
    SessionBuilder builder("t");
    builder.add_measurement(measurement({0}, "fused", 100, 1));
    const auto later = builder.add_measurement(measurement({0}, "fused", 90, 1));
    Measurement failed = measurement({0}, "fused", 0, 0);
    failed.state = Measurement::State::Failed;
    builder.add_measurement(failed);
    const auto lone = builder.add_measurement([&] {
        failed.variant = "split";
        return failed;
    }());
    builder.add_measurement(measurement({1}, "base", 90, 1)); // of another run
    const auto rows = dispatch_rows(builder.current(), {0}, OperatorId::GateUp);
    CHECK(rows == std::vector<MeasurementId>{later, lone});
    CHECK(row_of(builder.current(), rows, "split") == lone);
    CHECK_FALSE(row_of(builder.current(), rows, "base").valid());
}

TEST_CASE("kernel names are cut to the function's own name", "[dispatch]") {
    CHECK(short_kernel_name("void moescope::dequant<__nv_bfloat16, 64>(moescope::Args)") ==
          "dequant");
    CHECK(short_kernel_name("scatter2scatter_fused<bf16, 128>") == "scatter2scatter_fused");
    CHECK(short_kernel_name("void (anonymous namespace)::sort<int>(int*)") == "sort");
    CHECK(short_kernel_name("void moescope::(anonymous namespace)::dequant<4, moescope::(anonymous namespace)::Tile<1>>(int)") ==
          "dequant");
    CHECK(short_kernel_name("memset") == "memset");
    CHECK(short_kernel_name("").empty());
    CHECK(short_kernel_name("<lambda>") == "<lambda>");
}
