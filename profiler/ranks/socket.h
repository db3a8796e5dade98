// TCP connections with whole messages, each under a time limit.
#pragma once

#include "profiler/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace moescope {

inline constexpr std::string_view kOtherEnd = "the other end";

class Socket {
  public:
    Socket() = default;
    explicit Socket(int fd) : fd_(fd) {}
    Socket(Socket &&other) noexcept;
    Socket &operator=(Socket &&other) noexcept;
    ~Socket();

    // "" binds every address of this machine; port 0 a free one. An address that is not this machine's
    // (of a container's host, say) binds every one too.
    static Result<Socket> listen(const std::string &host, std::int32_t port);
    // Tries until somebody listens there or the time is over.
    static Result<Socket> connect(const std::string &host, std::int32_t port, double seconds);
    Result<Socket> accept(double seconds);

    bool is_open() const { return fd_ >= 0; }
    int fd() const { return fd_; }
    std::int32_t port() const;    // of this end
    std::string own_host() const; // this end's address

    // Ends the connection for both sides; any thread may.
    void shut_down();
    bool other_end_is_gone() const; // any thread may ask

    // Messages of up to 4 GiB. Receiving: an error where the other end is gone, or silent for `seconds`; it begins
    // with kOtherEnd.
    Status send(std::string_view bytes);
    Result<std::string> receive(double seconds);
    // Bytes whose number both ends know.
    Status send_raw(const void *data, std::size_t bytes);
    Status receive_raw(void *data, std::size_t bytes, double seconds);

  private:
    int fd_ = -1;
};

// A port that nobody listened on a moment ago.
Result<std::int32_t> free_port();

} // namespace moescope
