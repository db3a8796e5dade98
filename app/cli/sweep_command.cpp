#include "app/cli/sweep_command.h"

#include "app/cli/run_table.h"
#include "app/cli/say.h"
#include "app/cli/sweep_text.h"
#include "app/cli/worker_run.h"
#include "profiler/base/try.h"

#include <fmt/format.h>

namespace moescope::cli {

namespace {

struct Request {
    Sweep sweep;
    std::vector<NamedPlan> plans;    // of the points that can be run
    std::vector<std::size_t> places; // theirs in the sweep
    Place place;
};

Result<std::vector<SweepAxis>> parse_axes(const std::vector<std::string> &texts) {
    if (texts.empty())
        return Error{"--axis is missing", "it says what to sweep", "--axis tokens=1,8,64,512 is one"};
    std::vector<SweepAxis> axes;
    for (const std::string &text : texts) {
        Result<SweepAxis> axis = parse_axis(text);
        if (!axis)
            return Error{"--axis: " + axis.error().what, axis.error().why, axis.error().remedy};
        axes.push_back(std::move(*axis));
    }
    return axes;
}

// What a point would do; those that cannot be keep the reason.
void plan_points(const SweepOptions &options, std::vector<SweepPoint> points, Request &request) {
    for (SweepPoint &point : points) {
        Result<Plan> plan = point.status ? make_plan(options.run.plan, point.workload, Purpose::Run)
                                         : Result<Plan>(point.status.error());
        if (plan) {
            request.places.push_back(request.sweep.points.size());
            request.plans.push_back({point.label, std::move(*plan)});
        }
        request.sweep.points.push_back(
            {std::move(point), plan ? Result<RunId>(Error{"it was not run", "the sweep was stopped", {}})
                                    : Result<RunId>(plan.error())});
    }
}

Result<Request> check(const SweepOptions &options) {
    Result<std::vector<SweepAxis>> axes = parse_axes(options.axes);
    if (!axes)
        return axes.error();
    const Result<Workload> base = make_workload(options.run.plan);
    if (!base)
        return base.error();
    Result<std::vector<SweepPoint>> points = expand(*base, *axes);
    if (!points)
        return Error{"--axis: " + points.error().what, points.error().why, points.error().remedy};
    Request request;
    request.sweep.axes = std::move(*axes);
    plan_points(options, std::move(*points), request);
    if (request.plans.empty()) // the request is at fault, not a value of it
        return request.sweep.points.front().run.error();
    Result<Place> place = check_place(options.run, base->model.name);
    if (!place)
        return place.error();
    request.place = std::move(*place);
    return request;
}

// Whether all that was asked for is done; what is not is told.
bool tell_problems(const Sweep &sweep, const Session &session) {
    bool good = true;
    for (const SweptPoint &point : sweep.points)
        for (const std::string &problem : problems_of(session, point)) {
            say(fmt::format("moescope: {}: {}", point.point.label, problem));
            good = false;
        }
    return good;
}

} // namespace

void add_sweep_options(CLI::App &command, SweepOptions &options) {
    add_run_options(command, options.run);
    command.get_option("--picture")->description("Also draw the sweep into a PNG; needs no display");
    command
        .add_option("--axis", options.axes,
                    "A parameter and its values or ranges, 1..64:x2 or 16..256:+16; again for another")
        ->type_name("NAME=V,V")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->group("Sweep");
}

int sweep_command(const SweepOptions &options) {
    Result<Request> request = check(options);
    if (!request)
        return complain(request.error(), kWrongRequest);
    const Result<FinishedPlans> finished = run_plans(request->plans, options.run.remote.value_or(""),
                                                     request->place.out, request->place.earlier);
    if (!finished)
        return complain(finished.error(), kFailed);
    Sweep &sweep = request->sweep;
    bool any = false;
    for (std::size_t i = 0; i < finished->runs.size(); ++i) {
        sweep.points[request->places[i]].run = finished->runs[i];
        any = any || finished->runs[i].ok();
    }
    if (!any && !finished->runs.empty()) // the first reason stands for all: no device, too large
        return complain(finished->runs.front().error(),
                        finished->runs.front().error().what.starts_with("--") ? kWrongRequest : kFailed);
    const Session &session = *finished->session;
    show(options.run.json ? sweep_json(session, sweep) : sweep_table(session, sweep));
    const bool good = tell_problems(sweep, session);
    say_where(request->place.out);
    const bool drawn = draw_asked(options.run, finished->session, {.view = "sweep"});
    return good && drawn && !finished->interrupted ? kDone : kFailed;
}

} // namespace moescope::cli
