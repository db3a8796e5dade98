// Starts a worker (a child process, or ssh HOST moescope-worker), speaks its protocol on a thread of
// its own and feeds a session. Nothing here blocks the caller.
#pragma once

#include "profiler/base/result.h"
#include "profiler/metrics/metric.h"
#include "profiler/remote/remote_host.h"
#include "profiler/remote/ssh_error.h"
#include "profiler/session/session.h"
#include "profiler/session/session_builder.h"
#include "profiler/source/kernel_source.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace moescope {

struct WorkerCommand {
    std::vector<std::string> argv; // {"/path/moescope-worker"} or {"ssh", "user@host", "moescope-worker"}
    std::string label;             // "this machine", "user@host"
    bool remote = false;           // through ssh: its end may be the connection's
    std::chrono::seconds patience{120};        // until it has greeted
    std::chrono::seconds device_patience{120}; // then until it has named its devices: many GPUs wake slowly
};
// The worker beside this program, or the one MOESCOPE_WORKER names; with a host (parse_remote_host()),
// through ssh.
Result<WorkerCommand> find_worker(const std::string &remote = "", SshQuestions questions = SshQuestions::Allowed);

class WorkerClient {
  public:
    // Reconnecting: its connection was lost, and is tried again; what ran goes on then.
    enum class State { Starting, Ready, Running, Restarting, Gone, Reconnecting };
    using Clock = std::chrono::steady_clock;
    struct Progress {
        State state = State::Starting;
        std::string doing;     // "compiling 12 of 48 tiles", "gate_up / fused: 37 samples"
        double fraction = -1;  // of the current run, -1: unknown
        std::string last_words; // the tail of a dead worker's standard error
        Error error;            // why it is Gone, or why the last request was refused
        std::vector<DeviceInfo> devices;
        RemoteTrouble trouble = RemoteTrouble::None;   // of a remote worker: the kind of the error
        std::optional<Clock::time_point> reconnect_at; // while Reconnecting and not trying just now
    };

    // Continues `start` if given (new runs append to it). autosave: file kept up to date, "" for none.
    static std::unique_ptr<WorkerClient> start(WorkerCommand command, SessionPtr start = nullptr,
                                               const std::filesystem::path &autosave = {});
    virtual ~WorkerClient() = default;

    // Queues a plan. A plan queued while another runs with replace = true cancels that one first (Live).
    virtual void run(Plan plan, bool replace = false) = 0;
    virtual void cancel() = 0;
    // Tries again now: a worker that is Gone, a connection that is lost.
    virtual void reconnect() = 0;
    // Measures what a device can do (a second, or some where its kernel is compiled first), once
    // nothing runs and before the next plan. progress().devices has the new ceilings, and so have the
    // runs that follow; progress().error says what could not be measured.
    virtual void measure_ceilings(std::string device = "auto") = 0;
    // Asks the worker what a chip can count; it answers once it is idle. The number of the question.
    virtual std::uint64_t ask(MetricsRequest request) = 0;
    // Its answer, once: null until it has come. A worker that ended meanwhile is an error in the answer.
    virtual std::shared_ptr<const MetricsAnswer> take_answer(std::uint64_t question) = 0;
    // The same of a kernel's source; the numbers are those of one sequence.
    virtual std::uint64_t ask_source(SourceRequest request) = 0;
    virtual std::shared_ptr<const SourceAnswer> take_source(std::uint64_t question) = 0;
    virtual SessionPtr session() const = 0; // latest snapshot, cheap
    virtual Progress progress() const = 0;
    // Blocks until nothing is queued, asked or running (command line); false on time-out (seconds < 0: none).
    virtual bool wait(double seconds = -1) = 0;
    // Called on the client's thread after each new snapshot, to wake a sleeping window.
    virtual void on_change(std::function<void()> callback) = 0;
};

// Of a lost connection: "trying again in 4 s", "trying again".
std::string waiting_text(const WorkerClient::Progress &progress);

} // namespace moescope
