// moescope-worker: owns one GPU. Started by moescope, here or over ssh; by hand it can list devices.
#include "profiler/base/units.h"
#include "profiler/protocol/codec.h"
#include "profiler/worker/device.h"
#include "profiler/worker/service.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string_view>

namespace {

constexpr int kWrongRequest = 2;

constexpr std::string_view kUsage = "moescope-worker runs kernels for moescope, which starts it and speaks to it on\n"
                                    "standard input and output. By hand:\n"
                                    "  moescope-worker --devices   what it could run on\n"
                                    "  moescope-worker --version\n"
                                    "  moescope-worker --lifeline SECONDS   ends where nothing was heard for so long\n";

void print_devices() {
    for (const moescope::DeviceInfo &device : moescope::list_devices()) {
        fmt::print("{:8} {}", device.id, device.name);
        if (!device.arch.empty())
            fmt::print(", {}, driver {}, CUDA {}", device.arch, device.driver, device.runtime);
        fmt::print(", {} {}, {}\n", device.multiprocessors, device.is_cpu() ? "cores" : "multiprocessors",
                   moescope::format_bytes(double(device.memory_bytes)));
        for (const auto &capability : device.capabilities)
            fmt::print("{:8} {}: {}{}{}{}{}\n", "", capability.collector, capability.state,
                       capability.reason.empty() ? "" : ": ", capability.reason, capability.remedy.empty() ? "" : "; ",
                       capability.remedy);
    }
}

// What anything else prints (a driver, a library, a stray printf) goes to standard error: standard
// output is the protocol's.
int claim_standard_output() {
    const int protocol = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    return protocol;
}

} // namespace

int main(int argc, char **argv) {
    const std::string_view argument = argc > 1 ? argv[1] : "";
    if (argument == "--devices") {
        print_devices();
        return EXIT_SUCCESS;
    }
    if (argument == "--version") {
        fmt::print("moescope-worker {} (protocol {})\n", MOESCOPE_VERSION, moescope::kProtocolVersion);
        return EXIT_SUCCESS;
    }
    if (argument == "--help") {
        fmt::print("{}", kUsage);
        return EXIT_SUCCESS;
    }
    const int lifeline_seconds = argument == "--lifeline" && argc == 3 ? std::atoi(argv[2]) : 0;
    if ((argc > 1 && lifeline_seconds <= 0) || isatty(STDIN_FILENO)) {
        if (argc > 1)
            fmt::print(stderr, "moescope-worker: \"{}\" is not an option\n", argument);
        fmt::print(stderr, "{}", kUsage);
        return kWrongRequest;
    }
    std::signal(SIGPIPE, SIG_IGN);
    std::_Exit(moescope::serve(STDIN_FILENO, claim_standard_output(), lifeline_seconds));
}
