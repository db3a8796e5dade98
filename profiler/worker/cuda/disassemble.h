// Machine code as text, by the toolkit's nvdisasm where there is one.
#pragma once

#include "profiler/base/result.h"

#include <string>
#include <vector>

namespace moescope {

// With the source line of each instruction. Errors: no nvdisasm on PATH, in $CUDA_HOME/bin or in
// /usr/local/cuda/bin, or one that fails or takes longer than half a minute.
Result<std::string> disassemble(const std::vector<char> &cubin);

} // namespace moescope
