// Are two sessions the same, record by record? NaN equals NaN here.
#pragma once

#include "profiler/session/session.h"

#include <string>

namespace moescope::test {

// "" if so; else the first table and row that differ. Path, origin and version are not compared.
std::string first_difference(const Session &a, const Session &b);

} // namespace moescope::test
