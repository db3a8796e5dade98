// Hardware counters of one operator: passes of their own over a repetition, first as one range, then
// kernel by kernel. Nothing else is collected meanwhile.
#pragma once

#include "profiler/worker/counter_source.h"
#include "profiler/worker/device.h"
#include "profiler/worker/operators/operator.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace moescope {

struct CounterRequest {
    std::vector<std::string> metrics; // with alternatives: see profiler/metrics/metric.h
    CacheState cache = CacheState::Cold;
    MeasurementId tag;
    const std::atomic<bool> &cancelled;
};

struct CounterReading {
    std::vector<CounterRecord> records;
    std::int32_t passes = 0;            // of the repetition, all together
    std::vector<std::string> missing;   // metrics the chip does not offer
    bool cancelled = false;             // records are incomplete
    // Whether the operator gives the same bits twice without counters, and how far its result after
    // the passes is from the one before (0: the same bits).
    bool repeatable = true;
    double difference = 0;
};

// Of the selected variant. Before each pass the outputs are spoilt, so that the last pass must have
// written what is found after it, and the L2 is flushed if the plan is cold. Errors: no counters on
// this device or for this user, a failing launch, a result that the passes changed.
Result<CounterReading> read_counters(Device &device, Operator &op, const CounterRequest &request);

// "3 passes in 0.21 s, the result unchanged bit for bit; not offered by this chip: a, b"
std::string counters_text(const CounterReading &reading, double seconds);

// Fills the outputs with bytes that no operator writes: NaN of every floating-point type, -1 as an
// integer.
Status spoil_outputs(Device &device, const Operator &op);

} // namespace moescope
