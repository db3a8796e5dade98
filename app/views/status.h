// The bottom line: what the worker does, how far it is, and what went wrong.
#pragma once

#include "app/views/view_context.h"

#include <string>
#include <vector>

namespace moescope {

struct StatusState {
    std::vector<Error> problems; // of the window itself: settings, files, themes
    std::string notice;          // said in passing, until then by ImGui's clock
    double notice_until = 0;
};

// Everything that went wrong, the newest first: the window's own problems, the worker's, the
// session's failures and drops.
std::vector<Error> problems_of(const ViewContext &context, const StatusState &state);
// "Ready", "Running", "Restarting": a word or two for the worker's state.
const char *name_of(WorkerClient::State state);
ImVec4 state_colour(const Theme &theme, const WorkerClient::Progress &progress);

// Fills the current window but for `reserved` pixels at its right end; stop: the Stop button.
void draw_status(ViewContext &context, StatusState &state, const std::function<void()> &stop,
                 float reserved);

} // namespace moescope
