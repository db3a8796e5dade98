#include "profiler/worker/request_reader.h"

#include "profiler/base/wait.h"
#include "profiler/protocol/codec.h"
#include "profiler/protocol/framing.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

namespace moescope {

namespace {

constexpr int kBadInput = 2;

[[noreturn]] void stop_reading(const Error &error) {
    std::fprintf(stderr, "moescope-worker: standard input: %s\n", error.sentence().c_str());
    std::_Exit(kBadInput);
}

} // namespace

RequestReader::RequestReader(int fd, int lifeline_seconds) : fd_(fd), lifeline_seconds_(lifeline_seconds) {
    std::thread([this] { read_all(); }).detach(); // ends with the process
}

void RequestReader::read_all() {
    FrameReader frames;
    std::array<char, 65536> bytes{};
    while (true) {
        pollfd heard{fd_, POLLIN, 0};
        if (lifeline_seconds_ > 0 && poll(&heard, 1, lifeline_seconds_ * 1000) == 0) {
            std::fprintf(stderr, "moescope-worker: nothing was heard for %d s\n", lifeline_seconds_);
            std::_Exit(kUnheardStatus);
        }
        const ssize_t got = ::read(fd_, bytes.data(), bytes.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        frames.append({bytes.data(), std::size_t(got)});
        while (true) {
            Result<std::optional<std::string>> payload = frames.next();
            if (!payload)
                stop_reading(payload.error());
            if (!*payload)
                break;
            wire::ToWorker message;
            if (!message.ParseFromString(**payload))
                stop_reading({"a request could not be read", "its bytes are not what the protocol says", ""});
            accept(std::move(message));
        }
    }
    if (const Status ended = frames.finish(); !ended)
        stop_reading(ended.error());
    std::_Exit(EXIT_SUCCESS);
}

void RequestReader::accept(wire::ToWorker message) {
    if (message.kind_case() == wire::ToWorker::KIND_NOT_SET) // the other side is there
        return;
    const std::lock_guard lock(mutex_);
    if (message.has_cancel()) {
        // The one running stops at its next look; one still waiting is handed out cancelled, since the
        // other side awaits its end.
        if (message.cancel().request() == current_)
            cancelled_ = true;
        else
            cancelled_waiting_.insert(message.cancel().request());
        return;
    }
    waiting_.push_back(std::move(message));
    arrived_.notify_one();
}

wire::ToWorker RequestReader::next() {
    std::unique_lock lock(mutex_);
    current_ = 0;
    wait_until(arrived_, lock, [this] { return !waiting_.empty(); });
    wire::ToWorker message = std::move(waiting_.front());
    waiting_.pop_front();
    current_ = message.has_run() ? message.run().request() : 0;
    cancelled_ = cancelled_waiting_.contains(current_);
    if (current_ != 0) // requests are numbered upwards: no earlier one will come
        cancelled_waiting_.erase(cancelled_waiting_.begin(), cancelled_waiting_.upper_bound(current_));
    return message;
}

} // namespace moescope
