// "How does it scale?": times along a parameter, from runs that differ in it alone.
#pragma once

#include "app/charts/plot.h"
#include "app/views/view_context.h"
#include "profiler/sweep/found_sweep.h"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace moescope {

struct SweepPlan {
    SweepPoint point;
    Result<Plan> plan; // or why the point cannot be run
};

// What a plan of some points comes to, as people read it: "6 points, 9 measurements", or the one
// sentence of why it cannot be; `good` says which.
struct SweepOffer {
    bool good = false;
    std::string sentence;
};
SweepOffer offer_of(const Result<std::vector<SweepPlan>> &plans);

struct SweepState {
    std::size_t parameter = 0;       // of sweep_parameters(), to be run
    std::vector<std::string> values; // of each parameter, as typed; its example until then
    std::optional<std::string> shown; // which sweep, by name_of(); nothing: the longest
    std::optional<OperatorId> op;     // whose lines; nothing: the selected one's
    bool all_operators = false;
    std::optional<bool> log_x; // nothing: where it suits the values
    bool log_y = true;
    charts::PlotState plot;

    // What Run would do: made anew when asked for otherwise, and now and then, as the workload on
    // the left may have changed.
    SweepOffer offer;
    std::string offered_for; // parameter and values
    double offered_at = -1;  // by ImGui's clock

    // What was found in the session that is shown.
    SessionPtr session;
    std::vector<FoundSweep> sweeps;
    std::size_t at = 0; // the one that the lines are of
    std::vector<SweepLine> lines;
};

struct SweepActions {
    std::function<Result<std::vector<SweepPlan>>(const std::vector<SweepAxis> &)> plans;
    std::function<void(const std::vector<SweepPlan> &)> run;
};

// "Tokens: Mixtral-8x7B, rank 16, uniform, on cuda:0"
std::string name_of(const FoundSweep &sweep);

// A logarithmic axis where all values are positive and span an order of magnitude nearly.
bool suits_log(const FoundSweep &sweep);

void draw_sweep(const ViewContext &context, SweepState &state, const SweepActions &actions);

} // namespace moescope
