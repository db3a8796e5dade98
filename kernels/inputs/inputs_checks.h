// What the input generators accept; shared by CUDA and reference.
#pragma once

#include "kernels/inputs/inputs.h"

namespace moescope {

ms_status check_fill_uniform(const FillUniformArgs *args);
ms_status check_fill_bytes(const FillBytesArgs *args);
ms_status check_routing_logits(const RoutingLogitsArgs *args);

} // namespace moescope
