#include "profiler/worker/operators/kernel_call.h"
#include "profiler/worker/operators/operator.h"
#include "profiler/worker/operators/tile_args.h"

#include <cmath>
#include <cstdint>
#include <string>

namespace moescope {

namespace {

// gate_up: x by token, dY grouped by expert. down: x grouped by expert, dY by slot. XA and YB are
// what the forward call and dX's would have kept: real products, so that every variant computes the
// same gradients.
class LoraGradOperator final : public Operator {
  public:
    explicit LoraGradOperator(OperatorId op) : op_(op) {}

    Status prepare(Device &device, const Workload &workload, const PreparedRouting &routing) override {
        device_ = &device;
        workload_ = &workload;
        routing_ = &routing;
        set_args();
        MOESCOPE_TRY(make_inputs());
        const std::int64_t outputs = std::int64_t(args_.experts) * args_.rank;
        MOESCOPE_TRY(allocate(device, da_, outputs * args_.k * 4, name() + " dA"));
        MOESCOPE_TRY(allocate(device, db_, outputs * args_.n * 4, name() + " dB"));
        args_.da = da_.data();
        args_.db = db_.data();
        return {};
    }

    Status select(std::string_view variant, const TileConfig &) override {
        choose_variant(args_, variant);
        args_.workspace_bytes = device_->kernels().lora_grad_workspace_bytes(&args_);
        MOESCOPE_TRY(allocate(*device_, workspace_, std::int64_t(args_.workspace_bytes), name() + " workspace"));
        args_.workspace = workspace_.data();
        return {};
    }

    Status launch() override {
        return kernel_status(device_->kernels().lora_grad(&args_, device_->stream()), name());
    }

    std::vector<OutputView> outputs() const override {
        const std::int64_t rows = std::int64_t(args_.experts) * args_.rank;
        const OutputView::Type type = output_type(args_.out_dtype);
        return {{da_.data(), type, rows * args_.k}, {db_.data(), type, rows * args_.n}};
    }
    Footprint footprint() const override {
        const bool recompute = args_.variant == MS_LORA_GRAD_RECOMPUTE;
        const std::int64_t low_rank = recompute ? a_.bytes() + b_.bytes() : xa_.bytes() + yb_.bytes();
        const std::int64_t indices = routing_->sorted_slots.bytes() + routing_->offsets.bytes();
        std::int64_t written = 0;
        for (const OutputView &view : outputs())
            written += view.bytes();
        return {x_.bytes() + dy_.bytes() + low_rank + indices, written, workspace_.bytes()};
    }
    // Results in float32 and in the model's dtype are not compared element by element.
    std::string_view comparison_group() const override {
        return args_.variant == MS_LORA_GRAD_ATOMIC ? "float32" : "";
    }

  private:
    std::string name() const { return std::string(info(op_).name); }
    bool grouped_input() const { return op_ == OperatorId::DownLoraGrad; }

    void set_args() {
        args_ = lora_grad_args(*workload_, op_);
        args_.experts = routing_->experts;
        args_.top_k = routing_->top_k;
        args_.slots = routing_->slots;
        args_.sorted_slots = routing_->sorted_slots.as<std::int32_t>();
        args_.offsets = routing_->offsets.as<std::int32_t>();
    }

    // Scales that give XA and YB a standard deviation near 1/2.
    Status make_inputs() {
        auto fill = [this](Buffer &buffer, const char *what, Tensor tensor, std::int64_t count, double scale) {
            return allocate_uniform(*device_, buffer, name() + what, args_.dtype, count,
                                    {workload_->seed, tensor, op_}, nearest_power_of_two(scale));
        };
        const std::int64_t experts = args_.experts, k = args_.k, n = args_.n, rank = args_.rank;
        MOESCOPE_TRY(fill(x_, " input", Tensor::X, (grouped_input() ? args_.slots : routing_->tokens) * k, 1));
        MOESCOPE_TRY(fill(dy_, " gradient", Tensor::Gradient, args_.slots * n, 1));
        MOESCOPE_TRY(fill(a_, " LoRA A", Tensor::LoraA, experts * rank * k, 1.5 / std::sqrt(double(k))));
        MOESCOPE_TRY(fill(b_, " LoRA B", Tensor::LoraB, experts * n * rank, 1.5 / std::sqrt(double(n))));
        args_.x = x_.data(), args_.dy = dy_.data();
        args_.lora_a = a_.data(), args_.lora_b = b_.data();
        ms_scatter2scatter_args of_x{}, of_dy{};
        of_x.x = x_.data();
        of_x.x_grouped = args_.x_grouped;
        of_x.top_k = args_.top_k;
        of_x.k = args_.k;
        of_x.lora_a = a_.data();
        of_dy.x = dy_.data();
        of_dy.x_grouped = args_.dy_grouped;
        of_dy.top_k = 1;
        of_dy.k = args_.n;
        of_dy.lora_a = b_.data();
        of_dy.lora_a_transposed = 1;
        MOESCOPE_TRY(make_low_rank(of_x, xa_, " XA"));
        MOESCOPE_TRY(make_low_rank(of_dy, yb_, " YB"));
        args_.xa = xa_.data();
        args_.yb = yb_.data();
        return {};
    }

    // x * lora_a^T by sorted position, as scatter2scatter keeps it: here beside a product of 8 columns
    // that nobody reads.
    Status make_low_rank(ms_scatter2scatter_args args, Buffer &out, const char *what) {
        constexpr std::int32_t kColumns = 8;
        const std::int64_t experts = args_.experts, element = bytes_of(workload_->model.dtype);
        const std::int64_t columns = (args_.rank + 7) / 8 * 8;
        Buffer w, b, y, tiles;
        MOESCOPE_TRY(allocate(*device_, out, args_.slots * columns * element, name() + what));
        MOESCOPE_TRY(allocate(*device_, y, args_.slots * kColumns * element, name() + what));
        for (auto [buffer, depth] : {std::pair{&w, args.k}, std::pair{&b, args_.rank}}) {
            MOESCOPE_TRY(allocate(*device_, *buffer, experts * depth * kColumns * element, name() + what));
            MOESCOPE_TRY(device_->fill_byte(buffer->data(), 0, buffer->bytes()));
        }
        args.struct_size = sizeof args;
        args.dtype = args.y_dtype = args_.dtype;
        args.variant = MS_S2S_EXTRA_K;
        args.x_stride = args.k;
        args.w = w.data();
        args.n = kColumns;
        args.y_stride = kColumns;
        args.y_grouped = 1;
        args.rank = args_.rank;
        args.scaling = 1;
        args.lora_b = b.data();
        args.y = y.data();
        args.sorted_slots = args_.sorted_slots;
        args.offsets = args_.offsets;
        args.slots = args_.slots;
        args.experts = args_.experts;
        args.xa = out.data();
        MOESCOPE_TRY(make_schedule(args, tiles));
        MOESCOPE_TRY(kernel_status(device_->kernels().scatter2scatter(&args, device_->stream()), name() + what));
        return device_->synchronize(); // before its buffers go
    }

    Status make_schedule(ms_scatter2scatter_args &args, Buffer &tiles) {
        const ms_status status = device_->kernels().scatter2scatter_default_config(&args, &args.config);
        if (status == MS_UNSUPPORTED) // the CPU has no tiles
            return {};
        MOESCOPE_TRY(kernel_status(status, "choosing a tile"));
        ms_tile_schedule_args schedule{};
        schedule.struct_size = sizeof schedule;
        schedule.experts = args.experts;
        schedule.offsets = args.offsets;
        schedule.slots = args.slots;
        schedule.block_rows = args.config.block_m;
        const std::int64_t count = ms_max_tiles(args.slots, args.experts, args.config.block_m);
        MOESCOPE_TRY(allocate(*device_, tiles, count * std::int64_t(sizeof(ms_tile)), name() + " tile schedule"));
        schedule.tiles = tiles.as<ms_tile>();
        args.tiles = schedule.tiles;
        return kernel_status(device_->kernels().tile_schedule(&schedule, device_->stream()), "scheduling tiles");
    }

    const OperatorId op_;
    Device *device_ = nullptr;
    const Workload *workload_ = nullptr;
    const PreparedRouting *routing_ = nullptr;
    Buffer x_, dy_, a_, b_, xa_, yb_, da_, db_, workspace_;
    ms_lora_grad_args args_{};
};

} // namespace

std::unique_ptr<Operator> make_lora_grad_operator(OperatorId op) { return std::make_unique<LoraGradOperator>(op); }

} // namespace moescope
