// Waiting in tests for what another thread or process does.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace moescope::testing {

// Whether the condition comes to hold within a minute; asked every few milliseconds.
inline bool eventually(const std::function<bool()> &condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < end) {
        if (condition())
            return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
}

} // namespace moescope::testing
