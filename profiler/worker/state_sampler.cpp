#include "profiler/worker/state_sampler.h"

#include <optional>
#include <utility>

namespace moescope {

StateSampler::StateSampler(Device &device, std::chrono::milliseconds interval) : device_(device) {
    read();
    if (!states_.empty())
        thread_ = std::jthread([this, interval](std::stop_token stop) { sample(std::move(stop), interval); });
}

std::vector<DeviceStateRecord> StateSampler::stop() {
    if (thread_.joinable()) {
        thread_.request_stop();
        thread_.join();
        read();
    }
    return std::exchange(states_, {});
}

void StateSampler::read() {
    if (const std::optional<DeviceStateRecord> state = device_.state())
        states_.push_back(*state);
}

void StateSampler::sample(std::stop_token asked_to_stop, std::chrono::milliseconds interval) {
    std::unique_lock lock(mutex_);
    while (!stopping_.wait_for(lock, asked_to_stop, interval, [&] { return asked_to_stop.stop_requested(); }))
        read();
}

std::uint64_t reasons_meanwhile(const std::vector<DeviceStateRecord> &states) {
    std::uint64_t reasons = 0;
    for (std::size_t i = 1; i + 1 < states.size(); ++i)
        reasons |= states[i].clock_event_reasons;
    return reasons;
}

} // namespace moescope
