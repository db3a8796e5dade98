// Drives a worker from a terminal: progress on standard error, Ctrl-C cancels and keeps what was
// measured.
#pragma once

#include "profiler/client/worker_client.h"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace moescope::cli {

// The devices of the worker here or behind ssh, once it has answered.
Result<std::vector<DeviceInfo>> ask_for_devices(const std::string &remote);

// The same, once the ceilings of each were measured. What could not be measured becomes a problem.
Result<std::vector<DeviceInfo>> measure_devices(const std::string &remote, std::vector<Error> &problems);

// What chips can count: an answer a request, in order. The first that failed is the error.
Result<std::vector<MetricsAnswer>> ask_for_metrics(const std::string &remote, const std::vector<MetricsRequest> &requests);

// A kernel's source, and what the compiler makes of it.
Result<SourceAnswer> ask_for_source(const std::string &remote, const SourceRequest &request);

struct Finished {
    SessionPtr session;
    RunId run;
    bool interrupted = false; // by Ctrl-C
};
// Carries the plan out and keeps the session in `out`; continues `earlier` unless it is null. An
// error where no run began: no worker, or a device it does not have. Failures of a run that began are in its session.
Result<Finished> run_plan(const Plan &plan, const std::string &remote,
                          const std::filesystem::path &out, SessionPtr earlier = nullptr);

// What the worker does, while it does it; in place of the progress line.
using ShowProgress = std::function<void(const std::string &doing)>;
// Which of the worker's devices the plan runs on.
using ChooseDevice = std::function<Result<std::string>(const std::vector<DeviceInfo> &devices)>;
// One rank's part of a plan, by a worker here that is started once.
Result<Finished> run_rank_plan(Plan plan, const std::filesystem::path &out, const ChooseDevice &choose,
                               const ShowProgress &show);

struct NamedPlan {
    std::string name; // of the point, for the progress line
    Plan plan;
};
struct FinishedPlans {
    SessionPtr session;
    std::vector<Result<RunId>> runs; // by plan; an error where no run began; fewer after Ctrl-C
    bool interrupted = false;
};
// One plan after the other, by one worker into one session; one that fails does not end the rest.
// An error where there is no worker.
Result<FinishedPlans> run_plans(const std::vector<NamedPlan> &plans, const std::string &remote,
                                const std::filesystem::path &out, SessionPtr earlier = nullptr);

} // namespace moescope::cli
