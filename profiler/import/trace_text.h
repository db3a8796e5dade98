// The text of a trace file, plain or gzip, read piece by piece: traces can be larger than memory.
#pragma once

#include "profiler/base/result.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <streambuf>

namespace moescope {

// What a hostile file may cost.
struct TraceLimits {
    std::uint64_t text_bytes = std::uint64_t{8} << 30; // unpacked
    std::uint64_t token_bytes = std::uint64_t{16} << 20;
    std::uint64_t events = 50'000'000;
};

class TraceText : public std::streambuf {
  public:
    // Errors: missing, a folder, unreadable, empty.
    static Result<std::unique_ptr<TraceText>> open(const std::filesystem::path &path,
                                                   const TraceLimits &limits);
    // Why the text ended before its end: a damaged archive, a limit. Nothing: it did not.
    virtual Status ended() const = 0;
};

} // namespace moescope
