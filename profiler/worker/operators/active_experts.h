// The distinct experts among a routing's ids: the first step of everything that works on active
// experts only.
#pragma once

#include "profiler/worker/operators/operator.h"

namespace moescope {

class ActiveExperts {
  public:
    Status prepare(Device &device, const PreparedRouting &routing);
    Status launch();
    // Lets a dequantisation find the experts itself, in its own launch.
    void attach(ms_selective_dequant_args &args) const;

    // Rows an array of active experts needs, known without asking the device.
    std::int32_t capacity() const { return capacity_; }
    const std::int32_t *active() const { return active_.as<std::int32_t>(); }
    const std::int32_t *count() const { return count_.as<std::int32_t>(); }
    std::int64_t output_bytes() const { return active_.bytes() + remap_.bytes() + count_.bytes(); }
    std::int64_t workspace_bytes() const { return scratch_.bytes(); }
    std::vector<OutputView> outputs() const;

  private:
    Device *device_ = nullptr;
    std::int32_t capacity_ = 0;
    Buffer active_, remap_, count_, scratch_;
    ms_active_experts_args args_{};
};

} // namespace moescope
