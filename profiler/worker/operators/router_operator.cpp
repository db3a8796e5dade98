#include "profiler/worker/operators/kernel_call.h"
#include "profiler/worker/operators/operator.h"
#include "profiler/workload/topk_args.h"

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

class RouterOperator final : public Operator {
  public:
    Status prepare(Device &device, const Workload &workload, const PreparedRouting &routing) override {
        device_ = &device;
        slots_ = routing.slots;
        rank_ = workload.lora_rank;
        MOESCOPE_TRY(make_inputs(workload));
        MOESCOPE_TRY(allocate(*device_, logits_, workload.tokens * workload.model.experts * 4, "router logits"));
        MOESCOPE_TRY(allocate(*device_, weights_, slots_ * 4, "top-k weights"));
        MOESCOPE_TRY(allocate(*device_, ids_, slots_ * 4, "top-k ids"));
        set_args(workload);
        return {};
    }

    Status select(std::string_view variant, const TileConfig &) override {
        const bool lora = variant == "lora";
        group_ = lora ? "lora" : "plain";
        args_.rank = lora ? rank_ : 0;
        args_.lora_a = lora ? lora_a_.data() : nullptr;
        args_.lora_b = lora ? lora_b_.data() : nullptr;
        args_.workspace_bytes = device_->kernels().router_workspace_bytes(&args_);
        MOESCOPE_TRY(allocate(*device_, workspace_, std::int64_t(args_.workspace_bytes), "router workspace"));
        args_.workspace = workspace_.data();
        return {};
    }
    Status launch() override {
        return kernel_status(device_->kernels().router(&args_, device_->stream()), "router");
    }

    std::vector<OutputView> outputs() const override {
        return {{ids_.data(), OutputView::Type::I32, slots_},
                {weights_.data(), OutputView::Type::F32, slots_},
                {logits_.data(), OutputView::Type::F32, logits_.bytes() / 4}};
    }
    Footprint footprint() const override {
        const std::int64_t lora = args_.rank > 0 ? lora_a_.bytes() + lora_b_.bytes() : 0;
        return {hidden_.bytes() + gate_.bytes() + bias_.bytes() + lora,
                logits_.bytes() + weights_.bytes() + ids_.bytes(), std::int64_t(args_.workspace_bytes)};
    }
    std::string_view comparison_group() const override { return group_; }

  private:
    // Scales that give logits a standard deviation near 2, and the LoRA delta one near 1/2.
    Status make_inputs(const Workload &workload) {
        const ModelShape &model = workload.model;
        auto fill = [&](Buffer &buffer, std::string_view label, Tensor tensor, std::int64_t count, double scale,
                        ms_dtype dtype) {
            return allocate_uniform(*device_, buffer, label, dtype, count, {workload.seed, tensor, OperatorId::Router},
                                    nearest_power_of_two(scale));
        };
        const ms_dtype dtype = kernel_dtype(model.dtype);
        const double row_scale = 3 / std::sqrt(double(model.hidden));
        MOESCOPE_TRY(fill(hidden_, "hidden states", Tensor::Hidden, workload.tokens * model.hidden, 1, dtype));
        MOESCOPE_TRY(fill(gate_, "gate weight", Tensor::Gate, std::int64_t(model.experts) * model.hidden, 2 * row_scale, dtype));
        if (model.correction_bias)
            MOESCOPE_TRY(fill(bias_, "correction bias", Tensor::Bias, model.experts, 0.125, MS_F32));
        if (rank_ == 0)
            return {};
        const double b_scale = 1 / (std::max(std::fabs(workload.lora_scaling), 1e-3) * std::sqrt(double(rank_)));
        MOESCOPE_TRY(fill(lora_a_, "gate LoRA A", Tensor::GateLoraA, std::int64_t(rank_) * model.hidden, row_scale, dtype));
        return fill(lora_b_, "gate LoRA B", Tensor::GateLoraB, std::int64_t(model.experts) * rank_, b_scale, dtype);
    }

    void set_args(const Workload &workload) {
        const ModelShape &model = workload.model;
        topk_ = topk_args(model, workload.tokens);
        topk_.weights = weights_.as<float>();
        topk_.ids = ids_.as<std::int32_t>();
        topk_.bias = bias_.as<float>();

        args_.struct_size = sizeof args_;
        args_.dtype = kernel_dtype(model.dtype);
        args_.hidden = hidden_.data();
        args_.hidden_stride = model.hidden;
        args_.gate = gate_.data();
        args_.tokens = workload.tokens;
        args_.hidden_size = model.hidden;
        args_.experts = model.experts;
        args_.scaling = float(workload.lora_scaling);
        args_.logits = logits_.as<float>();
        args_.topk = &topk_;
    }

    Device *device_ = nullptr;
    std::int64_t slots_ = 0;
    std::int32_t rank_ = 0;
    std::string_view group_;
    Buffer hidden_, gate_, bias_, lora_a_, lora_b_, logits_, weights_, ids_, workspace_;
    ms_topk_args topk_{};
    ms_router_args args_{};
};

} // namespace

std::unique_ptr<Operator> make_router_operator() { return std::make_unique<RouterOperator>(); }

} // namespace moescope
