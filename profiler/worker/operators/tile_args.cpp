#include "profiler/worker/operators/tile_args.h"

#include "profiler/worker/operators/kernel_call.h"
#include "profiler/workload/cost.h"

namespace moescope {

ms_scatter2scatter_args grouped_args(const Workload &workload, OperatorId op) {
    const bool backward = op == OperatorId::GateUpDx || op == OperatorId::DownDx;
    const bool grouped_input = op == OperatorId::Down || op == OperatorId::GateUpDx;
    const WeightSize size = weight_size(workload.model, op);
    ms_scatter2scatter_args args{};
    args.struct_size = sizeof args;
    args.dtype = args.y_dtype = kernel_dtype(workload.model.dtype);
    args.k = std::int32_t(backward ? size.n : size.k);
    args.n = std::int32_t(backward ? size.k : size.n);
    args.w_transposed = args.lora_a_transposed = args.lora_b_transposed = backward;
    args.x_stride = args.k;
    args.y_stride = args.n;
    args.scaling = float(workload.lora_scaling);
    args.slots = workload.slots();
    args.experts = std::int32_t(workload.model.experts);
    args.top_k = op == OperatorId::DownDx ? 1 : std::int32_t(workload.model.top_k); // dY has a row a slot
    args.x_grouped = grouped_input;
    args.y_grouped = !grouped_input;
    return args;
}

void choose_variant(ms_scatter2scatter_args &args, const Workload &workload, std::string_view variant) {
    args.variant = variant == "split"     ? MS_S2S_SPLIT
                   : variant == "extra_k" ? MS_S2S_EXTRA_K
                                          : MS_S2S_FUSED;
    args.rank = variant != "base" ? workload.lora_rank : 0;
}

ms_lora_grad_args lora_grad_args(const Workload &workload, OperatorId op) {
    const bool grouped_input = op == OperatorId::DownLoraGrad;
    const WeightSize size = weight_size(workload.model, op);
    ms_lora_grad_args args{};
    args.struct_size = sizeof args;
    args.dtype = kernel_dtype(workload.model.dtype);
    args.k = std::int32_t(size.k);
    args.n = std::int32_t(size.n);
    args.x_stride = args.k;
    args.dy_stride = args.n;
    args.x_grouped = grouped_input;
    args.dy_grouped = !grouped_input;
    args.rank = workload.lora_rank;
    args.scaling = float(workload.lora_scaling);
    args.experts = std::int32_t(workload.model.experts);
    args.top_k = std::int32_t(workload.model.top_k);
    args.slots = workload.slots();
    return args;
}

void choose_variant(ms_lora_grad_args &args, std::string_view variant) {
    args.variant = variant == "recompute" ? MS_LORA_GRAD_RECOMPUTE
                   : variant == "atomic"  ? MS_LORA_GRAD_ATOMIC
                                          : MS_LORA_GRAD_GRAM;
    args.out_dtype = args.variant == MS_LORA_GRAD_ATOMIC ? MS_F32 : args.dtype;
}

} // namespace moescope
