#include "profiler/compare/retiming.h"
#include "profiler/plan/plan.h"
#include "profiler/session/session_builder.h"
#include "profiler/workload/cost.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

namespace {

Measurement timed(const std::string &variant, double median_ns, double error) {
    Measurement m{.op = OperatorId::GateUp, .variant = variant, .state = Measurement::State::Done};
    for (int i = -10; i <= 10; ++i)
        m.samples_ns.push_back(float(median_ns * (1 + 0.002 * i / 10)));
    m.time = summarize(m.samples_ns);
    m.relative_error = error;
    if (error >= 0)
        m.reference = "fused";
    return m;
}

Session run_of(const Measurement &original, const Measurement &edited) {
    SessionBuilder builder{"made up"};
    RunRecord record;
    record.plan.workload.model.dtype = DType::BF16;
    const RunId run = builder.add_run(record);
    for (Measurement m : {original, edited}) {
        m.run = run;
        builder.add_measurement(std::move(m));
    }
    return builder.current();
}

Retiming retiming(const Measurement &original, const Measurement &edited) {
    return retiming_of(run_of(original, edited), RunId{0}).value();
}

} // namespace

TEST_CASE("an edited variant is told from the original by its name, and costs the same") {
    CHECK(edited_variant("fused") == "fused (edited)");
    CHECK(edited_variant("fused (edited)") == "fused (edited)");
    CHECK(is_edited("fused (edited)"));
    CHECK_FALSE(is_edited("fused"));
    CHECK(plain_variant("fused (edited)") == "fused");
    CHECK(find_variant(OperatorId::GateUp, "fused (edited)") == nullptr);
    const Workload workload;
    CHECK(device_bytes(workload, OperatorId::GateUp, "base (edited)") == device_bytes(workload, OperatorId::GateUp, "base"));
}

TEST_CASE("a retiming says how long the edited kernel takes and whether its result holds") {
    const Retiming faster = retiming(timed("fused", 1000, -1), timed("fused (edited)", 800, 0));
    CHECK(faster.done);
    CHECK(faster.result == Retiming::Result::Equal);
    CHECK(faster.time.change == Change::Faster);
    CHECK(faster.sentence.find("equals that of fused") != std::string::npos);

    CHECK(retiming(timed("fused", 1000, -1), timed("fused (edited)", 1001, 1e-3)).result == Retiming::Result::Agrees);
    CHECK(retiming(timed("fused", 1000, -1), timed("fused (edited)", 1001, 1e-3)).time.change == Change::Same);
    CHECK(retiming(timed("fused", 1000, -1), timed("fused (edited)", 1000, -1)).result == Retiming::Result::NotChecked);
}

TEST_CASE("a wrong result is named with its distance, also where it is no number") {
    const Retiming wrong = retiming(timed("fused", 1000, -1), timed("fused (edited)", 500, 0.7));
    CHECK(wrong.result == Retiming::Result::Wrong);
    CHECK(wrong.sentence.find("wrong: 7.0e-01") != std::string::npos);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    Measurement edited = timed("fused (edited)", 500, 0);
    edited.relative_error = nan;
    CHECK(retiming(timed("fused", 1000, -1), edited).result == Retiming::Result::Wrong);
}

TEST_CASE("an edited kernel that failed has its failure in the sentence, and no verdict") {
    Measurement edited = timed("fused (edited)", 0, -1);
    edited.state = Measurement::State::Failed;
    edited.failure = {"compiling", "expected a \";\"", ""};
    const Retiming failed = retiming(timed("fused", 1000, -1), edited);
    CHECK_FALSE(failed.done);
    CHECK(failed.sentence.find("expected a") != std::string::npos);
}

TEST_CASE("a run without an edited kernel has no retiming") {
    CHECK_FALSE(retiming_of(run_of(timed("fused", 1000, -1), timed("split", 900, 0)), RunId{0}).has_value());
    CHECK_FALSE(retiming_of(run_of(timed("fused", 1000, -1), timed("fused (edited)", 900, 0)), RunId{7}).has_value());
}
