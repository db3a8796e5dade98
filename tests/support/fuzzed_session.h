// Sessions with runs and times drawn at random: for properties that must be able to hold and to fail.
#pragma once

#include "profiler/session/session.h"

#include <cstdint>

namespace moescope::test {

// Some runs of catalogue-like models with every variant of every operator timed (times a factor of up
// to `spread` apart), a routing and tuned tiles each; the same for the same seed.
SessionPtr fuzzed_session(std::uint64_t seed, int runs, double spread);

} // namespace moescope::test
