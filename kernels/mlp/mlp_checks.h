// What the operators of the gated MLP accept; shared by CUDA and reference. On success `full` holds
// the arguments.
#pragma once

#include "kernels/include/moescope/kernels.h"

namespace moescope {

ms_status check_combine(const ms_combine_args *args, ms_combine_args &full);
ms_status check_combine_backward(const ms_combine_backward_args *args,
                                 ms_combine_backward_args &full);
ms_status check_gated_activation(const ms_gated_activation_args *args,
                                 ms_gated_activation_args &full);
ms_status check_gated_activation_backward(const ms_gated_activation_backward_args *args,
                                          ms_gated_activation_backward_args &full);
ms_status check_moe_mlp(const ms_moe_mlp_args *args, ms_moe_mlp_args &full);
ms_status check_moe_mlp_shape(const ms_moe_mlp_args *args, ms_moe_mlp_args &full); // no device pointers
// `forward` takes full.forward's fields.
ms_status check_moe_mlp_backward(const ms_moe_mlp_backward_args *args,
                                 ms_moe_mlp_backward_args &full, ms_moe_mlp_args &forward);

} // namespace moescope
