#include "tests/support/sweep_session.h"

#include "profiler/session/session_builder.h"

#include <algorithm>

namespace moescope::test {

namespace {

Measurement timed(RunId run, const char *variant, double median_ns, double floor_ns) {
    Measurement m{.run = run, .op = OperatorId::GateUp, .variant = variant, .state = Measurement::State::Done};
    m.timer = Measurement::Timer::Cupti;
    for (int i = -12; i <= 12; ++i)
        m.samples_ns.push_back(float(median_ns * (1 + 0.004 * i)));
    m.time = summarize(m.samples_ns);
    m.floor_ns = floor_ns;
    m.peak_bytes = 1'000'000 + std::int64_t(median_ns);
    return m;
}

} // namespace

SessionPtr sweep_session(double slower) {
    SessionBuilder builder("A sweep of tokens (made up for tests)");
    for (std::int64_t tokens = 1; tokens <= 4096; tokens *= 2) {
        RunRecord run;
        run.plan.workload.model.name = "Mixtral-8x7B";
        run.plan.workload.tokens = tokens;
        run.plan.device = run.device.id = "cuda:0";
        run.device.name = "NVIDIA H200";
        run.state = RunRecord::State::Done;
        run.plan.items = {{OperatorId::GateUp, "fused", {}}, {OperatorId::GateUp, "split", {}}};
        const RunId id = builder.add_run(run);
        const double smooth = std::max(60'000.0, 300.0 * double(tokens));
        builder.add_measurement(timed(id, "fused", smooth * (tokens >= 64 ? 1.5 : 1.0), smooth / 2));
        builder.add_measurement(timed(id, "split", smooth * slower, smooth / 2));
    }
    return builder.snapshot();
}

} // namespace moescope::test
