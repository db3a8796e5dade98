// Waiting for a change, as std::condition_variable::wait does. That function is a new one in GCC 12's libstdc++; with this
// a program also runs where GCC 11's is (RHEL 9).
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace moescope {

template <typename Ready> void wait_until(std::condition_variable &changed, std::unique_lock<std::mutex> &lock, Ready ready) {
    while (!changed.wait_for(lock, std::chrono::hours(1), ready)) {
    }
}

} // namespace moescope
