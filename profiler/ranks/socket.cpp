#include "profiler/ranks/socket.h"

#include "profiler/base/try.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

namespace moescope {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t kLargestMessage = std::uint64_t(1) << 32;
constexpr double kSendSeconds = 120;
constexpr int kBacklog = 1024;

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

std::string reason(int error) { return std::generic_category().message(error); }

Result<Addresses> resolve(const std::string &host, std::int32_t port, bool passive) {
    addrinfo hints{};
    hints.ai_family = host.empty() ? AF_INET : AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = passive ? AI_PASSIVE : 0;
    addrinfo *found = nullptr;
    const std::string service = std::to_string(port);
    if (const int failed = getaddrinfo(host.empty() ? nullptr : host.c_str(), service.c_str(), &hints, &found))
        return Error{fmt::format("{} cannot be found", host), gai_strerror(failed), "check the address where ranks meet"};
    return Addresses(found, freeaddrinfo);
}

void send_at_once(int fd) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

// A socket bound to the first of the addresses that can be; the last error otherwise.
Socket bind_first(const addrinfo *address, int &error) {
    for (; address; address = address->ai_next) {
        Socket made(socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const int on = 1;
        if (made.is_open())
            setsockopt(made.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (made.is_open() && bind(made.fd(), address->ai_addr, address->ai_addrlen) == 0 &&
            ::listen(made.fd(), kBacklog) == 0)
            return made;
        error = errno;
    }
    return {};
}

// Whether something can be read or written before the time is over.
bool ready(int fd, short events, Clock::time_point until) {
    while (true) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
        pollfd one{fd, events, 0};
        const int found = poll(&one, 1, int(std::max<long long>(0, left)));
        if (found > 0)
            return true;
        if (found == 0 || errno != EINTR)
            return false;
    }
}

Clock::time_point after(double seconds) {
    return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

Error gone(const char *why) { return {fmt::format("{} is gone", kOtherEnd), why, "its own output says why"}; }

Error silent(double seconds) {
    return {fmt::format("{} is late", kOtherEnd), fmt::format("it has said nothing for {:.0f} s", seconds),
            "its own output says why; --wait gives it more time"};
}

} // namespace

Socket::Socket(Socket &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
Socket &Socket::operator=(Socket &&other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}
Socket::~Socket() {
    if (fd_ >= 0)
        close(fd_);
}

Result<Socket> Socket::listen(const std::string &host, std::int32_t port) {
    int error = 0;
    Socket bound;
    if (const Result<Addresses> found = resolve(host, port, true))
        bound = bind_first(found->get(), error);
    if (!bound.is_open() && (error == EADDRNOTAVAIL || error == 0)) {
        const Result<Addresses> any = resolve("", port, true);
        MOESCOPE_TRY(any);
        bound = bind_first(any->get(), error);
    }
    if (!bound.is_open())
        return Error{fmt::format("nothing can listen at {}:{}", host, port), reason(error),
                     "choose another port, as in --meet HOST:PORT"};
    return bound;
}

Result<Socket> Socket::connect(const std::string &host, std::int32_t port, double seconds) {
    const Clock::time_point until = after(seconds);
    std::string why;
    do {
        const Result<Addresses> found = resolve(host, port, false);
        MOESCOPE_TRY(found);
        for (const addrinfo *address = found->get(); address; address = address->ai_next) {
            Socket made(socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
            if (made.is_open() && ::connect(made.fd(), address->ai_addr, address->ai_addrlen) == 0) {
                send_at_once(made.fd());
                return made;
            }
            why = reason(errno);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    } while (Clock::now() < until);
    return Error{fmt::format("nobody answers at {}:{}", host, port), why, "check that rank 0 was started, and its address"};
}

Result<Socket> Socket::accept(double seconds) {
    if (!ready(fd_, POLLIN, after(seconds)))
        return Error{"nobody called", "the time is over", {}};
    Socket made(accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
    if (!made.is_open())
        return Error{"a call was not taken", reason(errno), {}};
    send_at_once(made.fd());
    return made;
}

std::int32_t Socket::port() const {
    sockaddr_storage at{};
    socklen_t length = sizeof at;
    if (getsockname(fd_, reinterpret_cast<sockaddr *>(&at), &length) != 0)
        return 0;
    return ntohs(at.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6 &>(at).sin6_port
                                          : reinterpret_cast<sockaddr_in &>(at).sin_port);
}

void Socket::shut_down() { shutdown(fd_, SHUT_RDWR); }

bool Socket::other_end_is_gone() const {
    pollfd one{fd_, POLLRDHUP, 0};
    return fd_ >= 0 && poll(&one, 1, 0) > 0 && (one.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

std::string Socket::own_host() const {
    sockaddr_storage at{};
    socklen_t length = sizeof at;
    char text[NI_MAXHOST] = "";
    if (getsockname(fd_, reinterpret_cast<sockaddr *>(&at), &length) == 0)
        getnameinfo(reinterpret_cast<sockaddr *>(&at), length, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
    return text;
}

Status Socket::send_raw(const void *data, std::size_t bytes) {
    const auto *at = static_cast<const char *>(data);
    while (bytes > 0) {
        if (!ready(fd_, POLLOUT, after(kSendSeconds)))
            return silent(kSendSeconds);
        const ssize_t sent = ::send(fd_, at, bytes, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR && errno != EAGAIN)
            return gone("its connection ended");
        if (sent > 0) {
            at += sent;
            bytes -= std::size_t(sent);
        }
    }
    return {};
}

Status Socket::receive_raw(void *data, std::size_t bytes, double seconds) {
    auto *at = static_cast<char *>(data);
    while (bytes > 0) {
        if (!ready(fd_, POLLIN, after(seconds)))
            return silent(seconds);
        const ssize_t got = recv(fd_, at, bytes, 0);
        if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
            return gone("its connection ended");
        if (got > 0) {
            at += got;
            bytes -= std::size_t(got);
        }
    }
    return {};
}

Status Socket::send(std::string_view bytes) {
    const std::uint64_t length = bytes.size();
    unsigned char head[8];
    for (int i = 0; i < 8; ++i)
        head[i] = static_cast<unsigned char>(length >> (8 * i));
    MOESCOPE_TRY(send_raw(head, sizeof head));
    return send_raw(bytes.data(), bytes.size());
}

Result<std::string> Socket::receive(double seconds) {
    unsigned char head[8];
    MOESCOPE_TRY(receive_raw(head, sizeof head, seconds));
    std::uint64_t length = 0;
    for (int i = 0; i < 8; ++i)
        length |= std::uint64_t(head[i]) << (8 * i);
    if (length > kLargestMessage)
        return Error{"a message cannot be read", "another program seems to answer there", "choose another port"};
    std::string bytes(std::size_t(length), '\0');
    MOESCOPE_TRY(receive_raw(bytes.data(), bytes.size(), seconds));
    return bytes;
}

Result<std::int32_t> free_port() {
    const Result<Socket> bound = Socket::listen("", 0);
    MOESCOPE_TRY(bound);
    return bound->port();
}

} // namespace moescope
