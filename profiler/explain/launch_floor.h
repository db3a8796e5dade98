// The least that a launch takes, for sessions in which nobody measured it.
#pragma once

#include "profiler/session/session.h"

namespace moescope {

// A run on a GPU whose ceilings say nothing of a launch gets the shortest kernel of its device's runs as a
// derived one, and floors that know it: without, the floor of a kernel that moves next to nothing is
// nanoseconds. Left out where even the shortest kernel has more to do than start and end.
Session with_launch_floors(Session session);

} // namespace moescope
