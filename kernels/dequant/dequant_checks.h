// What the dequantisation operators accept; shared by CUDA and reference. On success `full` holds
// the arguments.
#pragma once

#include "kernels/include/moescope/kernels.h"

namespace moescope {

ms_status check_active_experts(const ms_active_experts_args *args, ms_active_experts_args &full);
ms_status check_selective_dequant(const ms_selective_dequant_args *args,
                                  ms_selective_dequant_args &full);
ms_status check_compact_experts(const ms_compact_experts_args *args, ms_compact_experts_args &full);
ms_status check_select_experts(const ms_select_experts_args *args, ms_select_experts_args &full);

} // namespace moescope
