#include "profiler/worker/operators/kernel_call.h"
#include "profiler/worker/operators/operator.h"
#include "profiler/workload/topk_args.h"

namespace moescope {

namespace {

ms_topk_variant kernel_variant(std::string_view variant) {
    if (variant == "warp_select")
        return MS_TOPK_WARP_SELECT;
    if (variant == "warp_bitonic")
        return MS_TOPK_WARP_BITONIC;
    return variant == "block_merge_sort" ? MS_TOPK_BLOCK_MERGE_SORT : MS_TOPK_SCALAR;
}

// A plan may ask for the operator of another score than the model's: that one then routes, under
// the model's bias and groups.
RouterKind router_of(OperatorId op, RouterKind own) {
    switch (op) {
    case OperatorId::SigmoidTopk:
        return own == RouterKind::TopkSigmoid ? own : RouterKind::Sigmoid;
    case OperatorId::SqrtSoftplusTopk:
        return RouterKind::SqrtSoftplus;
    default:
        return own == RouterKind::TopkSoftmax ? own : RouterKind::Softmax;
    }
}

class TopkOperator final : public Operator {
  public:
    explicit TopkOperator(OperatorId op) : op_(op) {}

    Status prepare(Device &device, const Workload &workload, const PreparedRouting &routing) override {
        device_ = &device;
        slots_ = routing.slots;
        ModelShape model = workload.model;
        model.router = router_of(op_, model.router);
        args_ = topk_args(model, workload.tokens);
        args_.logits_dtype = kernel_dtype(workload.model.router_logits()); // as the floor counts them
        Result<Buffer> logits = make_routing_logits(device, workload, args_.logits_dtype);
        MOESCOPE_TRY(logits);
        logits_ = std::move(*logits);
        if (model.correction_bias)
            MOESCOPE_TRY(allocate_uniform(device, bias_, "correction bias", MS_F32, model.experts,
                                          {workload.seed, Tensor::Bias, op_}, 0.125f));
        MOESCOPE_TRY(allocate(device, weights_, slots_ * 4, "top-k weights"));
        MOESCOPE_TRY(allocate(device, ids_, slots_ * 4, "top-k ids"));
        args_.logits = logits_.data();
        args_.bias = bias_.as<float>();
        args_.weights = weights_.as<float>();
        args_.ids = ids_.as<std::int32_t>();
        return {};
    }
    Status select(std::string_view variant, const TileConfig &) override {
        args_.variant = kernel_variant(variant);
        return {};
    }
    Status launch() override {
        return kernel_status(device_->kernels().topk(&args_, device_->stream()), info(op_).name);
    }
    std::vector<OutputView> outputs() const override {
        return {{ids_.data(), OutputView::Type::I32, slots_}, {weights_.data(), OutputView::Type::F32, slots_}};
    }
    Footprint footprint() const override {
        return {logits_.bytes() + bias_.bytes(), ids_.bytes() + weights_.bytes(), 0};
    }

  private:
    OperatorId op_;
    Device *device_ = nullptr;
    std::int64_t slots_ = 0;
    Buffer logits_, bias_, weights_, ids_;
    ms_topk_args args_{};
};

} // namespace

std::unique_ptr<Operator> make_topk_operator(OperatorId op) { return std::make_unique<TopkOperator>(op); }

} // namespace moescope
