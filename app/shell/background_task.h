// One piece of slow work (reading or writing a file) off the window's thread.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <type_traits>
#include <utility>

namespace moescope {

template <typename T> class BackgroundTask {
  public:
    bool busy() const { return future_.valid(); }

    // Does nothing while busy. Work may take a std::stop_token: it is asked to stop when the task goes away.
    // wake is called on the worker thread once the result is there.
    template <typename Work> void start(Work work, std::function<void()> wake) {
        if (busy())
            return;
        auto promise = std::make_shared<std::promise<T>>();
        future_ = promise->get_future();
        thread_ = std::jthread([promise, work = std::move(work), wake = std::move(wake)](
                                   [[maybe_unused]] const std::stop_token &stop) {
            if constexpr (std::is_invocable_v<Work, std::stop_token>)
                promise->set_value(work(stop));
            else
                promise->set_value(work());
            if (wake)
                wake();
        });
    }

    // The result, once.
    std::optional<T> poll() {
        if (!busy() || future_.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
            return std::nullopt;
        return future_.get();
    }

  private:
    std::future<T> future_;
    std::jthread thread_; // joins when the task goes away: a file is never half written
};

} // namespace moescope
