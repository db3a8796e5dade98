// Compiles calls' tile kernels on all cores and gives them back as they are done.
#pragma once

#include "profiler/worker/device.h"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
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
    // As scatter2scatter_compile() takes them. Stops early once `cancelled`.
    CompileQueue(const Device &device, std::vector<ms_scatter2scatter_args> calls, const std::atomic<bool> &cancelled);

    std::size_t size() const { return calls_.size(); }

    // The next one that began or ended; nothing when all are done or it was cancelled.
    std::optional<Compiled> next();

  private:
    void work();
    void tell(Compiled compiled);

    ms_status (*compile_)(const ms_scatter2scatter_args *, const char *, ms_tile_resources *);
    const std::string arch_;
    const std::vector<ms_scatter2scatter_args> calls_;
    const std::atomic<bool> &cancelled_;
    std::atomic<std::size_t> next_ = 0;

    std::mutex mutex_;
    std::condition_variable told_;
    std::deque<Compiled> news_;
    std::size_t working_ = 0; // threads
    std::vector<std::jthread> threads_; // last: they use all of the above
};

} // namespace moescope
