// A grouped product too large for the CPU reference is checked on a few rows: those rows' inputs and
// their experts' weights are fetched and multiplied by the reference.
#pragma once

#include "profiler/worker/check.h"
#include "profiler/worker/operators/routing_inputs.h"

#include <cstdint>
#include <vector>

namespace moescope {

class SampledRows {
  public:
    // Rows spread evenly over the sorted slots, as many as `most_flops` of the reference allow (at
    // least two). `args` are an operator's on `device`.
    static Result<SampledRows> choose(Device &device, const ms_scatter2scatter_args &args, const PreparedRouting &routing,
                                      double most_flops);

    std::size_t size() const { return rows_.size(); }
    // What the device computed for them, and what the reference does from the same inputs.
    Result<HostArray> computed(Device &device, const ms_scatter2scatter_args &args) const;
    Result<HostArray> expected(Device &device, const ms_scatter2scatter_args &args) const;

  private:
    struct Row {
        std::int32_t expert;
        std::int64_t x_row, y_row;
    };
    std::vector<Row> rows_;
};

} // namespace moescope
