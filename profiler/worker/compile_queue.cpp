#include "profiler/worker/compile_queue.h"

#include "profiler/worker/operators/kernel_call.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace moescope {

std::atomic<int> CompileQueue::left_behind_ = 0;

struct CompileQueue::Work {
    ms_status (*compile)(const ms_scatter2scatter_args *, const char *, ms_tile_resources *);
    std::string arch;
    std::vector<ms_scatter2scatter_args> calls;
    std::atomic<std::size_t> following = 0;
    std::atomic<bool> ended = false; // nobody asks any more

    std::mutex mutex;
    std::condition_variable told;
    std::deque<Compiled> news;
    std::size_t working = 0; // threads

    void run() {
        for (std::size_t index; !ended && (index = following.fetch_add(1)) < calls.size();) {
            tell({index, true, {}, {}});
            Compiled compiled{index, false, {}, {}};
            compiled.status = kernel_status(compile(&calls[index], arch.c_str(), &compiled.resources), "compiling");
            tell(std::move(compiled));
        }
        const std::lock_guard lock(mutex);
        --working;
        left_behind_ -= ended;
        told.notify_one();
    }

    void tell(Compiled compiled) {
        const std::lock_guard lock(mutex);
        news.push_back(std::move(compiled));
        told.notify_one();
    }
};

CompileQueue::CompileQueue(const Device &device, std::vector<ms_scatter2scatter_args> calls,
                           const std::atomic<bool> &cancelled)
    : cancelled_(cancelled),
      work_(new Work{.compile = device.kernels().scatter2scatter_compile, .arch = device.info().arch, .calls = std::move(calls)}) {
    // A thread may be done, and count itself out of `working`, before the next one is started.
    work_->working = std::min<std::size_t>(std::max(1u, std::thread::hardware_concurrency()), size());
    for (std::size_t left = work_->working; left > 0; --left)
        std::thread([work = work_] { work->run(); }).detach();
}

CompileQueue::~CompileQueue() {
    const std::lock_guard lock(work_->mutex);
    work_->ended = true;
    left_behind_ += int(work_->working);
}

std::size_t CompileQueue::size() const { return work_->calls.size(); }

std::optional<Compiled> CompileQueue::next() {
    constexpr std::chrono::milliseconds kLook{20}; // whether it was cancelled, of which nobody tells
    const auto something = [this] { return !work_->news.empty() || work_->working == 0; };
    std::unique_lock lock(work_->mutex);
    while (!cancelled_ && !work_->told.wait_for(lock, kLook, something))
        ;
    if (cancelled_ || work_->news.empty())
        return std::nullopt;
    Compiled compiled = std::move(work_->news.front());
    work_->news.pop_front();
    return compiled;
}

} // namespace moescope
