// The wall clock that every record's time is on.
#pragma once

#include <cstdint>

namespace moescope {

// Nanoseconds since the Unix epoch. CUPTI's clock on Linux is the same one.
std::int64_t now_ns();

} // namespace moescope
