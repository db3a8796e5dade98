#include "profiler/client/worker_link.h"

#include "profiler/protocol/codec.h"

#include <poll.h>

#include <array>

namespace moescope {

namespace {

constexpr std::size_t kTailBytes = 4096;
constexpr int kExitGraceMs = 2000; // from the end of its output to the end of the process

} // namespace

Result<std::unique_ptr<WorkerLink>> WorkerLink::start(const std::vector<std::string> &argv) {
    Result<std::unique_ptr<ChildProcess>> child = ChildProcess::start(argv);
    if (!child)
        return child.error();
    std::unique_ptr<WorkerLink> link(new WorkerLink(std::move(*child)));
    wire::ToWorker hello;
    hello.mutable_hello()->set_protocol_version(kProtocolVersion);
    hello.mutable_hello()->set_build_version(MOESCOPE_VERSION);
    link->send(hello);
    return link;
}

void WorkerLink::send(const wire::ToWorker &message) {
    if (const Result<std::string> bytes = frame(message.SerializeAsString()))
        pending_ += *bytes;
    write_pending();
}

void WorkerLink::write_pending() {
    while (!pending_.empty() && child_->input.is_open()) {
        const std::optional<std::size_t> written = write_available(child_->input, pending_);
        if (!written)
            child_->input.close(); // it is ending: ended() will say how
        else if (*written == 0)
            return;
        else
            pending_.erase(0, *written);
    }
}

void WorkerLink::read_errors() {
    while (child_->error.is_open()) {
        const ReadResult got = read_available(child_->error);
        error_tail_ += got.bytes;
        if (error_tail_.size() > kTailBytes)
            error_tail_.erase(0, error_tail_.size() - kTailBytes);
        if (got.at_end)
            child_->error.close();
        if (got.bytes.empty())
            return;
    }
}

void WorkerLink::wait_for_activity(const Descriptor &wake, int timeout_ms) {
    const short writing = pending_.empty() ? 0 : POLLOUT;
    // Closed descriptors are -1, which poll() skips.
    std::array<pollfd, 4> watched{{{wake.get(), POLLIN, 0},
                                   {child_->output.get(), POLLIN, 0},
                                   {child_->error.get(), POLLIN, 0},
                                   {writing ? child_->input.get() : -1, writing, 0}}};
    poll(watched.data(), watched.size(), timeout_ms);
    write_pending();
    read_errors();
}

Result<std::vector<wire::FromWorker>> WorkerLink::receive() {
    std::vector<wire::FromWorker> messages;
    if (child_->output.is_open()) {
        const ReadResult got = read_available(child_->output);
        frames_.append(got.bytes);
        if (got.at_end)
            child_->output.close();
    }
    while (true) {
        Result<std::optional<std::string>> payload = frames_.next();
        if (!payload)
            return payload.error();
        if (!*payload)
            return messages;
        if (!messages.emplace_back().ParseFromString(**payload))
            return Error{"a message from the worker could not be read", "its bytes are not what the protocol says", ""};
    }
}

std::optional<std::string> WorkerLink::ended() {
    if (child_->output.is_open()) {
        // A program it started may hold the pipe open after it: look at the process itself too.
        if (!child_->ended())
            return std::nullopt;
        pollfd more{child_->output.get(), POLLIN, 0};
        if (poll(&more, 1, 0) > 0)
            return std::nullopt;
        child_->output.close();
    }
    // It closed its output and must be about to end.
    for (int waited = 0; !child_->ended() && waited < kExitGraceMs; waited += 10)
        poll(nullptr, 0, 10);
    if (!child_->ended())
        child_->kill();
    read_errors();
    std::optional<std::string> how = child_->ended();
    return how ? how : "closed its output";
}

std::string WorkerLink::last_words() const {
    std::string_view text = error_tail_;
    while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
        text.remove_suffix(1);
    return std::string(text);
}

} // namespace moescope
