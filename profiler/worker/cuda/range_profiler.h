// CUPTI's Range Profiler as a counter source: user replay, that is, we run the range again for each
// pass; user ranges for the whole, automatic ones for each kernel.
//
// Lifecycle: open() with a context current and no activity capture; begin(), begin_pass()/end_pass()
// until the last, finish(), as often as wanted. The destructor gives the GPU's counters back.
#pragma once

#include "profiler/worker/counter_source.h"
#include "profiler/worker/device.h"

#include <functional>
#include <memory>

namespace moescope {

// at_end runs when the source goes. Errors: no privilege (the remedy is in the error), another tool
// holds the counters, a chip the toolkit does not know.
Result<std::unique_ptr<CounterSource>> open_range_profiler(int device_index, NameTable &names,
                                                           std::function<void()> at_end);

} // namespace moescope
