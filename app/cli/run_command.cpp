#include "app/cli/run_command.h"

#include "app/cli/counter_table.h"
#include "app/cli/json_output.h"
#include "app/cli/numbers.h"
#include "app/cli/output_file.h"
#include "app/cli/run_table.h"
#include "app/cli/say.h"
#include "app/cli/worker_run.h"
#include "app/render/picture.h"
#include "profiler/base/assets.h"
#include "profiler/session/collected.h"
#include "profiler/session/session_file.h"

#include <memory>
#include <utility>

namespace moescope::cli {

namespace {

constexpr std::int64_t kDefaultListSize = 5;
constexpr std::string_view kEveryGpu = "cuda:all";

// Everything a request says, checked before a worker is started.
struct Request {
    Plan plan;
    Place place;
    std::size_t list_size = 0;
    bool every_gpu = false;
};

Result<Request> check(const RunOptions &options, Purpose purpose) {
    PlanOptions of_one = options.plan;
    const bool every_gpu = of_one.device == kEveryGpu;
    if (every_gpu)
        of_one.device = "cuda:0";
    Result<Plan> plan = make_plan(of_one, purpose);
    if (!plan)
        return plan.error();
    const auto candidates =
        parse_integer("--max-candidates", options.max_candidates.value_or("0"), 0, 100'000);
    if (!candidates)
        return candidates.error();
    plan->tune_max_candidates = std::int32_t(*candidates);
    const auto size = options.list_size
                          ? parse_integer("--list-size", *options.list_size, 1, 100'000)
                          : kDefaultListSize;
    if (!size)
        return size.error();
    Result<Place> place = check_place(options, plan->workload.model.name);
    if (!place)
        return place.error();
    return Request{std::move(*plan), std::move(*place), std::size_t(*size), every_gpu};
}

// The plan, or one a GPU: one after the other, so that they do not share power and memory of the host.
Result<std::vector<NamedPlan>> plans_of(const Request &request, const std::string &remote) {
    if (!request.every_gpu)
        return std::vector<NamedPlan>{{"", request.plan}};
    const Result<std::vector<DeviceInfo>> devices = ask_for_devices(remote);
    if (!devices)
        return devices.error();
    std::vector<NamedPlan> plans;
    for (const DeviceInfo &device : *devices)
        if (!device.is_cpu()) {
            plans.push_back({device.id, request.plan});
            plans.back().plan.device = device.id;
        }
    if (plans.empty())
        return Error{"--device is \"cuda:all\"", "the worker has no CUDA device", "moescope devices says what is missing"};
    return plans;
}

void show_json(const Session &session, const std::vector<RunId> &runs, bool every_gpu) {
    if (!every_gpu)
        return show(run_json(session, runs.front()));
    std::string all;
    for (const RunId run : runs)
        all += (all.empty() ? "" : ",\n") + run_json(session, run);
    show("{\"runs\": [\n" + all + "]}\n");
}

void show_results(const Session &session, RunId run, const Request &request) {
    show(run_headline(session.runs[run.value]) + "\n");
    show(candidate_table(session, run, request.list_size));
    show(measurement_table(session, run));
    if (session.runs[run.value].plan.counters.empty())
        return;
    if (const Result<MetricSets> sets = load_metric_sets(find_asset("metrics.json")))
        show(counter_tables(session, run, *sets));
}

// A step down, from counters to times alone or from CUPTI's times to events, is no failure: it is said.
void say_what_was_collected(const Session &session, RunId run) {
    for (const std::string &sentence : steps_down(session, run))
        say("moescope: " + sentence);
}

// Whether all went well.
bool say_outcome(const Session &session, RunId run) {
    say_what_was_collected(session, run);
    const std::vector<std::string> problems = problems_of(session, run);
    for (const std::string &problem : problems)
        say("moescope: " + problem);
    return problems.empty() && session.runs[run.value].state == RunRecord::State::Done;
}

} // namespace

Result<Place> check_place(const RunOptions &options, const std::string &model) {
    if (options.remote && options.remote->empty())
        return Error{"--remote is \"\"", "it must be HOST or USER@HOST, as ssh takes it", {}};
    Place place;
    if (options.append) {
        Result<Session> earlier = read_session(*options.append);
        if (!earlier)
            return earlier.error();
        place.earlier = std::make_shared<const Session>(std::move(*earlier));
    }
    place.out = options.out      ? std::filesystem::path(*options.out)
                : options.append ? std::filesystem::path(*options.append)
                                 : default_session_name(model);
    if (const Status status = check_session_output("--out", place.out); !status)
        return status.error();
    if (options.picture)
        if (const Status status = check_output("--picture", *options.picture); !status)
            return status.error();
    return place;
}

bool draw_asked(const RunOptions &options, const SessionPtr &session, const PictureOptions &picture) {
    if (!options.picture)
        return true;
    if (const Status status = render_picture(session, *options.picture, picture); !status) {
        complain(status.error(), kFailed);
        return false;
    }
    say("picture written to " + *options.picture);
    return true;
}

void say_where(const std::filesystem::path &out) {
    if (std::error_code missing; std::filesystem::exists(out, missing))
        say("session written to " + out.string());
}

void add_common_options(CLI::App &command, RunOptions &options) {
    add_plan_options(command, options.plan);
    command.add_option("--remote", options.remote, "Run on this machine's worker, through ssh")
        ->type_name("USER@HOST")
        ->group("Plan");
    command
        .add_option("--out", options.out,
                    "The session file to write (moescope-MODEL-TIME.moescope)")
        ->type_name("FILE")
        ->group("Output");
    command
        .add_option("--append", options.append,
                    "Add the run to this session instead of starting one; with --out, to a copy")
        ->type_name("FILE")
        ->group("Output");
    command
        .add_option("--picture", options.picture,
                    "Also draw the overview into a PNG; needs no display")
        ->type_name("FILE.png")
        ->group("Output");
    command.add_flag("--json", options.json, "Print one JSON document instead of the table")
        ->group("Output");
}

void add_run_options(CLI::App &command, RunOptions &options) {
    add_common_options(command, options);
    command
        .add_flag("--tune", options.plan.tune_first,
                  "First find the fastest tiles of the operators that have them")
        ->group("Plan");
}

void add_tune_options(CLI::App &command, RunOptions &options) {
    add_common_options(command, options);
    command
        .add_option("--max-candidates", options.max_candidates,
                    "Most tiles to consider; 0: all (0)")
        ->type_name("N")
        ->group("Plan");
    command
        .add_option("--list-size", options.list_size, "Fastest tiles to print of each variant (5)")
        ->type_name("N")
        ->group("Output");
}

int run_command(const RunOptions &options, Purpose purpose) {
    const Result<Request> request = check(options, purpose);
    if (!request)
        return complain(request.error(), kWrongRequest);
    const std::string remote = options.remote.value_or("");
    const auto refused = [](const Error &error) {
        return complain(error, error.what.starts_with("--") ? kWrongRequest : kFailed);
    };
    const Result<std::vector<NamedPlan>> plans = plans_of(*request, remote);
    if (!plans)
        return refused(plans.error());
    const Result<FinishedPlans> finished = run_plans(*plans, remote, request->place.out, request->place.earlier);
    if (!finished)
        return refused(finished.error());
    std::vector<RunId> runs;
    for (const Result<RunId> &run : finished->runs) {
        if (!run)
            return refused(run.error());
        runs.push_back(*run);
    }
    const Session &session = *finished->session;
    if (options.json)
        show_json(session, runs, request->every_gpu);
    bool done = true;
    for (const RunId run : runs) {
        if (!options.json)
            show_results(session, run, *request);
        done = say_outcome(session, run) && done;
    }
    say_where(request->place.out);
    const bool drawn = draw_asked(options, finished->session, {});
    return done && drawn && !finished->interrupted ? kDone : kFailed;
}

} // namespace moescope::cli
