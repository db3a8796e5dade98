#include "tests/benchmarks/window/start.h"

#include "profiler/base/clock.h"
#include "profiler/client/worker_client.h"
#include "tests/support/made_up_shapes.h"

#include <chrono>
#include <thread>

namespace moescope::bench {

namespace {

constexpr int kLaunches = 100;
constexpr double kPatienceSeconds = 120;

Plan short_plan() {
    Plan plan;
    plan.workload.model = test::qwen();
    plan.workload.tokens = 64;
    plan.items = {{OperatorId::SoftmaxTopk, "reference", {}}};
    plan.repetition = {.warmup = 0, .min_samples = kLaunches, .max_samples = kLaunches};
    plan.check_results = false;
    return plan;
}

// When the run's first launch was, or that it runs: epoch nanoseconds; 0 while neither.
std::int64_t first_launch(const Session &session, RunId run) {
    for (std::size_t i = session.kernels.size(); i-- > 0;) {
        const MeasurementId id = session.kernels[i].tag.measurement;
        if (!id.valid() || session.measurements[id.value].run != run)
            continue;
        std::size_t first = i;
        while (first > 0 && session.kernels[first - 1].tag.measurement == id)
            --first;
        return session.kernels[first].start_ns;
    }
    const Measurement &last = session.measurements.back();
    const bool cpu = session.runs[run.value].device.is_cpu();
    return cpu && last.run == run && last.state != Measurement::State::Queued ? now_ns() : 0;
}

Result<double> click(WorkerClient &client, const Plan &plan, RunId run) {
    const std::int64_t start = now_ns();
    client.run(plan);
    while (double(now_ns() - start) < kPatienceSeconds * 1e9) {
        const SessionPtr session = client.session();
        if (session && session->runs.size() > run.value && !session->measurements.empty())
            if (const std::int64_t first = first_launch(*session, run)) {
                client.wait(kPatienceSeconds);
                return double(first - start) * 1e-6;
            }
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return Error{"the plan did not start", client.progress().error.sentence(), ""};
}

} // namespace

Result<StartCost> start_of_plan(const std::string &worker) {
    auto client = WorkerClient::start({{worker}, "this machine"});
    for (int i = 0; i < 6000 && client->progress().state == WorkerClient::State::Starting; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (client->progress().state != WorkerClient::State::Ready)
        return client->progress().error;
    Plan plan = short_plan();
    auto items = plan_items(plan.workload, {"softmax_topk"}, {});
    if (!items)
        return items.error();
    plan.items = {items->front()};
    const auto first = click(*client, plan, RunId{0});
    if (!first)
        return first.error();
    const auto again = click(*client, plan, RunId{1});
    if (!again)
        return again.error();
    return StartCost{client->session()->runs.back().device.id, *first, *again};
}

} // namespace moescope::bench
