#include "profiler/worker/operators/kernel_call.h"
#include "profiler/worker/operators/operator.h"

namespace moescope {

namespace {

constexpr std::int32_t kBlockRows = 64; // of the schedule that is made along

class RouteMetadataOperator final : public Operator {
  public:
    Status prepare(Device &device, const Workload &, const PreparedRouting &routing) override {
        device_ = &device;
        routing_ = &routing;
        const std::int64_t experts = routing.experts, slots = routing.slots;
        max_tiles_ = ms_max_tiles(slots, routing.experts, kBlockRows);
        MOESCOPE_TRY(allocate(*device_, counts_, experts * 4, "counts"));
        MOESCOPE_TRY(allocate(*device_, offsets_, (experts + 1) * 4, "offsets"));
        MOESCOPE_TRY(allocate(*device_, sorted_slots_, slots * 4, "sorted slots"));
        MOESCOPE_TRY(allocate(*device_, inverse_, slots * 4, "inverse of sorted slots"));
        MOESCOPE_TRY(allocate(*device_, tiles_, max_tiles_ * std::int64_t(sizeof(ms_tile)), "tile schedule"));
        set_args();
        MOESCOPE_TRY(allocate(*device_, workspace_, std::int64_t(args_.workspace_bytes), "route_metadata workspace"));
        args_.workspace = workspace_.data();
        return {};
    }
    Status select(std::string_view, const TileConfig &) override { return {}; }
    Status launch() override {
        return kernel_status(device_->kernels().route_metadata(&args_, device_->stream()), "route_metadata");
    }

    std::vector<OutputView> outputs() const override {
        const auto all = OutputView::Type::I32;
        return {{counts_.data(), all, routing_->experts},
                {offsets_.data(), all, routing_->experts + 1},
                {sorted_slots_.data(), all, routing_->slots},
                {inverse_.data(), all, routing_->slots},
                {tiles_.data(), all, 2 * max_tiles_}};
    }
    Footprint footprint() const override {
        return {routing_->ids.bytes(),
                counts_.bytes() + offsets_.bytes() + sorted_slots_.bytes() + inverse_.bytes() + tiles_.bytes(),
                workspace_.bytes()};
    }

  private:
    void set_args() {
        args_.struct_size = sizeof args_;
        args_.experts = routing_->experts;
        args_.ids = routing_->ids.as<std::int32_t>();
        args_.slots = routing_->slots;
        args_.counts = counts_.as<std::int32_t>();
        args_.offsets = offsets_.as<std::int32_t>();
        args_.sorted_slots = sorted_slots_.as<std::int32_t>();
        args_.inverse = inverse_.as<std::int32_t>();
        args_.block_rows = kBlockRows;
        args_.tiles = tiles_.as<ms_tile>();
        args_.workspace_bytes = device_->kernels().route_metadata_workspace_bytes(&args_);
    }

    Device *device_ = nullptr;
    const PreparedRouting *routing_ = nullptr;
    std::int64_t max_tiles_ = 0;
    Buffer counts_, offsets_, sorted_slots_, inverse_, tiles_, workspace_;
    ms_route_metadata_args args_{};
};

} // namespace

std::unique_ptr<Operator> make_route_metadata_operator() { return std::make_unique<RouteMetadataOperator>(); }

} // namespace moescope
