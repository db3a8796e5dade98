// What samples a device while launches run: counters over time, and the instructions warps wait at.
// CUPTI on a GPU, scripts in tests. While one lives, no other reads the device's counters.
#pragma once

#include "profiler/session/collected.h"
#include "profiler/session/records.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace moescope {

// The most that one stop() gives; the rest would be lost.
inline constexpr std::int64_t kMostPmSamples = 2048;

struct PmSample {
    std::int64_t start_ns = 0, end_ns = 0; // on the session's clock
    std::vector<double> values;            // by metric
};

struct PmReading {
    std::vector<PmSample> samples; // by time
    bool overflowed = false;       // there were more: the end is missing
};

class PmSampler {
  public:
    virtual ~PmSampler() = default;
    virtual const std::vector<NameId> &metrics() const = 0; // as they are read
    virtual Status start() = 0;                             // with the device idle, as for stop()
    virtual Result<PmReading> stop() = 0;                   // what was sampled since start()
};

struct PcReading {
    std::vector<PcSampleRecord> samples; // measurement unset; each place and stall once
    std::uint64_t total = 0, dropped = 0;
};

class PcSampler {
  public:
    virtual ~PcSampler() = default;
    virtual Status start() = 0;
    virtual Result<PcReading> stop() = 0;
};

} // namespace moescope
