// The measured ceiling of the matrix units.
#pragma once

#include "profiler/base/result.h"

namespace moescope {

// Measured: a dense bf16 product of 8192^3, by our own kernel at its default tile (one expert that gets
// every row) and by cuBLAS where it is installed; the best of a few passes. FLOP/s, multiply and add
// counted as two. The first call on a machine compiles our kernel; later ones find it on the disk.
Result<double> measure_matrix_rate();

} // namespace moescope
