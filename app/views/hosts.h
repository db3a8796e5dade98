// Where the kernels run: this machine and those behind ssh, what each one's worker does, and what to do
// where there is none.
#pragma once

#include "app/theme.h"
#include "profiler/client/worker_client.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace moescope {

struct HostRow {
    std::string name; // as it was given; "": this machine
    bool started = false; // its worker: else progress says nothing
    WorkerClient::Progress progress;
    bool shown = false;        // its session is the live one of the views
    std::size_t runs = 0;      // in its session
    bool measured = false;     // it has runs to compare with
    bool compared = false;     // they are the comparison's second session
    std::string copying;       // how far the copy of the worker is; "": none
    double copied = -1;        // 0..1, or below 0 when unknown
    std::optional<Error> copy_error; // of the last one
};

struct HostsState {
    bool wanted = false; // open it in the next frame
    std::string entry;
    std::optional<Error> entry_error;
    std::vector<std::string> known; // from ~/.ssh/config and earlier times, to choose from
};

struct HostsActions {
    std::function<void(const std::string &)> connect;
    std::function<void(std::size_t)> show, compare, reconnect, copy, cancel_copy, remove;
};

// "this machine", or the host's name.
std::string title_of(const HostRow &host);
// "ready", "no worker there", "connection lost, trying again in 4 s".
std::string state_text(const HostRow &host);
ImVec4 state_colour(const Theme &theme, const HostRow &host);
// "2 × NVIDIA H200, cpu"; "" before it is known.
std::string devices_text(const std::vector<DeviceInfo> &devices);
// Whether copying this program's worker there is what helps.
bool copy_helps(const HostRow &host);

// A popup of the current window; opens when state.wanted.
void draw_hosts(const Theme &theme, float scale, HostsState &state, const std::vector<HostRow> &hosts,
                const HostsActions &actions);

} // namespace moescope
