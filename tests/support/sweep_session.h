// A made-up sweep: gate_up's fused and split variants over tokens, on one H200.
#pragma once

#include "profiler/session/session.h"

namespace moescope::test {

// Tokens 1 to 4096 in powers of two. Fused steps up by half at 64 tokens; split does not, and is
// slower by `slower` all along.
SessionPtr sweep_session(double slower = 1.1);

} // namespace moescope::test
