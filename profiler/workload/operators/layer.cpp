// The whole gated MLP.
#include "profiler/workload/operators/definition.h"

namespace moescope {

Definitions layer_operators() { return {}; }

} // namespace moescope
