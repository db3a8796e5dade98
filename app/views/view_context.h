// What every view gets: the session to show, the one selection that runs through all views, and the
// few actions a view may ask of the shell.
#pragma once

#include "app/theme.h"
#include "app/views/file_question.h"
#include "profiler/client/worker_client.h"
#include "profiler/session/session.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

struct Selection {
    MeasurementId measurement;          // an operator x variant
    std::optional<std::size_t> kernel;  // index into Session::kernels
    std::optional<CandidateId> candidate;
    std::int32_t expert = -1;           // -1: none
    // Hovering is like selecting, for one frame: views set `next`, the shell moves it to `hovered`.
    MeasurementId hovered, next_hovered;
    std::int32_t hovered_expert = -1, next_hovered_expert = -1;
};

enum class ViewId {
    Overview,
    Roofline,
    Dispatch,
    Autotune,
    Routing,
    Timeline,
    Memory,
    Compare,
    Sweep,
    Crossover,
    Source,
    SessionFile,
    Ranks,
    Lessons
};

// What can be run on, host by host.
struct HostDevices {
    std::string host; // "this machine", "user@gpu1"
    std::vector<DeviceInfo> devices;
    bool used = false; // what is run runs there
};

struct Plots; // app/views/plot_area.h

// What ViewContext::tune would tune for.
struct TuneTarget {
    std::string words = "the workload at the left"; // "OLMoE-1B-7B, T 300, R 16, on cuda:0"
    std::string refused = {};                       // why it cannot; "" where it can
};

struct ViewContext {
    SessionPtr session; // never null
    WorkerClient::Progress progress;
    const Theme &theme;
    float scale = 1; // 1, 1.5, 2: multiply every pixel size by it
    Selection &selection;
    RunId run;       // the run shown: the latest, or the one chosen
    // Requests to the shell; each returns at once.
    std::function<void(ViewId)> show;
    std::function<void()> run_plan;              // as the Run button
    std::function<void(PlanItem)> tune;          // one operator x variant, for the workload at the left
    std::function<void(std::string)> copy_text;  // to the clipboard
    std::function<void(std::string)> measure_ceilings; // of a device; see WorkerClient
    std::function<void(std::vector<PlanItem>)> run_items; // on the run's workload
    std::function<void(Plan)> run_this;                   // as it is
    // A kernel's source: the question's number, and its answer once it has come; see WorkerClient. Empty
    // where there is no worker.
    std::function<std::uint64_t(SourceRequest)> ask_source;
    std::function<std::shared_ptr<const SourceAnswer>(std::uint64_t)> take_source;
    // Asks the user for a file and gives its path to the second, frames later; not called when the user changes
    // their mind. Empty where nobody can be asked.
    std::function<void(FileQuestion, std::function<void(std::string)>)> ask_file;
    std::vector<HostDevices> hosts;
    std::function<void(std::size_t host, std::string device)> use_device; // of hosts[host]
    std::function<void()> open_hosts;                                     // the panel
    std::function<void()> wake; // from any thread: there is something new to draw
    Plots *plots = nullptr; // where plots that can be saved tell of themselves; null: nobody asks
    TuneTarget tune_target = {};
    // A shipped session that fills the view; empty where there is none.
    std::function<std::function<void()>(ViewId)> recording_of = {};
    bool on_cpu = false; // what is run runs on the CPU
    // A text with the keys of each command in the place of its {id}.
    std::function<std::string(std::string_view)> with_keys = {};

    std::string keys(std::string_view text) const { return with_keys ? with_keys(text) : std::string(text); }
    std::function<void()> recording(ViewId view) const { return recording_of ? recording_of(view) : std::function<void()>(); }
};

} // namespace moescope
