// The counters of a measurement by what they count, whatever the chip calls them.
#pragma once

#include "profiler/session/session.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

enum class Counter {
    DurationNs,
    DramRead,    // bytes
    DramWritten, // bytes
    L2Hits,      // % of the sectors looked up
    L2Bytes,
    SmActive,   // % of the time
    TensorPipe, // % of the active cycles
    Occupancy,  // % of the warps an active multiprocessor can hold
};
// As chips call it, most common first.
std::span<const std::string_view> names_of(Counter counter);

// Warps that wait for one reason, on average, at a moment an instruction issues.
struct Stall {
    std::string reason; // "long_scoreboard"
    NameId metric;
    double warps = 0;
};

// What was counted over one range: a repetition as a whole, or one of its kernels.
struct CounterRange {
    std::int32_t kernel = -1; // place in the repetition; -1: the whole of it
    NameId name;              // the kernel's
    struct Value {
        NameId metric;
        double value = 0;
    };
    std::vector<Value> values; // a metric once: its last reading

    // Nothing too where the value is not a number: a share of nothing.
    std::optional<double> find(const Session &session, std::string_view metric) const;
    std::optional<double> find(const Session &session, Counter counter) const;
    // Read and written together.
    std::optional<double> dram_bytes(const Session &session) const;
    // Most warps first; what issues ("selected") is no stall and left out.
    std::vector<Stall> stalls(const Session &session) const;
};

// "long_scoreboard" of "smsp__average_warps_issue_stalled_long_scoreboard_per_issue_active.ratio";
// "" for a metric that is no stall.
std::string_view stall_reason(std::string_view metric);

// Ranges of each measurement, the whole repetition first: its duration, and what is a share of time,
// are those of its kernels together where they were all counted one by one. The one place for that:
// every table, comparison, trace and file reads counters here. update() looks only at what
// the last call had not seen; a session that does not continue the last one starts afresh.
class CountersByMeasurement {
  public:
    void update(const Session &session);
    std::span<const CounterRange> of(MeasurementId measurement) const;
    // The repetition as a whole; null where it was not counted.
    const CounterRange *whole(MeasurementId measurement) const;
    bool any() const { return seen_ > 0; }

  private:
    std::size_t seen_ = 0;
    CounterRecord last_;
    std::vector<std::vector<CounterRange>> ranges_;
};

} // namespace moescope
