// What this process has used.
#pragma once

#include <cstdint>

namespace moescope::bench {

double thread_cpu_ms(); // of the calling thread
double now_ms();        // a steady clock
std::int64_t resident_bytes();
std::int64_t most_resident_bytes(); // since the process began

} // namespace moescope::bench
