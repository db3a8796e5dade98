// Compares each variant's result with a reference: the CPU reference where the work is small enough
// for it, else the first variant that computes the same values. The first variant of a large grouped
// product is itself held against the CPU reference on a few rows.
#pragma once

#include "profiler/worker/check.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace moescope {

class ResultCheck {
  public:
    // For one operator of a run; the arguments outlive it.
    ResultCheck(Device &device, const Workload &workload, const PreparedRouting &routing, OperatorId op);
    ~ResultCheck();

    // Of the result `op` just computed as `variant`. Sets relative_error and reference of `out`; they stay
    // unset for a first variant that nothing can be compared with.
    Status check(const Operator &op, std::string_view variant, Measurement &out);

  private:
    struct Reference {
        std::string name;
        std::vector<HostArray> arrays;
    };
    struct OnCpu;

    bool small_enough(std::string_view variant) const;
    Status check_layer(const Operator &op, Measurement &out);
    Status check_sampled_rows(const ms_scatter2scatter_args &args, Measurement &out);
    Status make_cpu_reference(const std::string &group, std::string_view variant);

    Device &device_;
    const Workload &workload_;
    const PreparedRouting &routing_;
    OperatorId op_;
    std::unique_ptr<OnCpu> on_cpu_; // made when first needed
    std::map<std::string, Reference> references_; // by comparison group
};

} // namespace moescope
