// Sends a run's events over the protocol. Any thread may call progress(), candidate() and log(); the
// rest belongs to the thread that carries out the run.
#pragma once

#include "profiler/metrics/metric.h"
#include "profiler/worker/run_events.h"

#include "protocol/worker.pb.h"

#include <cstdint>
#include <mutex>

namespace moescope {

// Writes framed messages to a file descriptor. A reader that is gone ends the process: there is
// nobody left to work for.
class MessageWriter {
  public:
    explicit MessageWriter(int fd) : fd_(fd) {}
    void write(const wire::FromWorker &message);

  private:
    std::mutex mutex_;
    int fd_;
};

class WireEvents final : public RunEvents {
  public:
    WireEvents(MessageWriter &writer, const NameTable &names) : writer_(writer), names_(names) {}

    void begin(std::uint64_t request) { request_ = request; }
    void finish(RunRecord::State state);
    void metrics(std::uint64_t request, const MetricsAnswer &answer);

    void run_started(const DeviceInfo &device) override;
    void measurement(std::uint32_t item, const Measurement &measurement) override;
    void candidate(std::uint32_t number, const Candidate &candidate) override;
    void routing(const RoutingRecord &record) override;
    void records(const CaptureBatch &batch) override;
    void progress(const std::string &doing, double fraction) override;
    void failure(const std::string &where, const Error &error) override;
    void log(const std::string &text) override;

  private:
    void send_new_names();

    MessageWriter &writer_;
    const NameTable &names_;
    std::size_t names_sent_ = 0;
    std::uint64_t request_ = 0;
};

} // namespace moescope
