#include "tests/benchmarks/window/cost.h"

#include <ctime>
#include <fstream>
#include <string>

namespace moescope::bench {

namespace {

double clock_ms(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return double(now.tv_sec) * 1e3 + double(now.tv_nsec) * 1e-6;
}

// A line of /proc/self/status, in kB there.
std::int64_t status_bytes(const std::string &key) {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        std::int64_t kilobytes = 0;
        if (word == key && status >> kilobytes)
            return kilobytes * 1024;
    }
    return 0;
}

} // namespace

double thread_cpu_ms() { return clock_ms(CLOCK_THREAD_CPUTIME_ID); }
double now_ms() { return clock_ms(CLOCK_MONOTONIC); }
std::int64_t resident_bytes() { return status_bytes("VmRSS:"); }
std::int64_t most_resident_bytes() { return status_bytes("VmHWM:"); }

} // namespace moescope::bench
