// When to try a lost connection again: soon at first, then less and less often, not for ever.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace moescope {

class Backoff {
  public:
    using Duration = std::chrono::milliseconds;

    // How long to wait before the next attempt; nothing once `limit` of waiting was in vain.
    std::optional<Duration> next() {
        if (waited_ >= kLimit)
            return std::nullopt;
        const Duration wait = wait_;
        waited_ += wait;
        wait_ = std::min(wait_ * 2, kLongest);
        return wait;
    }
    void succeeded() { *this = {}; }

    static constexpr Duration kFirst{1000}, kLongest{30'000}, kLimit{15 * 60'000};

  private:
    Duration wait_ = kFirst, waited_{0};
};

} // namespace moescope
