#include "kernels/common/float_types.h"
#include "kernels/dequant/nf4.h"
#include "profiler/worker/operators/kernel_call.h"
#include "profiler/worker/operators/layer_inputs.h"
#include "profiler/worker/operators/operator.h"

#include "profiler/workload/cost.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

namespace moescope {

namespace {

constexpr float kAbsmaxScale = 0.0625f; // weights of a few hundredths, as trained ones are

// One of the layer's two products, K -> N: its weights in the form that a variant wants, its LoRA.
struct LayerProjection {
    Projection which;
    std::int32_t k = 0, n = 0;
    Buffer w, packed, absmax, lora_a, lora_b, xa;
    ms_expert_weights nf4{};
};

// The layer forward; or backward, after a forward call that no one times.
class LayerOperator final : public Operator {
  public:
    explicit LayerOperator(OperatorId op) : op_(op) {}

    Status prepare(Device &device, const Workload &workload, const PreparedRouting &routing) override {
        device_ = &device;
        workload_ = &workload;
        routing_ = &routing;
        set_args();
        const std::int64_t rows = routing.slots;
        MOESCOPE_TRY(fill_layer_input(device, x_, name(), workload, op_, {routing.first_token, routing.tokens}));
        MOESCOPE_TRY(fill_routing_weights(device, weights_, name(), workload, op_));
        MOESCOPE_TRY(make_rows(h_, " gate and up", rows * gate_up_.n));
        MOESCOPE_TRY(make_rows(act_, " activation", rows * forward_.intermediate));
        MOESCOPE_TRY(make_rows(y_, " experts' rows", rows * forward_.hidden));
        MOESCOPE_TRY(make_rows(out_, " output", routing.tokens * forward_.hidden));
        set_pointers();
        return backward() ? make_backward() : Status{};
    }

    Status select(std::string_view variant, const TileConfig &) override {
        const bool selective = variant.starts_with("selective"), nf4 = selective || variant.starts_with("nf4");
        const bool lora = find_variant(op_, plain_variant(variant))->lora;
        nf4_ = nf4;
        group_ = nf4 ? lora ? "nf4_lora" : "nf4" : lora ? "lora" : "base";
        forward_.rank = lora ? workload_->lora_rank : 0;
        forward_.expand = selective;
        forward_.variant = variant == "split" ? MS_S2S_SPLIT
                           : variant == "extra_k" || (nf4 && lora) ? MS_S2S_EXTRA_K
                                                                        : MS_S2S_FUSED;
        for (auto [from, to] : {std::pair{&gate_up_, &forward_.gate_up}, {&down_, &forward_.down}}) {
            MOESCOPE_TRY(nf4 ? make_nf4(*from) : make_dense(*from));
            if (lora)
                MOESCOPE_TRY(make_lora(*from));
            to->lora_a = lora ? from->lora_a.data() : nullptr;
            to->lora_b = lora ? from->lora_b.data() : nullptr;
            to->xa = from->xa.data();
            to->w = nf4 ? nullptr : from->w.data();
            to->w_quantised = nf4 ? &from->nf4 : nullptr;
        }
        forward_.workspace_bytes = device_->kernels().moe_mlp_workspace_bytes(&forward_);
        MOESCOPE_TRY(allocate(*device_, workspace_, std::int64_t(forward_.workspace_bytes), name() + " workspace"));
        forward_.workspace = workspace_.data();
        return backward() ? select_backward() : Status{};
    }

    std::function<Status()> compile_first() override { return compile_layer(*device_, forward_, name()); }

    Status launch() override { return backward() ? launch_backward() : launch_forward(); }

    std::vector<OutputView> outputs() const override {
        const OutputView::Type type = output_type(forward_.dtype);
        const std::int64_t rows = routing_->tokens * forward_.hidden;
        if (!backward())
            return {{out_.data(), type, rows}};
        std::vector<OutputView> views = {{dx_.data(), type, rows},
                                         {dweights_.data(), OutputView::Type::F32, routing_->slots}};
        if (forward_.rank > 0)
            for (const Buffer &gradient : gradients_)
                views.push_back({gradient.data(), type, gradient.bytes() / size_of(forward_.dtype)});
        return views;
    }
    Footprint footprint() const override {
        const bool nf4 = nf4_, lora = forward_.rank > 0;
        std::int64_t in = x_.bytes() + weights_.bytes() + routing_->sorted_slots.bytes() + routing_->inverse.bytes() +
                          routing_->offsets.bytes() + (nf4 ? code_.bytes() : 0) + dout_.bytes();
        std::int64_t saved = h_.bytes() + act_.bytes() + y_.bytes(), written = 0;
        for (const LayerProjection *each : {&gate_up_, &down_}) {
            in += (nf4 ? each->packed.bytes() + each->absmax.bytes() : each->w.bytes()) +
                  (lora ? each->lora_a.bytes() + each->lora_b.bytes() : 0);
            saved += lora ? each->xa.bytes() : 0;
        }
        for (const OutputView &view : outputs())
            written += view.bytes();
        // The rows between the steps: the forward call's are its scratch, and the backward one's inputs.
        if (backward())
            return {in + saved, written, out_.bytes() + workspace_.bytes() + backward_workspace_.bytes()};
        return {in, written, saved + workspace_.bytes()};
    }
    std::string_view comparison_group() const override { return group_; }

  private:
    std::string name() const { return std::string(info(op_).name); }
    bool backward() const { return op_ == OperatorId::MoeMlpBackward; }

    void set_args() {
        const ModelShape &model = workload_->model;
        forward_.struct_size = sizeof forward_;
        forward_.dtype = kernel_dtype(model.dtype);
        forward_.scaling = float(workload_->lora_scaling);
        forward_.tokens = routing_->tokens;
        forward_.top_k = routing_->top_k;
        forward_.experts = routing_->experts;
        forward_.hidden = model.expert_hidden();
        forward_.intermediate = model.intermediate;
        set_activation(forward_, model);
        forward_.x_stride = forward_.out_stride = forward_.hidden;
        gate_up_ = {.which = Projection::GateUp, .k = forward_.hidden, .n = std::int32_t(model.gate_up_columns())};
        down_ = {.which = Projection::Down, .k = forward_.intermediate, .n = forward_.hidden};
    }

    // The two projections have values of their own.
    FillFor fill_for(const LayerProjection &projection, Tensor tensor) const {
        return {workload_->seed, tensor,
                projection.which == Projection::GateUp ? OperatorId::GateUp : OperatorId::Down};
    }
    Status fill(Buffer &buffer, const char *what, Tensor tensor, std::int64_t count, double scale) {
        return allocate_uniform(*device_, buffer, name() + what, forward_.dtype, count,
                                {workload_->seed, tensor, op_}, nearest_power_of_two(scale));
    }
    Status make_rows(Buffer &buffer, const char *what, std::int64_t count) {
        return allocate(*device_, buffer, count * size_of(forward_.dtype), name() + what);
    }

    Status make_lora(LayerProjection &to) {
        if (to.lora_a.bytes() > 0)
            return {};
        MOESCOPE_TRY(fill_layer_lora(*device_, to.lora_a, to.lora_b, name(), *workload_, to.which, {0, forward_.experts}));
        return make_rows(to.xa, " XA", routing_->slots * ((workload_->lora_rank + 7) / 8 * 8));
    }

    Status make_dense(LayerProjection &to) {
        if (to.w.bytes() > 0)
            return {};
        return fill_layer_weights(*device_, to.w, name(), *workload_, to.which, {0, forward_.experts});
    }

    // Codes and scales are arbitrary bits, as of any weights.
    Status make_nf4(LayerProjection &to) {
        const std::int64_t numel = std::int64_t(to.k) * to.n, count = forward_.experts * numel;
        if (to.packed.bytes() > 0)
            return {};
        const std::int64_t blocks = (count + workload_->quant_block - 1) / workload_->quant_block;
        if (code_.bytes() == 0) {
            MOESCOPE_TRY(allocate(*device_, code_, sizeof kNf4Code, "NF4 code"));
            MOESCOPE_TRY(device_->upload(code_.data(), kNf4Code.data(), sizeof kNf4Code));
        }
        MOESCOPE_TRY(allocate_bytes(*device_, to.packed, name() + " NF4 weights", (count + 1) / 2,
                                    fill_for(to, Tensor::Packed)));
        MOESCOPE_TRY(allocate_uniform(*device_, to.absmax, name() + " absmax", MS_F32, blocks,
                                      fill_for(to, Tensor::Absmax), kAbsmaxScale));
        to.nf4.format = MS_WEIGHTS_NF4;
        to.nf4.experts = forward_.experts;
        to.nf4.expert_numel = numel;
        to.nf4.values = to.packed.data();
        to.nf4.block_size = workload_->quant_block;
        to.nf4.code = code_.as<float>();
        to.nf4.absmax = to.absmax.as<float>();
        return {};
    }

    void set_pointers() {
        forward_.x = x_.data();
        forward_.weights = weights_.as<float>() + routing_->first_token * routing_->top_k;
        forward_.sorted_slots = routing_->sorted_slots.as<std::int32_t>();
        forward_.inverse = routing_->inverse.as<std::int32_t>();
        forward_.offsets = routing_->offsets.as<std::int32_t>();
        forward_.h = h_.data();
        forward_.act = act_.data();
        forward_.y = y_.data();
        forward_.out = out_.data();
        for (ms_moe_projection *each : {&forward_.gate_up, &forward_.down})
            each->w_transposed = 1; // [E, N, K], as torch keeps them
    }

    Status launch_forward() {
        return kernel_status(device_->kernels().moe_mlp(&forward_, device_->stream()), name());
    }

    Status make_backward() {
        MOESCOPE_TRY(fill(dout_, " gradient", Tensor::Gradient, routing_->tokens * forward_.hidden, 1));
        MOESCOPE_TRY(make_rows(dx_, " dX", routing_->tokens * forward_.hidden));
        MOESCOPE_TRY(allocate(*device_, dweights_, 4 * routing_->slots, name() + " routing gradients"));
        backward_.struct_size = sizeof backward_;
        backward_.grad_dtype = forward_.dtype;
        backward_.forward = &forward_;
        backward_.dout = dout_.data();
        backward_.dx = dx_.data();
        backward_.dout_stride = backward_.dx_stride = forward_.hidden;
        backward_.dweights = dweights_.as<float>();
        return {};
    }

    Status make_gradients() {
        const std::int64_t elements = std::int64_t(forward_.experts) * forward_.rank;
        const std::int64_t columns[] = {gate_up_.k, gate_up_.n, down_.k, down_.n};
        void **const pointers[] = {&backward_.da_gate_up, &backward_.db_gate_up, &backward_.da_down, &backward_.db_down};
        for (int i = 0; i < 4; ++i) {
            if (gradients_[i].bytes() == 0)
                MOESCOPE_TRY(make_rows(gradients_[i], " LoRA gradients", elements * columns[i]));
            *pointers[i] = gradients_[i].data();
        }
        return {};
    }

    Status select_backward() {
        if (forward_.rank > 0)
            MOESCOPE_TRY(make_gradients());
        backward_.variant = forward_.variant == MS_S2S_SPLIT ? MS_S2S_SPLIT : MS_S2S_EXTRA_K;
        backward_.workspace_bytes = device_->kernels().moe_mlp_backward_workspace_bytes(&backward_);
        MOESCOPE_TRY(allocate(*device_, backward_workspace_, std::int64_t(backward_.workspace_bytes), name() + " workspace"));
        backward_.workspace = backward_workspace_.data();
        if (const auto compile = compile_first())
            MOESCOPE_TRY(compile());
        return launch_forward();
    }

    Status launch_backward() {
        return kernel_status(device_->kernels().moe_mlp_backward(&backward_, device_->stream()), name());
    }

    const OperatorId op_;
    Device *device_ = nullptr;
    const Workload *workload_ = nullptr;
    const PreparedRouting *routing_ = nullptr;
    std::string_view group_;
    bool nf4_ = false;
    LayerProjection gate_up_, down_;
    Buffer x_, weights_, code_, h_, act_, y_, out_, workspace_;
    Buffer dout_, dx_, dweights_, gradients_[4], backward_workspace_;
    ms_moe_mlp_args forward_{};
    ms_moe_mlp_backward_args backward_{};
};

} // namespace

std::unique_ptr<Operator> make_layer_operator(OperatorId op) { return std::make_unique<LayerOperator>(op); }

} // namespace moescope
