// Gradients of the experts' products.
#include "profiler/workload/operators/definition.h"

namespace moescope {

Definitions backward_operators() { return {}; }

} // namespace moescope
