#include "tests/support/grid_session.h"

#include "profiler/session/session_builder.h"
#include "tests/support/made_up_shapes.h"

#include <cmath>
#include <memory>

namespace moescope::test {

namespace {

Measurement measured(RunId run, const char *variant, double median_ns) {
    Measurement m{.run = run, .op = OperatorId::GateUp, .variant = variant,
                  .state = Measurement::State::Done};
    for (int i = 0; i < 11; ++i)
        m.samples_ns.push_back(float(median_ns * (1 + 0.002 * (i - 5))));
    m.time = summarize(m.samples_ns);
    return m;
}

void add_cell(SessionBuilder &builder, std::int32_t experts, std::int32_t intermediate,
              double slower) {
    RunRecord run;
    run.device = h200();
    run.plan.workload.model = mixtral();
    run.plan.workload.model.experts = experts;
    run.plan.workload.model.intermediate = intermediate;
    run.state = RunRecord::State::Done;
    run.started_ns = 1'795'000'000'000'000'000;
    const double weight = 2.0 * run.plan.workload.model.hidden * intermediate;
    // Split gains with the weight and loses with the experts.
    const double split_gain = 0.1 * (std::log2(weight / 8388608) - std::log2(experts / 16.0));
    const double fused = 20e3 + weight * experts / 4e6 * 1e3;
    const RunId id = builder.add_run(run);
    builder.add_measurement(measured(id, "fused", fused * slower));
    builder.add_measurement(measured(id, "split", fused * std::exp2(-split_gain)));
}

} // namespace

SessionPtr grid_session() {
    SessionBuilder builder("grid");
    add_cell(builder, 8, 512, 3); // measured again below
    for (const std::int32_t experts : {8, 16, 32, 64})
        for (const std::int32_t intermediate : {512, 1024, 2048, 4096})
            add_cell(builder, experts, intermediate, 1);
    return std::make_shared<const Session>(builder.current());
}

} // namespace moescope::test
