#include "tests/support/fuzzed_session.h"

#include "profiler/session/session_builder.h"
#include "tests/support/made_up_lab.h"

#include <algorithm>
#include <cmath>

namespace moescope::test {

namespace {

template <class T, std::size_t kCount> T one_of(Random &random, const T (&values)[kCount]) {
    return values[std::size_t(random.below(kCount))];
}

Workload workload_of(Random &random) {
    Workload workload;
    ModelShape &model = workload.model;
    model.name = "made up";
    model.experts = one_of(random, {8, 32, 64, 128, 256});
    model.top_k = one_of(random, {1, 2, 8});
    model.hidden = 2048;
    model.intermediate = 1024;
    model.vocab = 32000;
    model.groups = one_of(random, {1, 8});
    model.groups_kept = std::min(model.groups, one_of(random, {4, 8}));
    model.router = one_of(random, {RouterKind::Softmax, RouterKind::Sigmoid});
    workload.tokens = one_of(random, {1, 64, 2048, 16384});
    return workload;
}

RoutingRecord routing_of(Random &random, RunId run, const Workload &workload) {
    RoutingRecord routing{.run = run, .tokens = workload.tokens, .top_k = workload.model.top_k};
    routing.counts.assign(std::size_t(workload.model.experts), 0);
    for (std::int64_t slot = 0; slot < workload.slots(); ++slot)
        ++routing.counts[std::size_t(random.below(workload.model.experts))];
    return routing;
}

Measurement measured(Random &random, RunId run, OperatorId op, std::string_view variant, double ns) {
    Measurement m{.run = run, .op = op, .variant = std::string(variant), .state = Measurement::State::Done};
    const double noise = random.below(8) == 0 ? 3 : 0.01; // some whose samples hardly tell anything
    for (int i = 0; i < 10; ++i)
        m.samples_ns.push_back(float(ns * (1 + noise * random.uniform())));
    m.time = summarize(m.samples_ns);
    m.floor_ns = ns * (0.05 + 0.9 * random.uniform());
    m.cost = {ns * 1000, ns * 1000 * std::exp2(12 * random.uniform())};
    m.kernels_per_repetition = int(random.below(4)) + 1;
    m.gap_ns = 500 * (m.kernels_per_repetition - 1);
    m.peak_bytes = 1'000'000 + random.below(1'000'000);
    return m;
}

} // namespace

SessionPtr fuzzed_session(std::uint64_t seed, int runs, double spread) {
    Random random(seed);
    SessionBuilder builder("Drawn at random for tests");
    for (int i = 0; i < runs; ++i) {
        RunRecord run;
        run.plan.workload = workload_of(random);
        run.device = h200();
        run.state = RunRecord::State::Done;
        const RunId id = builder.add_run(run);
        builder.add(routing_of(random, id, run.plan.workload));
        for (const OperatorInfo &op : operators())
            for (const VariantInfo &variant : op.variants) {
                const double ns = 10'000 * std::pow(spread, random.uniform());
                builder.add_measurement(measured(random, id, op.id, variant.name, ns));
                for (int tile = 0; op.tunable && tile < 4; ++tile) {
                    Candidate candidate{.run = id, .op = op.id, .variant = std::string(variant.name)};
                    candidate.fate = tile == 0 ? Candidate::Fate::Best : Candidate::Fate::Timed;
                    candidate.time.median = ns * (1 + (spread - 1) * tile * random.uniform());
                    builder.add_candidate(candidate);
                }
            }
    }
    return builder.snapshot();
}

} // namespace moescope::test
