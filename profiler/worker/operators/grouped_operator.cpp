#include "profiler/worker/operators/kernel_call.h"
#include "profiler/worker/operators/operator.h"
#include "profiler/worker/operators/tile_args.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace moescope {

namespace {

// gate_up: x by token, y grouped by expert. down: x grouped by expert, y by slot. Their gradients
// are the same operator on dY with everything transposed: dX = dY*W^T + s * (dY*B)*A; that of gate_up
// is a row a slot, which each token then adds up.
class GroupedOperator final : public Operator {
  public:
    explicit GroupedOperator(OperatorId op) : op_(op) {}

    Status prepare(Device &device, const Workload &workload, const PreparedRouting &routing) override {
        device_ = &device;
        workload_ = &workload;
        routing_ = &routing;
        set_args();
        MOESCOPE_TRY(make_inputs());
        const std::int64_t row_bytes = args_.n * bytes_of(workload.model.dtype);
        if (adds_slots())
            MOESCOPE_TRY(allocate(device, sum_, routing.tokens * row_bytes, name() + " output"));
        return allocate(device, y_, routing.slots * row_bytes, name() + (adds_slots() ? " rows" : " output"));
    }

    Status select(std::string_view variant, const TileConfig &config) override {
        const bool lora = variant != "base";
        group_ = lora ? "lora" : "base";
        choose_variant(args_, *workload_, variant);
        args_.config = kernel_config(config);
        if (config.is_default())
            MOESCOPE_TRY(choose_config());
        set_pointers();
        MOESCOPE_TRY(make_schedule());
        args_.workspace_bytes = device_->kernels().scatter2scatter_workspace_bytes(&args_);
        MOESCOPE_TRY(allocate(*device_, workspace_, std::int64_t(args_.workspace_bytes), name() + " workspace"));
        args_.workspace = workspace_.data();
        return {};
    }

    Status launch() override {
        MOESCOPE_TRY(kernel_status(device_->kernels().scatter2scatter(&args_, device_->stream()), name()));
        return adds_slots() ? add_slots() : Status{};
    }

    std::vector<OutputView> outputs() const override {
        if (adds_slots())
            return {{sum_.data(), output_type(args_.y_dtype), routing_->tokens * args_.n}};
        return {{y_.data(), output_type(args_.y_dtype), routing_->slots * args_.n}};
    }
    Footprint footprint() const override {
        const std::int64_t lora = args_.rank > 0 ? lora_a_.bytes() + lora_b_.bytes() : 0;
        const std::int64_t indices = routing_->sorted_slots.bytes() + routing_->offsets.bytes() + tiles_.bytes();
        const std::int64_t inputs = x_.bytes() + w_.bytes() + lora + indices, workspace = std::int64_t(args_.workspace_bytes);
        if (adds_slots())
            return {inputs, sum_.bytes(), workspace + y_.bytes()};
        return {inputs, y_.bytes(), workspace};
    }
    std::string_view comparison_group() const override { return group_; }
    TileConfig config() const override { return tile_config(args_.config); }
    const ms_scatter2scatter_args *tile_args() const override { return &args_; }

  private:
    std::string name() const { return std::string(info(op_).name); }
    bool backward() const { return op_ == OperatorId::GateUpDx || op_ == OperatorId::DownDx; }
    bool adds_slots() const { return op_ == OperatorId::GateUpDx; }
    std::int64_t x_rows() const { return op_ == OperatorId::GateUp ? routing_->tokens : routing_->slots; }

    Status add_slots() {
        ms_combine_args combine{};
        combine.struct_size = sizeof combine;
        combine.dtype = combine.out_dtype = args_.y_dtype;
        combine.top_k = routing_->top_k;
        combine.tokens = routing_->tokens;
        combine.width = args_.n;
        combine.y = y_.data();
        combine.y_stride = combine.out_stride = args_.n;
        combine.out = sum_.data();
        return kernel_status(device_->kernels().combine(&combine, device_->stream()), name() + ": adding slots");
    }

    void set_args() {
        args_ = grouped_args(*workload_, op_);
        args_.slots = routing_->slots;
        args_.experts = routing_->experts;
    }

    // Scales that give y a standard deviation near 1/2 and its LoRA part one near 1/4.
    Status make_inputs() {
        auto fill = [this](Buffer &buffer, const char *what, Tensor tensor, std::int64_t count, double scale) {
            return allocate_uniform(*device_, buffer, name() + what, args_.dtype, count,
                                    {workload_->seed, tensor, op_}, nearest_power_of_two(scale));
        };
        const std::int64_t experts = args_.experts, k = args_.k, n = args_.n, rank = workload_->lora_rank;
        const double w_scale = 1.5 / std::sqrt(double(k));
        MOESCOPE_TRY(fill(x_, " input", backward() ? Tensor::Gradient : Tensor::X, x_rows() * k, 1));
        MOESCOPE_TRY(fill(w_, " weights", Tensor::Weights, experts * k * n, w_scale));
        if (rank == 0)
            return {};
        const double scaling = std::max(std::fabs(workload_->lora_scaling), 1e-3);
        MOESCOPE_TRY(fill(lora_a_, " LoRA A", Tensor::LoraA, experts * rank * k, w_scale));
        return fill(lora_b_, " LoRA B", Tensor::LoraB, experts * n * rank, 1 / (scaling * std::sqrt(double(rank))));
    }

    // The CPU has no tiles: its config stays the default.
    Status choose_config() {
        const ms_status status = device_->kernels().scatter2scatter_default_config(&args_, &args_.config);
        return status == MS_UNSUPPORTED ? Status{} : kernel_status(status, "choosing a tile");
    }

    void set_pointers() {
        args_.x = x_.data();
        args_.w = w_.data();
        args_.lora_a = args_.rank > 0 ? lora_a_.data() : nullptr;
        args_.lora_b = args_.rank > 0 ? lora_b_.data() : nullptr;
        args_.y = y_.data();
        args_.sorted_slots = routing_->sorted_slots.as<std::int32_t>();
        args_.offsets = routing_->offsets.as<std::int32_t>();
    }

    Status make_schedule() {
        const std::int32_t block_rows = args_.config.block_m;
        if (block_rows == 0)
            return {};
        const std::int64_t bytes =
            ms_max_tiles(args_.slots, args_.experts, block_rows) * std::int64_t(sizeof(ms_tile));
        if (bytes > tiles_.bytes())
            MOESCOPE_TRY(allocate(*device_, tiles_, bytes, name() + " tile schedule"));
        args_.tiles = tiles_.as<ms_tile>();
        ms_tile_schedule_args schedule{};
        schedule.struct_size = sizeof schedule;
        schedule.experts = args_.experts;
        schedule.offsets = args_.offsets;
        schedule.slots = args_.slots;
        schedule.block_rows = block_rows;
        schedule.tiles = tiles_.as<ms_tile>();
        return kernel_status(device_->kernels().tile_schedule(&schedule, device_->stream()), "scheduling tiles");
    }

    const OperatorId op_;
    Device *device_ = nullptr;
    const Workload *workload_ = nullptr;
    const PreparedRouting *routing_ = nullptr;
    std::string_view group_;
    Buffer x_, w_, lora_a_, lora_b_, y_, sum_, tiles_, workspace_;
    ms_scatter2scatter_args args_{};
};

} // namespace

std::unique_ptr<Operator> make_grouped_operator(OperatorId op) { return std::make_unique<GroupedOperator>(op); }

} // namespace moescope
