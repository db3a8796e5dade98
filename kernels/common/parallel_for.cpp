#include "kernels/common/parallel_for.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace moescope {

void parallel_for(std::int64_t count, std::int64_t grain,
                  const std::function<void(std::int64_t begin, std::int64_t end)> &body) {
    grain = std::max<std::int64_t>(grain, 1);
    const std::int64_t chunks = (count + grain - 1) / grain;
    const auto workers =
        std::min<std::int64_t>(std::max(1u, std::thread::hardware_concurrency()), chunks);
    if (workers <= 1) {
        if (count > 0)
            body(0, count);
        return;
    }
    std::atomic<std::int64_t> next{0};
    auto work = [&] {
        for (std::int64_t chunk; (chunk = next.fetch_add(1)) < chunks;)
            body(chunk * grain, std::min(count, (chunk + 1) * grain));
    };
    std::vector<std::jthread> threads;
    for (std::int64_t i = 1; i < workers; ++i)
        threads.emplace_back(work);
    work();
}

} // namespace moescope
