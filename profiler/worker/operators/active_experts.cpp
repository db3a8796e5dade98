#include "profiler/worker/operators/active_experts.h"

#include "profiler/worker/operators/kernel_call.h"

#include <algorithm>

namespace moescope {

Status ActiveExperts::prepare(Device &device, const PreparedRouting &routing) {
    device_ = &device;
    capacity_ = std::int32_t(std::min<std::int64_t>(routing.experts, routing.slots));
    MOESCOPE_TRY(allocate(device, active_, 4 * std::int64_t(routing.experts), "active experts"));
    MOESCOPE_TRY(allocate(device, remap_, 4 * std::int64_t(routing.experts), "expert remap"));
    MOESCOPE_TRY(allocate(device, count_, 4, "active expert count"));
    MOESCOPE_TRY(allocate(device, scratch_, 8, "queue of tiles"));
    MOESCOPE_TRY(device.fill_byte(scratch_.data(), 0, scratch_.bytes()));
    args_.struct_size = sizeof args_;
    args_.experts = routing.experts;
    args_.ids = routing.ids.as<std::int32_t>();
    args_.slots = routing.slots;
    args_.active = active_.as<std::int32_t>();
    args_.remap = remap_.as<std::int32_t>();
    args_.count = count_.as<std::int32_t>();
    return {};
}

Status ActiveExperts::launch() {
    return kernel_status(device_->kernels().active_experts(&args_, device_->stream()), "active_experts");
}

void ActiveExperts::attach(ms_selective_dequant_args &args) const {
    args.ids = args_.ids;
    args.slots = args_.slots;
    args.active = args_.active;
    args.remap = args_.remap;
    args.count = args_.count;
    args.scratch = scratch_.as<std::uint32_t>();
}

std::vector<OutputView> ActiveExperts::outputs() const {
    return {{active_.data(), OutputView::Type::I32, args_.experts},
            {remap_.data(), OutputView::Type::I32, args_.experts},
            {count_.data(), OutputView::Type::I32, 1}};
}

} // namespace moescope
