#include "profiler/worker/operators/kernel_call.h"
#include "profiler/worker/operators/operator.h"
#include "profiler/workload/topk_args.h"

#include <utility>

namespace moescope {

namespace {

constexpr std::int32_t kBlockRows = 64; // of the schedule that is made along

class RouteOperator final : public Operator {
  public:
    Status prepare(Device &device, const Workload &workload, const PreparedRouting &routing) override {
        device_ = &device;
        experts_ = routing.experts;
        slots_ = routing.slots;
        MOESCOPE_TRY(make_topk(workload));
        MOESCOPE_TRY(make_metadata());
        args_.struct_size = sizeof args_;
        args_.block_rows = kBlockRows;
        args_.topk = &topk_;
        args_.counts = metadata_.counts;
        args_.offsets = metadata_.offsets;
        args_.sorted_slots = metadata_.sorted_slots;
        args_.inverse = metadata_.inverse;
        args_.tiles = metadata_.tiles;
        args_.workspace_bytes = device.kernels().route_workspace_bytes(&args_);
        MOESCOPE_TRY(allocate(device, workspace_, std::int64_t(args_.workspace_bytes), "route workspace"));
        args_.workspace = metadata_.workspace = workspace_.data();
        metadata_.workspace_bytes = args_.workspace_bytes; // enough for the sort alone, too
        return {};
    }
    Status select(std::string_view variant, const TileConfig &) override {
        one_launch_ = variant == "one_launch";
        return {};
    }
    Status launch() override {
        const KernelTable &kernels = device_->kernels();
        if (one_launch_)
            return kernel_status(kernels.route(&args_, device_->stream()), "route");
        MOESCOPE_TRY(kernel_status(kernels.topk(&topk_, device_->stream()), "topk"));
        return kernel_status(kernels.route_metadata(&metadata_, device_->stream()), "route_metadata");
    }

    std::vector<OutputView> outputs() const override {
        const auto all = OutputView::Type::I32;
        return {{ids_.data(), all, slots_},          {weights_.data(), OutputView::Type::F32, slots_},
                {counts_.data(), all, experts_},     {offsets_.data(), all, experts_ + 1},
                {sorted_slots_.data(), all, slots_}, {inverse_.data(), all, slots_},
                {tiles_.data(), all, tiles_.bytes() / 4}};
    }
    Footprint footprint() const override {
        std::int64_t outputs = 0;
        for (const OutputView &view : this->outputs())
            outputs += view.bytes();
        return {logits_.bytes() + bias_.bytes(), outputs, workspace_.bytes()};
    }
    std::string_view comparison_group() const override { return "route"; }

  private:
    Status make_topk(const Workload &workload) {
        topk_ = topk_args(workload.model, workload.tokens);
        topk_.logits_dtype = kernel_dtype(workload.model.router_logits()); // as the floor counts them
        Result<Buffer> logits = make_routing_logits(*device_, workload, topk_.logits_dtype);
        MOESCOPE_TRY(logits);
        logits_ = std::move(*logits);
        if (workload.model.correction_bias)
            MOESCOPE_TRY(allocate_uniform(*device_, bias_, "correction bias", MS_F32, experts_,
                                          {workload.seed, Tensor::Bias, OperatorId::Route}, 0.125f));
        MOESCOPE_TRY(allocate(*device_, weights_, slots_ * 4, "top-k weights"));
        MOESCOPE_TRY(allocate(*device_, ids_, slots_ * 4, "top-k ids"));
        topk_.logits = logits_.data();
        topk_.bias = bias_.as<float>();
        topk_.weights = weights_.as<float>();
        topk_.ids = ids_.as<std::int32_t>();
        return {};
    }
    Status make_metadata() {
        const std::int64_t tile_bytes =
            ms_max_tiles(slots_, std::int32_t(experts_), kBlockRows) * std::int64_t(sizeof(ms_tile));
        MOESCOPE_TRY(allocate(*device_, counts_, experts_ * 4, "counts"));
        MOESCOPE_TRY(allocate(*device_, offsets_, (experts_ + 1) * 4, "offsets"));
        MOESCOPE_TRY(allocate(*device_, sorted_slots_, slots_ * 4, "sorted slots"));
        MOESCOPE_TRY(allocate(*device_, inverse_, slots_ * 4, "inverse of sorted slots"));
        MOESCOPE_TRY(allocate(*device_, tiles_, tile_bytes, "tile schedule"));
        metadata_.struct_size = sizeof metadata_;
        metadata_.experts = std::int32_t(experts_);
        metadata_.ids = topk_.ids;
        metadata_.slots = slots_;
        metadata_.counts = counts_.as<std::int32_t>();
        metadata_.offsets = offsets_.as<std::int32_t>();
        metadata_.sorted_slots = sorted_slots_.as<std::int32_t>();
        metadata_.inverse = inverse_.as<std::int32_t>();
        metadata_.block_rows = kBlockRows;
        metadata_.tiles = tiles_.as<ms_tile>();
        return {};
    }

    Device *device_ = nullptr;
    std::int64_t experts_ = 0, slots_ = 0;
    bool one_launch_ = true;
    Buffer logits_, bias_, weights_, ids_, counts_, offsets_, sorted_slots_, inverse_, tiles_, workspace_;
    ms_topk_args topk_{};
    ms_route_metadata_args metadata_{};
    ms_route_args args_{};
};

} // namespace

std::unique_ptr<Operator> make_route_operator() { return std::make_unique<RouteOperator>(); }

} // namespace moescope
