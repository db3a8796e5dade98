// Programs run by tests, and a display for those that open a window.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace moescope::test {

// A child process; ended, if it still runs, when this goes away.
class Program {
  public:
    // argv[0] is searched in PATH. environment: "NAME=value" on top of the test's own; "NAME" alone
    // takes the variable away.
    Program(std::vector<std::string> argv, const std::vector<std::string> &environment = {});
    ~Program();
    Program(const Program &) = delete;
    Program &operator=(const Program &) = delete;

    struct Ended {
        bool timed_out = false;
        int code = -1; // exit code; -1: by a signal
        int signal = 0;
        std::string output; // standard output and error
    };
    Ended wait(std::chrono::seconds limit);
    void terminate(); // SIGTERM
    bool running();
    int pid() const { return pid_; }
    std::string output() const;

  private:
    int pid_ = -1;
    int status_ = 0;
    bool ended_ = false;
    std::string output_path_;
};

// An X server without a screen on a display number of its own.
class VirtualDisplay {
  public:
    // Null when Xvfb is not installed or does not start.
    static std::unique_ptr<VirtualDisplay> open(int width, int height);
    ~VirtualDisplay();
    const std::string &name() const { return name_; } // ":12"

  private:
    VirtualDisplay() = default;
    std::unique_ptr<Program> server_;
    std::string number_file_, name_;
};

} // namespace moescope::test
