// Runs body(begin, end) over [0, count) on all cores, in chunks of at least `grain`.
#pragma once

#include <cstdint>
#include <functional>

namespace moescope {

void parallel_for(std::int64_t count, std::int64_t grain,
                  const std::function<void(std::int64_t begin, std::int64_t end)> &body);

} // namespace moescope
