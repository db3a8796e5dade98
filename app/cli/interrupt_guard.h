// What Ctrl-C does while there is something to lose.
#pragma once

#include <array>
#include <csignal>

namespace moescope::cli {

// The first Ctrl-C (or SIGTERM, as of a batch system at its time limit, or of torchrun when another rank failed) is
// only noted, so that what is measured is written; the second one ends the program as it would without us.
class InterruptGuard {
  public:
    InterruptGuard();
    ~InterruptGuard();
    InterruptGuard(const InterruptGuard &) = delete;
    InterruptGuard &operator=(const InterruptGuard &) = delete;

    bool interrupted() const; // since this guard began

  private:
    static constexpr std::array kSignals = {SIGINT, SIGTERM};
    std::array<void (*)(int), kSignals.size()> previous_{};
};

} // namespace moescope::cli
