#include "app/cli/worker_run.h"

#include "app/cli/interrupt_guard.h"
#include "app/cli/progress_line.h"
#include "app/cli/say.h"
#include "app/views/workload.h"
#include "profiler/base/try.h"
#include "profiler/base/units.h"
#include "profiler/workload/cost.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

namespace moescope::cli {

namespace {

constexpr double kPollSeconds = 0.1;

using Client = std::unique_ptr<WorkerClient>;

// One of several runs, for the progress line.
struct Part {
    std::size_t index = 0, count = 1;
    std::string name; // "point 3 of 12, tokens 512: "
};

// Waits until the worker is idle. True if the user interrupted it.
bool wait_with_progress(WorkerClient &client, const Part &part = {}, const ShowProgress &show = {}) {
    const InterruptGuard guard;
    ProgressLine line;
    bool cancelled = false, lost = false;
    while (!client.wait(kPollSeconds)) {
        const WorkerClient::Progress progress = client.progress();
        const bool reconnecting = progress.state == WorkerClient::State::Reconnecting;
        if (reconnecting && !std::exchange(lost, true))
            say("moescope: " + progress.error.sentence());
        lost = reconnecting;
        const double whole = (double(part.index) + std::max(0.0, progress.fraction)) / double(part.count);
        const std::string doing = part.name + (reconnecting ? waiting_text(progress) : progress.doing);
        show ? show(doing) : line.show(doing, part.count > 1 ? whole : progress.fraction);
        if (guard.interrupted() && !cancelled) {
            cancelled = true;
            client.cancel();
        }
    }
    return cancelled;
}

Result<Client> start(const std::string &remote, const std::filesystem::path &out,
                     SessionPtr earlier = nullptr, const ShowProgress &show = {}) {
    const Result<WorkerCommand> command = find_worker(remote);
    if (!command)
        return command.error();
    Client client = WorkerClient::start(*command, std::move(earlier), out);
    wait_with_progress(*client, {}, show);
    const WorkerClient::Progress progress = client->progress();
    if (progress.state != WorkerClient::State::Gone && !progress.devices.empty())
        return client;
    if (!progress.error.what.empty())
        return progress.error;
    return Error{fmt::format("the worker on {} offers no device", command->label),
                 "it was stopped before it answered",
                 {}};
}

Result<DeviceInfo> find_device(const std::string &wanted, const std::vector<DeviceInfo> &devices) {
    std::vector<std::string> ids;
    for (const DeviceInfo &device : devices) {
        if (wanted == "auto" || device.id == wanted)
            return device;
        ids.push_back(device.id);
    }
    return Error{fmt::format("--device is \"{}\"", wanted),
                 fmt::format("the worker has {}", fmt::join(ids, ", ")),
                 "moescope devices says what is missing"};
}

// A plan of which nothing fits is refused at once; the worker itself refuses what does not fit
// among operators that do.
Status check_memory(const Plan &plan, const DeviceInfo &device) {
    const PlanItem *least = nullptr;
    double least_bytes = 0;
    for (const PlanItem &item : plan.items) {
        const double bytes = device_bytes(plan.workload, item.op, item.variant);
        if (!least || bytes < least_bytes) {
            least = &item;
            least_bytes = bytes;
        }
    }
    if (!least || device.free_memory_bytes <= 0 || least_bytes <= double(device.free_memory_bytes))
        return {};
    return Error{fmt::format("--tokens is {} and too many for {} on {}", plan.workload.tokens,
                             plan.workload.model.name, device.id),
                 fmt::format("{}/{} needs up to {} and {} are free", info(least->op).name,
                             least->variant, format_bytes(least_bytes),
                             format_bytes(double(device.free_memory_bytes))),
                 "choose fewer tokens or a smaller model"};
}

Status check_plan(const Plan &plan, const std::vector<DeviceInfo> &devices) {
    const Result<DeviceInfo> device = find_device(plan.device, devices);
    if (!device)
        return device.error();
    if (!plan.tune.empty() && device->is_cpu())
        return Error{fmt::format("--device is \"{}\"", plan.device),
                     "that is the CPU here, whose reference implementations have no tiles to tune",
                     "tune on a CUDA device"};
    Plan there = plan;
    there.device = device->id; // auto may have become the CPU
    if (const Status status = validate(there); !status)
        return Error{"--device " + plan.device + ": " + status.error().what, status.error().why, status.error().remedy};
    return check_memory(plan, *device);
}

// The references are there to check results by: better said before than found out after minutes.
void say_if_slow(const Plan &plan, const std::vector<DeviceInfo> &devices) {
    const Result<DeviceInfo> device = find_device(plan.device, devices);
    if (device && device->is_cpu() && slow_on_cpu(plan.workload, plan.items))
        say(fmt::format("moescope: the CPU's references take minutes to hours for this batch; --tokens {} takes about a minute, and Ctrl+C "
                        "keeps what was measured by then.",
                        kCpuTokens));
}

// An error where no run began.
Result<RunId> run_one(WorkerClient &client, const Plan &plan, const Part &part, bool &interrupted,
                      const ShowProgress &show = {}) {
    if (const Status status = check_plan(plan, client.progress().devices); !status)
        return status.error();
    if (part.index == 0)
        say_if_slow(plan, client.progress().devices);
    const std::size_t before = client.session()->runs.size();
    client.run(plan);
    interrupted = wait_with_progress(client, part, show);
    const std::size_t after = client.session()->runs.size();
    if (after > before)
        return RunId{std::uint32_t(after - 1)};
    const Error error = client.progress().error;
    return error.what.empty() ? Error{"nothing was run", "the worker was stopped first", {}} : error;
}

} // namespace

Result<std::vector<DeviceInfo>> ask_for_devices(const std::string &remote) {
    Result<Client> client = start(remote, {});
    if (!client)
        return client.error();
    return (*client)->progress().devices;
}

Result<std::vector<DeviceInfo>> measure_devices(const std::string &remote, std::vector<Error> &problems) {
    Result<Client> client = start(remote, {});
    if (!client)
        return client.error();
    for (const DeviceInfo &device : (*client)->progress().devices) {
        (*client)->measure_ceilings(device.id);
        if (wait_with_progress(**client))
            problems.push_back({"the ceilings were not measured to the end", "Ctrl-C was pressed", {}});
        else if (const Error error = (*client)->progress().error; !error.what.empty())
            problems.push_back(error);
    }
    return (*client)->progress().devices;
}

Result<std::vector<MetricsAnswer>> ask_for_metrics(const std::string &remote, const std::vector<MetricsRequest> &requests) {
    Result<Client> client = start(remote, {});
    if (!client)
        return client.error();
    std::vector<std::uint64_t> questions;
    for (const MetricsRequest &request : requests)
        questions.push_back((*client)->ask(request));
    if (wait_with_progress(**client))
        return Error{"nothing was answered", "the worker was stopped first", {}};
    std::vector<MetricsAnswer> answers;
    for (const std::uint64_t question : questions) {
        const auto answer = (*client)->take_answer(question);
        if (!answer)
            return Error{"the worker did not answer", "it ended first", {}};
        if (answer->error != Error{})
            return answer->error;
        answers.push_back(*answer);
    }
    return answers;
}

Result<SourceAnswer> ask_for_source(const std::string &remote, const SourceRequest &request) {
    Result<Client> client = start(remote, {});
    if (!client)
        return client.error();
    const std::uint64_t question = (*client)->ask_source(request);
    if (wait_with_progress(**client))
        return Error{"nothing was answered", "the worker was stopped first", {}};
    const auto answer = (*client)->take_source(question);
    if (!answer)
        return Error{"the worker did not answer", "it ended first", {}};
    if (answer->error != Error{})
        return answer->error;
    return *answer;
}

Result<Finished> run_plan(const Plan &plan, const std::string &remote,
                          const std::filesystem::path &out, SessionPtr earlier) {
    Result<FinishedPlans> all = run_plans({{"", plan}}, remote, out, std::move(earlier));
    if (!all)
        return all.error();
    const Result<RunId> &run = all->runs.front();
    if (!run)
        return run.error();
    return Finished{all->session, *run, all->interrupted};
}

Result<Finished> run_rank_plan(Plan plan, const std::filesystem::path &out, const ChooseDevice &choose, const ShowProgress &show) {
    Result<Client> client = start("", out, nullptr, show);
    MOESCOPE_TRY(client);
    const Result<std::string> device = choose((*client)->progress().devices);
    MOESCOPE_TRY(device);
    plan.device = *device;
    bool interrupted = false;
    const Result<RunId> run = run_one(**client, plan, {}, interrupted, show);
    MOESCOPE_TRY(run);
    return Finished{(*client)->session(), *run, interrupted};
}

Result<FinishedPlans> run_plans(const std::vector<NamedPlan> &plans, const std::string &remote,
                                const std::filesystem::path &out, SessionPtr earlier) {
    Result<Client> client = start(remote, out, std::move(earlier));
    if (!client)
        return client.error();
    FinishedPlans finished;
    for (std::size_t i = 0; i < plans.size() && !finished.interrupted; ++i) {
        const Part part{i, plans.size(),
                        plans.size() == 1 ? ""
                                          : fmt::format("point {} of {}, {}: ", i + 1, plans.size(), plans[i].name)};
        finished.runs.push_back(run_one(**client, plans[i].plan, part, finished.interrupted));
    }
    finished.session = (*client)->session();
    return finished;
}

} // namespace moescope::cli
