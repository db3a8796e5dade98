#include "profiler/worker/operators/kernel_call.h"
#include "profiler/worker/operators/operator.h"
#include "profiler/worker/operators/topk_args.h"

namespace moescope {

namespace {

ms_topk_variant kernel_variant(std::string_view variant) {
    if (variant == "warp_bitonic")
        return MS_TOPK_WARP_BITONIC;
    return variant == "block_merge_sort" ? MS_TOPK_BLOCK_MERGE_SORT : MS_TOPK_SCALAR;
}

// Inputs and outputs softmax_topk and sigmoid_topk have in common.
class TopkOperator : public Operator {
  public:
    Status prepare(Device &device, const Workload &workload, const PreparedRouting &routing) override {
        device_ = &device;
        slots_ = routing.slots;
        Result<Buffer> logits = make_routing_logits(device, workload);
        MOESCOPE_TRY(logits);
        logits_ = std::move(*logits);
        MOESCOPE_TRY(allocate(device, weights_, slots_ * 4, "top-k weights"));
        MOESCOPE_TRY(allocate(device, ids_, slots_ * 4, "top-k ids"));
        return prepare_args(workload);
    }
    std::vector<OutputView> outputs() const override {
        return {{ids_.data(), OutputView::Type::I32, slots_}, {weights_.data(), OutputView::Type::F32, slots_}};
    }
    Footprint footprint() const override {
        return {logits_.bytes() + bias_.bytes(), ids_.bytes() + weights_.bytes(), 0};
    }

  protected:
    virtual Status prepare_args(const Workload &workload) = 0;
    template <typename Args> void set_pointers(Args &args) const {
        args.logits = logits_.data();
        args.weights = weights_.as<float>();
        args.ids = ids_.as<std::int32_t>();
    }

    Device *device_ = nullptr;
    std::int64_t slots_ = 0;
    Buffer logits_, bias_, weights_, ids_;
};

class SoftmaxTopkOperator final : public TopkOperator {
  public:
    Status select(std::string_view variant, const TileConfig &) override {
        args_.variant = kernel_variant(variant);
        return {};
    }
    Status launch() override {
        return kernel_status(device_->kernels().softmax_topk(&args_, device_->stream()), "softmax_topk");
    }

  private:
    Status prepare_args(const Workload &workload) override {
        args_ = softmax_args(workload.model, workload.tokens);
        set_pointers(args_);
        return {};
    }
    ms_softmax_topk_args args_{};
};

class SigmoidTopkOperator final : public TopkOperator {
  public:
    Status select(std::string_view, const TileConfig &) override { return {}; }
    Status launch() override {
        return kernel_status(device_->kernels().sigmoid_topk(&args_, device_->stream()), "sigmoid_topk");
    }

  private:
    Status prepare_args(const Workload &workload) override {
        args_ = sigmoid_args(workload.model, workload.tokens);
        set_pointers(args_);
        if (!workload.model.correction_bias)
            return {};
        MOESCOPE_TRY(allocate_uniform(*device_, bias_, "correction bias", MS_F32, workload.model.experts,
                                      {workload.seed, Tensor::Bias, OperatorId::SigmoidTopk}, 0.125f));
        args_.bias = bias_.as<float>();
        return {};
    }
    ms_sigmoid_topk_args args_{};
};

} // namespace

std::unique_ptr<Operator> make_topk_operator(OperatorId op) {
    if (op == OperatorId::SoftmaxTopk)
        return std::make_unique<SoftmaxTopkOperator>();
    return std::make_unique<SigmoidTopkOperator>();
}

} // namespace moescope
