// What a run tells as it goes. The worker sends it over the protocol; tests collect it.
#pragma once

#include "profiler/session/records.h"
#include "profiler/worker/device.h"

#include <cstdint>
#include <string>

namespace moescope {

class RunEvents {
  public:
    virtual ~RunEvents() = default;
    virtual void run_started(const DeviceInfo &device) = 0;
    virtual void measurement(std::uint32_t item, const Measurement &measurement) = 0;
    virtual void candidate(std::uint32_t number, const Candidate &candidate) = 0;
    virtual void routing(const RoutingRecord &record) = 0;
    virtual void records(const CaptureBatch &batch) = 0;
    virtual void progress(const std::string &doing, double fraction) = 0;
    virtual void failure(const std::string &where, const Error &error) = 0;
    virtual void log(const std::string &text) = 0;
};

} // namespace moescope
