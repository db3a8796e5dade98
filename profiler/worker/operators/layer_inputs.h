// The inputs of a whole layer, or of the part of it that a rank has: the same values either way.
#pragma once

#include "profiler/ranks/share.h"
#include "profiler/worker/operators/kernel_call.h"
#include "profiler/workload/workload.h"

#include <string>

namespace moescope {

// x [tokens, H] of the share's tokens.
Status fill_layer_input(Device &device, Buffer &buffer, const std::string &name, const Workload &workload, OperatorId salt,
                        Share tokens);
// One product's weights [experts, N, K] of the share's experts.
Status fill_layer_weights(Device &device, Buffer &buffer, const std::string &name, const Workload &workload, Projection which,
                          Share experts);
// Its LoRA, A [experts, R, K] and B [experts, N, R], of the share's experts.
Status fill_layer_lora(Device &device, Buffer &a, Buffer &b, const std::string &name, const Workload &workload,
                       Projection which, Share experts);
// weights [T, k] of every token of the workload, whoever has it: a share may begin within 8 of them.
Status fill_routing_weights(Device &device, Buffer &buffer, const std::string &name, const Workload &workload,
                            OperatorId salt);

// What ms_moe_mlp needs to know of the model's activation; gpt-oss's constants are those of its
// GptOssExperts: alpha 1.702, limit 7, gate and up columns in turn.
void set_activation(ms_moe_mlp_args &args, const ModelShape &model);

} // namespace moescope
