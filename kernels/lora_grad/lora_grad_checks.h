// What a LoRA gradient call may ask for; the same rules on the GPU and on the CPU.
#pragma once

#include "kernels/include/moescope/kernels.h"

namespace moescope::lora_grad {

// Sizes, dtypes and variant; pointers, strides, workspace and config are not looked at.
ms_status check_shape(const ms_lora_grad_args *args, ms_lora_grad_args &full);
// The same, and everything every implementation reads. The workspace is the GPU's alone.
ms_status check_call(const ms_lora_grad_args *args, ms_lora_grad_args &full);

} // namespace moescope::lora_grad
