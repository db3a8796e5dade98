// Compiles calls' tile kernels on all cores and gives them back as they are done.
#pragma once

#include "profiler/worker/device.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace moescope {

struct Compiled {
    std::size_t index = 0; // of the call
    bool started = false;  // true: only begun; the rest follows in another one
    Status status;
    ms_tile_resources resources{};
};

class CompileQueue {
  public:
    // As scatter2scatter_compile() takes them.
    CompileQueue(const Device &device, std::vector<ms_scatter2scatter_args> calls, const std::atomic<bool> &cancelled);
    // Waits for nobody: what a compiler has begun it finishes by itself, and leaves in the cache.
    ~CompileQueue();
    // Whether compilers of a queue that is gone are still at work.
    static bool left_behind() { return left_behind_ > 0; }

    std::size_t size() const;

    // The next one that began or ended; nothing when all are done or it was cancelled.
    std::optional<Compiled> next();

  private:
    struct Work; // shared with the threads, which may outlive the queue

    static std::atomic<int> left_behind_; // threads
    const std::atomic<bool> &cancelled_;
    const std::shared_ptr<Work> work_;
};

} // namespace moescope
