#include "profiler/worker/operators/layer_inputs.h"

#include "profiler/workload/cost.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace moescope {

Status fill_layer_input(Device &device, Buffer &buffer, const std::string &name, const Workload &workload, OperatorId salt,
                        Share tokens) {
    const std::int64_t hidden = workload.model.expert_hidden();
    return allocate_uniform(device, buffer, name + " input", kernel_dtype(workload.model.dtype), tokens.count * hidden,
                            {workload.seed, Tensor::X, salt, tokens.first * hidden}, 1);
}

Status fill_layer_weights(Device &device, Buffer &buffer, const std::string &name, const Workload &workload, Projection which,
                          Share experts) {
    const OperatorId salt = which == Projection::GateUp ? OperatorId::GateUp : OperatorId::Down;
    const WeightSize size = weight_size(workload.model, salt);
    return allocate_uniform(device, buffer, name + " weights", kernel_dtype(workload.model.dtype),
                            experts.count * size.numel(),
                            {workload.seed, Tensor::Weights, salt, experts.first * size.numel()},
                            nearest_power_of_two(1.5 / std::sqrt(double(size.k))));
}

Status fill_layer_lora(Device &device, Buffer &a, Buffer &b, const std::string &name, const Workload &workload,
                       Projection which, Share experts) {
    const OperatorId salt = which == Projection::GateUp ? OperatorId::GateUp : OperatorId::Down;
    const WeightSize size = weight_size(workload.model, salt);
    const ms_dtype dtype = kernel_dtype(workload.model.dtype);
    const std::int64_t a_numel = workload.lora_rank * size.k, b_numel = workload.lora_rank * size.n;
    const double scaling = std::max(std::fabs(workload.lora_scaling), 1e-3);
    MOESCOPE_TRY(allocate_uniform(device, a, name + " LoRA A", dtype, experts.count * a_numel,
                                  {workload.seed, Tensor::LoraA, salt, experts.first * a_numel},
                                  nearest_power_of_two(1.5 / std::sqrt(double(size.k)))));
    return allocate_uniform(device, b, name + " LoRA B", dtype, experts.count * b_numel,
                            {workload.seed, Tensor::LoraB, salt, experts.first * b_numel},
                            nearest_power_of_two(1 / (scaling * std::sqrt(double(workload.lora_rank)))));
}

void set_activation(ms_moe_mlp_args &args, const ModelShape &model) {
    constexpr ms_activation kKinds[] = {MS_ACT_SILU, MS_ACT_GELU, MS_ACT_GELU_TANH, MS_ACT_CLAMPED_SWISH, MS_ACT_RELU2};
    args.gated = model.gated;
    args.activation = kKinds[int(model.activation)];
    args.interleaved = model.activation == Activation::ClampedSwish;
    args.alpha = 1.702f;
    args.limit = 7;
}

Status fill_routing_weights(Device &device, Buffer &buffer, const std::string &name, const Workload &workload,
                            OperatorId salt) {
    return allocate_uniform(device, buffer, name + " routing weights", MS_F32, workload.slots(),
                            {workload.seed, Tensor::RoutingWeights, salt}, 1);
}

} // namespace moescope
