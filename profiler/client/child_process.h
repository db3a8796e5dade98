// A child process with pipes on its three standard streams.
#pragma once

#include "profiler/base/result.h"

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

// A file descriptor, closed when it goes out of scope. Move-only.
class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor &&other) noexcept;
    Descriptor &operator=(Descriptor &&other) noexcept;
    ~Descriptor() { close(); }

    int get() const { return fd_; }
    bool is_open() const { return fd_ >= 0; }
    void close();

  private:
    int fd_ = -1;
};

struct Pipe {
    Descriptor read, write;
};
// Both ends close on exec; with `blocking` false neither ever blocks.
Result<Pipe> make_pipe(bool blocking = true);

class ChildProcess {
  public:
    // argv[0] is looked up in PATH. Errors: no such program, no permission, no more processes.
    static Result<std::unique_ptr<ChildProcess>> start(const std::vector<std::string> &argv);
    // Ends the child if it has not ended.
    ~ChildProcess();
    ChildProcess(const ChildProcess &) = delete;
    ChildProcess &operator=(const ChildProcess &) = delete;

    Descriptor input;  // its standard input; never blocks
    Descriptor output; // its standard output and error; never block
    Descriptor error;

    // How it ended: "exited with status 3", "was ended by SIGSEGV"; nothing while it lives.
    std::optional<std::string> ended();
    // Its exit status once it has ended by itself; -1 where a signal ended it.
    int exit_status() const { return exit_status_; }
    void kill();

  private:
    explicit ChildProcess(pid_t pid) : pid_(pid) {}

    pid_t pid_;
    std::optional<std::string> ended_;
    int exit_status_ = -1;
};

// "was ended by SIGSEGV"
std::string ended_by(int signal);

// What one read() gave without blocking.
struct ReadResult {
    std::string bytes;
    bool at_end = false; // end of file, or an error that is as final
};
ReadResult read_available(const Descriptor &from);
// The bytes written, 0 where it would block; nothing when the other end is gone.
std::optional<std::size_t> write_available(const Descriptor &to, std::string_view bytes);

} // namespace moescope
