#include "app/cli/interrupt_guard.h"

namespace moescope::cli {

namespace {

volatile std::sig_atomic_t interrupts = 0;

} // namespace

InterruptGuard::InterruptGuard() {
    interrupts = 0;
    for (std::size_t i = 0; i < kSignals.size(); ++i)
        previous_[i] = std::signal(kSignals[i], [](int signal) {
            interrupts = interrupts + 1;
            std::signal(signal, SIG_DFL);
        });
}

InterruptGuard::~InterruptGuard() {
    for (std::size_t i = 0; i < kSignals.size(); ++i)
        std::signal(kSignals[i], previous_[i]);
}

bool InterruptGuard::interrupted() const { return interrupts > 0; }

} // namespace moescope::cli
