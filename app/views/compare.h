// "What changed?": two runs side by side, of the open session or of a second one.
#pragma once

#include "app/views/view_context.h"
#include "profiler/compare/comparison.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace moescope {

// Which measurements stand on one side.
struct CompareChoice {
    bool other = false;  // of the second session
    RunId run;           // not valid: all runs
    std::string variant; // "": every one
    friend bool operator==(const CompareChoice &, const CompareChoice &) = default;
};

struct CompareState {
    std::optional<CompareChoice> a, b; // nothing: as default_choices() says
    double threshold = kDefaultThreshold;
    SessionPtr other; // the second session; null while there is none
    std::string host, other_host; // of live sessions, as their user calls them; "": the machine's own name
    std::string path; // of one to open
    bool path_chosen = false; // in a file dialog, since the last frame
    bool busy = false;
    std::optional<Error> problem; // of the last one that was to be opened

    // What the comparison below was made from.
    struct Key {
        SessionPtr session, other;
        CompareChoice a, b;
        double threshold = 0;
        friend bool operator==(const Key &, const Key &) = default;
    };
    Key key;
    Comparison comparison;
};

struct CompareActions {
    std::function<void(std::string)> open; // a second session
    std::vector<std::string> hosts = {};   // others that have measured something
    std::function<void(std::string)> open_host = {};
};

// A second session is B. Of one session alone, the run that is shown is B and the nearest one before
// it A; the first run is A itself.
std::pair<CompareChoice, CompareChoice> default_choices(const Session &session, RunId shown, bool other);

// The smallest span round 1, the same in both directions, that holds every interval: its upper end,
// from twice the threshold up to 100.
double forest_reach(const Comparison &comparison);

// The round ratio to label on both sides of 1 in a plot that reaches so far.
double forest_tick(double reach);

void draw_compare(const ViewContext &context, CompareState &state, const CompareActions &actions);

} // namespace moescope
