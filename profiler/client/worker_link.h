// One worker process and the messages to and from it. Used from one thread; nothing blocks but
// wait_for_activity().
#pragma once

#include "profiler/base/result.h"
#include "profiler/client/child_process.h"
#include "profiler/protocol/framing.h"

#include "protocol/worker.pb.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace moescope {

class WorkerLink {
  public:
    // Starts the process and says Hello.
    static Result<std::unique_ptr<WorkerLink>> start(const std::vector<std::string> &argv);

    void send(const wire::ToWorker &message);
    // Sleeps until the worker says something, `wake` becomes readable or the time is over.
    void wait_for_activity(const Descriptor &wake, int timeout_ms);
    // Messages that have arrived in full. Errors: bytes that are no message.
    Result<std::vector<wire::FromWorker>> receive();

    // How it ended ("was ended by SIGSEGV"), once it has and all its messages were received.
    std::optional<std::string> ended();
    int exit_status() const { return child_->exit_status(); } // see ChildProcess
    void kill() { child_->kill(); }
    // The last lines of its standard error.
    std::string last_words() const;

  private:
    explicit WorkerLink(std::unique_ptr<ChildProcess> child) : child_(std::move(child)) {}
    void write_pending();
    void read_errors();

    std::unique_ptr<ChildProcess> child_;
    FrameReader frames_;
    std::string pending_; // frames not yet written
    std::string error_tail_;
};

} // namespace moescope
