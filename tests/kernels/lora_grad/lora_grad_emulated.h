// The LoRA gradient kernels compiled for the host, found by their constants.
#pragma once

#include "kernels/lora_grad/lora_grad_plan.h"

#include <vector>

namespace moescope::test {

using EmulatedLoraGrad = void (*)(LoraGradParams);

// Null if no instance has these constants.
EmulatedLoraGrad find_emulated(const lora_grad::KernelShape &shape);

} // namespace moescope::test
