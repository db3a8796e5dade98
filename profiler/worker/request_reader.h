// Reads requests on a thread of its own, so that a cancellation is seen while a run goes on. When the
// other side is gone the process ends at once: there is nobody left to work for.
#pragma once

#include "protocol/worker.pb.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <set>

namespace moescope {

class RequestReader {
  public:
    // Starts reading from `fd`, for as long as the process lives. Where nothing comes for
    // lifeline_seconds (0: never mind), not even an empty message, the other side counts as gone too: a
    // broken network says nothing, and somebody else may be measuring here by then.
    explicit RequestReader(int fd, int lifeline_seconds = 0);

    // Waits for the next request other than Cancel. One that was cancelled while it waited comes too.
    wire::ToWorker next();
    // Whether the request that next() returned last is to stop.
    const std::atomic<bool> &cancelled() const { return cancelled_; }

  private:
    void read_all();
    void accept(wire::ToWorker message);

    const int fd_, lifeline_seconds_;
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<wire::ToWorker> waiting_;
    std::set<std::uint64_t> cancelled_waiting_; // requests not yet handed out
    std::uint64_t current_ = 0;
    std::atomic<bool> cancelled_ = false;
};

} // namespace moescope
