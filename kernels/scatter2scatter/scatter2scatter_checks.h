// What a scatter2scatter call may ask for; the same rules on the GPU and on the CPU.
#pragma once

#include "kernels/include/moescope/kernels.h"

namespace moescope::scatter2scatter {

// Sizes, dtypes, variant and rank: all that decides which kernels a call needs. Pointers, strides,
// workspace and config are not looked at.
ms_status check_shape(const ms_scatter2scatter_args *args, ms_scatter2scatter_args &full);

// The same, and strides, workspace and the pointers that every implementation reads (the tile
// schedule is the GPU's alone).
ms_status check_call(const ms_scatter2scatter_args *args, ms_scatter2scatter_args &full);

// What the references can do and the tile kernels cannot: MS_UNSUPPORTED. Of checked args.
ms_status check_kernels(const ms_scatter2scatter_args &args);

// XA of the split and extra-K variants, [S, xa_columns(R)] of dtype, unless the caller has a place
// for it; 0 for the others.
size_t workspace_bytes(const ms_scatter2scatter_args &args);

} // namespace moescope::scatter2scatter
