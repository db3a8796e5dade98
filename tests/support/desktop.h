// What tests of the real window need of a desktop: an environment of their own, a Wayland compositor without a
// screen, and what a process has cost.
#pragma once

#include "tests/support/program.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace moescope::test {

// Settings, autosaves and caches in a folder of the test's own; display "": none of X11.
std::vector<std::string> window_environment(const std::filesystem::path &home, const std::string &display);

// Processor time of a process and its children so far, in seconds.
double cpu_seconds(int pid);

// sway with two outputs that nobody sees, HEADLESS-1 and HEADLESS-2.
class WaylandDesktop {
  public:
    // Null when sway is not installed or does not start. configuration: as in sway's file.
    static std::unique_ptr<WaylandDesktop> open(const std::string &configuration);
    ~WaylandDesktop();
    // What a program needs to show its window there.
    std::vector<std::string> environment() const;
    bool command(const std::string &words); // to sway

  private:
    WaylandDesktop() = default;
    std::filesystem::path socket() const; // of sway's own commands
    std::filesystem::path folder_;
    std::unique_ptr<Program> sway_;
};

} // namespace moescope::test
