// Keeps a session's file up to date while it grows.
#pragma once

#include "profiler/session/session_file.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>

namespace moescope {

class Autosave {
  public:
    // An empty path: none.
    explicit Autosave(std::filesystem::path path) : path_(std::move(path)) {}

    bool wanted() const { return !path_.empty(); }
    // Writes the session if it is time (or `now`) and something is new. The file is made by
    // the first write. After an error it tries again a few seconds later.
    Status update(const Session &session, bool now);
    Status close();

  private:
    using Clock = std::chrono::steady_clock;

    std::filesystem::path path_;
    std::unique_ptr<SessionFileWriter> writer_;
    std::uint64_t written_version_ = 0;
    Clock::time_point last_try_{};
    std::chrono::milliseconds interval_{0};
};

} // namespace moescope
