#include "profiler/worker/compile_queue.h"

#include "profiler/base/wait.h"
#include "profiler/worker/operators/kernel_call.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace moescope {

CompileQueue::CompileQueue(const Device &device, std::vector<ms_scatter2scatter_args> calls,
                           const std::atomic<bool> &cancelled)
    : compile_(device.kernels().scatter2scatter_compile), arch_(device.info().arch), calls_(std::move(calls)),
      cancelled_(cancelled) {
    // A thread may be done, and count itself out of working_, before the next one is started.
    const auto threads = std::min<std::size_t>(std::max(1u, std::thread::hardware_concurrency()), calls_.size());
    working_ = threads;
    for (std::size_t i = 0; i < threads; ++i)
        threads_.emplace_back([this] { work(); });
}

void CompileQueue::work() {
    for (std::size_t index; !cancelled_ && (index = next_.fetch_add(1)) < calls_.size();) {
        tell({index, true, {}, {}});
        Compiled compiled{index, false, {}, {}};
        compiled.status = kernel_status(compile_(&calls_[index], arch_.c_str(), &compiled.resources), "compiling");
        tell(std::move(compiled));
    }
    const std::lock_guard lock(mutex_);
    --working_;
    told_.notify_one();
}

void CompileQueue::tell(Compiled compiled) {
    const std::lock_guard lock(mutex_);
    news_.push_back(std::move(compiled));
    told_.notify_one();
}

std::optional<Compiled> CompileQueue::next() {
    std::unique_lock lock(mutex_);
    wait_until(told_, lock, [this] { return !news_.empty() || working_ == 0; });
    if (news_.empty())
        return std::nullopt;
    Compiled compiled = std::move(news_.front());
    news_.pop_front();
    return compiled;
}

} // namespace moescope
