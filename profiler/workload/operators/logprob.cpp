// Log-probabilities and entropy of a vocabulary's logits.
#include "profiler/workload/operators/definition.h"

namespace moescope {

Definitions logprob_operators() { return {}; }

} // namespace moescope
