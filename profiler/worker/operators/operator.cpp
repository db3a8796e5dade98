#include "profiler/worker/operators/operator.h"

namespace moescope {

OutputView::Type output_type(ms_dtype dtype) {
    return dtype == MS_F32   ? OutputView::Type::F32
           : dtype == MS_F16 ? OutputView::Type::F16
                             : OutputView::Type::BF16;
}

std::unique_ptr<Operator> make_operator(OperatorId op) {
    switch (op) {
    case OperatorId::SoftmaxTopk:
    case OperatorId::SigmoidTopk:
    case OperatorId::SqrtSoftplusTopk:
        return make_topk_operator(op);
    case OperatorId::Router:
        return make_router_operator();
    case OperatorId::RouteMetadata:
        return make_route_metadata_operator();
    case OperatorId::GateUp:
    case OperatorId::Down:
    case OperatorId::GateUpDx:
    case OperatorId::DownDx:
        return make_grouped_operator(op);
    case OperatorId::SelectiveDequant:
        return make_dequant_operator();
    case OperatorId::SelectLora:
        return make_select_lora_operator();
    case OperatorId::GateUpLoraGrad:
    case OperatorId::DownLoraGrad:
        return make_lora_grad_operator(op);
    case OperatorId::Entropy:
    case OperatorId::EntropyBackward:
    case OperatorId::SelectiveLogSoftmax:
    case OperatorId::SelectiveLogSoftmaxBackward:
    case OperatorId::LogprobStats:
        return make_logprob_operator(op);
    case OperatorId::MoeMlp:
    case OperatorId::MoeMlpBackward:
        return make_layer_operator(op);
    case OperatorId::Bitmatrix:
    case OperatorId::RaggedMetadata:
    case OperatorId::RoutingData:
        return make_routing_structure_operator(op);
    case OperatorId::Route:
        return make_route_operator();
    case OperatorId::EpDispatch:
    case OperatorId::EpExperts:
    case OperatorId::EpCombine:
    case OperatorId::EpLayer:
        return make_parallel_operator(op);
    case OperatorId::Count_:
        break;
    }
    return nullptr; // no plan has it
}

} // namespace moescope
