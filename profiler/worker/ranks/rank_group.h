// The ranks that carry out one plan in step: their meeting, and the way rows travel between their
// devices' memories.
#pragma once

#include "profiler/ranks/meeting.h"
#include "profiler/worker/device.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace moescope {

// Rows of every rank to every other. They lie one after the other, by the rank they go to or come from.
struct RowExchange {
    const void *send = nullptr;
    void *receive = nullptr;
    std::int64_t row_bytes = 0;
    std::span<const std::int64_t> send_rows, receive_rows; // by rank
};

class RowTransport {
  public:
    virtual ~RowTransport() = default;
    virtual DeviceInfo::Capability capability() const = 0; // its name and version
    // All at once, in the order of the device's stream. Every rank makes the same calls.
    virtual Status exchange(std::span<const RowExchange> exchanges) = 0;
    // What every rank enqueues after it starts when the last one has come so far.
    virtual Status line_up() = 0;
    // Ends what waits on the device for ranks that have left; any thread may, once.
    virtual void give_up() {}
};

// Through TCP, between memories of hosts: done when the call returns.
Result<std::unique_ptr<RowTransport>> make_tcp_transport(Meeting &meeting);

class RankGroup {
  public:
    static Result<std::unique_ptr<RankGroup>> join(const MeetingPlace &place, Device &device);
    RankGroup(std::unique_ptr<Meeting> meeting, std::unique_ptr<RowTransport> transport);
    ~RankGroup(); // waits for those that are not so far

    std::int32_t rank() const { return meeting_->rank(); }
    std::int32_t size() const { return meeting_->size(); }
    RowTransport &transport() { return *transport_; }

    // What rank 0 says, on all ranks: they go on alike.
    Result<std::int32_t> as_rank_0(std::int32_t mine);
    // After a failure the others must not wait for this rank.
    void leave() { meeting_->leave(); }

  private:
    // A rank that has left, or that has not come so far for longer than the others' patience, leaves kernels of the
    // others waiting for it: they, and their hosts, are freed.
    void watch(const std::stop_token &stop);

    std::unique_ptr<Meeting> meeting_;
    std::unique_ptr<RowTransport> transport_;
    std::atomic<std::int64_t> in_step_ns_; // when all were so far for the last time
    std::mutex sleep_;
    std::condition_variable_any wake_;
    std::jthread watcher_; // ends before what it watches
};

} // namespace moescope
