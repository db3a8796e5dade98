// The source of an operator's tile kernels as they are compiled, and what the compiler makes of it or of
// another text in its place.
#pragma once

#include "profiler/source/kernel_source.h"

namespace moescope {

// Errors are in the answer: an operator without tile kernels, a tile that cannot be built, a worker built
// without CUDA. A text that does not compile is no error: its diagnostics say why.
SourceAnswer answer_source(const SourceRequest &request);

} // namespace moescope
