#include "app/views/overview_rows.h"

#include "app/views/variant_colour.h"
#include "profiler/session/session_builder.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_test_macros.hpp>

#include <numeric>

using namespace moescope;

namespace {

class Run {
  public:
    Run() { builder_.add_run({}); }
    MeasurementId add(OperatorId op, const char *variant, double median, double floor = 0) {
        Measurement m;
        m.run = RunId{0};
        m.op = op;
        m.variant = variant;
        m.state = median > 0 ? Measurement::State::Done : Measurement::State::Queued;
        m.time.samples = median > 0 ? 3 : 0;
        m.time.median = median;
        m.floor_ns = floor;
        return builder_.add_measurement(m);
    }
    std::vector<MeasurementId> rows(OverviewOrder order) {
        return overview_rows(*builder_.snapshot(), RunId{0}, order);
    }
    std::vector<MeasurementId> fastest() {
        return fastest_variants(*builder_.snapshot(), RunId{0});
    }

  private:
    SessionBuilder builder_{"test"};
};

using Ids = std::vector<MeasurementId>;

} // namespace

TEST_CASE("overview rows stand as operators and variants are listed, whatever order they came in") {
    Run run;
    const auto split = run.add(OperatorId::GateUp, "split", 5),
               scalar = run.add(OperatorId::SoftmaxTopk, "scalar", 9),
               fused = run.add(OperatorId::GateUp, "fused", 7);
    CHECK(run.rows({}) == Ids{scalar, fused, split});
}

TEST_CASE("sorted by time, groups go by their best and rows without a value go last") {
    Run run;
    const auto slow = run.add(OperatorId::SoftmaxTopk, "scalar", 90),
               queued = run.add(OperatorId::GateUp, "fused", 0),
               split = run.add(OperatorId::GateUp, "split", 50),
               quick = run.add(OperatorId::SoftmaxTopk, "warp_bitonic", 10),
               waiting = run.add(OperatorId::Router, "plain", 0);
    CHECK(run.rows({OverviewColumn::Time, false, true}) ==
          Ids{quick, slow, split, queued, waiting});
    CHECK(run.rows({OverviewColumn::Time, false, false}) ==
          Ids{quick, split, slow, queued, waiting});
    CHECK(run.rows({OverviewColumn::Time, true, false}) ==
          Ids{slow, split, quick, queued, waiting});
}

TEST_CASE("distance to the floor sorts by ratio, and only one run's rows are shown") {
    Run run;
    const auto far = run.add(OperatorId::GateUp, "fused", 40, 10),
               near = run.add(OperatorId::GateUp, "split", 60, 50);
    CHECK(run.rows({OverviewColumn::TimesFloor, false, true}) == Ids{near, far});
    const auto session = test::sample_session();
    for (const MeasurementId id : overview_rows(*session, RunId{1}, {}))
        CHECK(session->measurements[id.value].run == RunId{1});
    CHECK(overview_rows(*session, RunId{7}, {}).empty());
}

TEST_CASE("the fastest finished variant of each operator is chosen, the slowest operator first") {
    Run run;
    run.add(OperatorId::SoftmaxTopk, "scalar", 9);
    const auto quick = run.add(OperatorId::SoftmaxTopk, "warp_bitonic", 2),
               fused = run.add(OperatorId::GateUp, "fused", 7);
    run.add(OperatorId::GateUp, "split", 0);
    CHECK(run.fastest() == Ids{fused, quick});
}

TEST_CASE("a variant without the LoRA part stands for its operator only where nothing else does") {
    Run run; // its workload has a LoRA rank
    const auto base = run.add(OperatorId::GateUp, "base", 2);
    CHECK(run.fastest() == Ids{base});
    const auto fused = run.add(OperatorId::GateUp, "fused", 7);
    CHECK(run.fastest() == Ids{fused});
}

TEST_CASE("a wide table shows every column, a narrow one keeps what tells most") {
    const auto wide = columns_that_fit(1400, 1), narrow = columns_that_fit(420, 1),
               tiny = columns_that_fit(10, 1);
    CHECK(std::accumulate(wide.begin(), wide.end(), 0) == kOverviewColumns);
    CHECK(narrow[std::size_t(OverviewColumn::Time)]);
    CHECK_FALSE(narrow[std::size_t(OverviewColumn::Timer)]);
    CHECK(tiny[std::size_t(OverviewColumn::Variant)]);
    CHECK(columns_that_fit(2800, 2) == wide);
}

TEST_CASE("a table that narrows loses rates first, then the spread and the floor, the distance to the floor last") {
    const auto has = [](float width, OverviewColumn column) { return columns_that_fit(width, 1)[std::size_t(column)]; };
    using enum OverviewColumn;
    for (const OverviewColumn column : {Time, TimesFloor, Spread, Floor}) // the middle of a window of 1440 pixels
        CHECK(has(780, column));
    CHECK_FALSE(has(620, Bandwidth));
    for (const OverviewColumn column : {Time, TimesFloor}) // of 1024
        CHECK(has(396, column));
    CHECK_FALSE(has(396, Spread));
}

TEST_CASE("a histogram counts every sample once, outliers in its last bin") {
    Measurement m;
    CHECK(histogram(m, 10).empty());
    m.samples_ns = {10, 10, 11, 12, 12, 500};
    m.time.p10 = 10;
    m.time.p90 = 12;
    const auto counts = histogram(m, 10);
    CHECK(std::accumulate(counts.begin(), counts.end(), 0) == 6);
    CHECK(counts.front() == 2);
    CHECK(counts.back() == 1);
    m.samples_ns = {7, 7, 7};
    m.time.p10 = m.time.p90 = 7;
    CHECK(histogram(m, 4) == std::vector<int>{0, 0, 3, 0});
}

TEST_CASE("a variant has one colour in every operator, and different variants of one differ") {
    CHECK(variant_series(OperatorId::GateUp, "fused") == variant_series(OperatorId::Down, "fused"));
    for (const OperatorInfo &op : operators())
        for (std::size_t i = 0; i < op.variants.size(); ++i)
            for (std::size_t j = i + 1; j < op.variants.size(); ++j) {
                INFO(op.name << " " << op.variants[i].name << " " << op.variants[j].name);
                CHECK(variant_series(op.id, op.variants[i].name) !=
                      variant_series(op.id, op.variants[j].name));
            }
    CHECK(variant_series(OperatorId::GateUp, "of the future") < 8);
}
