#include "profiler/worker/operators/active_experts.h"

#include "kernels/common/float_types.h"
#include "profiler/worker/operators/kernel_call.h"
#include "profiler/workload/cost.h"

namespace moescope {

namespace {

// Copies gate_up's A [R, K] and B [N, R] of the active experts into compact arrays.
class SelectLoraOperator final : public Operator {
  public:
    Status prepare(Device &device, const Workload &workload, const PreparedRouting &routing) override {
        device_ = &device;
        active_count_ = routing.active_experts();
        id_bytes_ = routing.ids.bytes();
        MOESCOPE_TRY(active_.prepare(device, routing));
        const WeightSize size = weight_size(workload.model, OperatorId::SelectLora);
        MOESCOPE_TRY(make_pair(a_, "LoRA A", Tensor::LoraA, workload, size.k * workload.lora_rank));
        return make_pair(b_, "LoRA B", Tensor::LoraB, workload, size.n * workload.lora_rank);
    }
    Status select(std::string_view, const TileConfig &) override { return {}; }
    Status launch() override {
        MOESCOPE_TRY(active_.launch());
        for (const Pair *pair : {&a_, &b_})
            MOESCOPE_TRY(
                kernel_status(device_->kernels().select_experts(&pair->args, device_->stream()), "select_experts"));
        return {};
    }

    std::vector<OutputView> outputs() const override {
        std::vector<OutputView> views = active_.outputs();
        for (const Pair *pair : {&a_, &b_})
            views.push_back({pair->selected.data(), output_type(dtype_), active_count_ * pair->args.row_bytes / size_of(dtype_)});
        return views;
    }
    Footprint footprint() const override {
        return {a_.all.bytes() + b_.all.bytes() + id_bytes_,
                a_.selected.bytes() + b_.selected.bytes() + active_.output_bytes(), 0};
    }

  private:
    struct Pair {
        Buffer all, selected;
        ms_select_experts_args args{};
    };

    Status make_pair(Pair &pair, std::string_view label, Tensor tensor, const Workload &workload, std::int64_t numel) {
        dtype_ = kernel_dtype(workload.model.dtype);
        const std::int64_t experts = workload.model.experts;
        const std::int64_t row_bytes = numel * bytes_of(workload.model.dtype);
        MOESCOPE_TRY(allocate_uniform(*device_, pair.all, label, dtype_, experts * numel,
                                      {workload.seed, tensor, OperatorId::SelectLora}, 1));
        MOESCOPE_TRY(allocate(*device_, pair.selected, active_.capacity() * row_bytes, "selected LoRA"));
        pair.args.struct_size = sizeof pair.args;
        pair.args.src = pair.all.data();
        pair.args.row_bytes = row_bytes;
        pair.args.experts = workload.model.experts;
        pair.args.active = active_.active();
        pair.args.count = active_.count();
        pair.args.capacity = active_.capacity();
        pair.args.dst = pair.selected.data();
        return {};
    }

    Device *device_ = nullptr;
    ms_dtype dtype_ = MS_BF16;
    std::int64_t active_count_ = 0, id_bytes_ = 0;
    ActiveExperts active_;
    Pair a_, b_;
};

} // namespace

std::unique_ptr<Operator> make_select_lora_operator() { return std::make_unique<SelectLoraOperator>(); }

} // namespace moescope
