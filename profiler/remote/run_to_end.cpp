#include "profiler/remote/run_to_end.h"

#include "profiler/base/try.h"
#include "profiler/client/child_process.h"

#include <fmt/format.h>

#include <poll.h>

#include <array>
#include <csignal>
#include <memory>
#include <optional>
#include <thread>

namespace moescope {

namespace {

constexpr int kTickMs = 100;
constexpr std::size_t kMostKept = 1 << 20; // of what it says

class Running {
  public:
    Running(ChildProcess &child, const std::function<std::string()> &next_input) : child_(child), next_input_(next_input) {}

    // False once it has ended and everything it said was read.
    bool step() {
        std::array<pollfd, 3> watched{{{child_.output.get(), POLLIN, 0},
                                       {child_.error.get(), POLLIN, 0},
                                       {child_.input.get(), POLLOUT, 0}}};
        poll(watched.data(), watched.size(), kTickMs);
        write_some();
        read_some(child_.output, end_.output);
        read_some(child_.error, end_.error);
        return child_.output.is_open() || child_.error.is_open() || !child_.ended();
    }
    ProgramEnd take() {
        end_.exit_status = child_.exit_status();
        return std::move(end_);
    }

  private:
    void write_some() {
        if (!child_.input.is_open())
            return;
        if (pending_.empty()) {
            pending_ = next_input_();
            if (pending_.empty())
                return child_.input.close();
        }
        const std::optional<std::size_t> written = write_available(child_.input, pending_);
        if (written)
            pending_.erase(0, *written);
        else
            child_.input.close(); // it has ended: its status says how
    }
    static void read_some(Descriptor &from, std::string &to) {
        if (!from.is_open())
            return;
        const ReadResult got = read_available(from);
        to += got.bytes.substr(0, kMostKept - std::min(kMostKept, to.size()));
        if (got.at_end)
            from.close();
    }

    ChildProcess &child_;
    const std::function<std::string()> &next_input_;
    std::string pending_;
    ProgramEnd end_;
};

Result<ProgramEnd> run(const std::vector<std::string> &argv, const std::function<std::string()> &next_input,
                       const std::atomic<bool> *cancelled, std::optional<std::chrono::seconds> limit) {
    const auto began = std::chrono::steady_clock::now();
    Result<std::unique_ptr<ChildProcess>> child = ChildProcess::start(argv);
    MOESCOPE_TRY(child);
    Running running(**child, next_input);
    while (running.step()) {
        if (cancelled && *cancelled)
            return Error{argv.front() + " was stopped", "it was asked to", ""};
        if (limit && std::chrono::steady_clock::now() - began > *limit)
            return Error{argv.front() + " was stopped", fmt::format("it did not end within {} s", limit->count()), ""};
    }
    return running.take();
}

} // namespace

Result<ProgramEnd> run_to_end(const std::vector<std::string> &argv, const std::function<std::string()> &next_input,
                              const std::atomic<bool> *cancelled, std::optional<std::chrono::seconds> limit) {
    // On a thread of its own, which ends with what it blocks: a write to a program that is gone must be
    // an error, not a signal.
    std::optional<Result<ProgramEnd>> result;
    std::thread([&] {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
        result.emplace(run(argv, next_input, cancelled, limit));
    }).join();
    return std::move(*result);
}

} // namespace moescope
