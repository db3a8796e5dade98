// The device's clocks, temperature and power while something is measured. A thread of its own asks for
// them, so that the one that launches is not kept waiting.
#pragma once

#include "profiler/worker/device.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace moescope {

class StateSampler {
  public:
    static constexpr std::chrono::milliseconds kInterval{25};

    // Reads once, then every `interval` until stop(). No thread where the device does not tell.
    explicit StateSampler(Device &device, std::chrono::milliseconds interval = kInterval);
    ~StateSampler() { (void)stop(); }
    StateSampler(const StateSampler &) = delete;
    StateSampler &operator=(const StateSampler &) = delete;

    // Reads once more and ends the thread: everything read, by time. Empty from the second call on.
    std::vector<DeviceStateRecord> stop();

  private:
    void read();
    void sample(std::stop_token asked_to_stop, std::chrono::milliseconds interval);

    Device &device_;
    std::mutex mutex_;
    std::condition_variable_any stopping_;
    std::vector<DeviceStateRecord> states_; // the thread's while it runs
    std::jthread thread_;
};

// Clock event reasons that held while a measurement ran: of its states all but the first and the last,
// which were read before and after it.
std::uint64_t reasons_meanwhile(const std::vector<DeviceStateRecord> &states);

} // namespace moescope
