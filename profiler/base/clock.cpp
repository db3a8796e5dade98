#include "profiler/base/clock.h"

#include <chrono>

namespace moescope {

std::int64_t now_ns() {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count();
}

} // namespace moescope
