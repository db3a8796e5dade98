// Frames on a byte stream: "MoES", the payload's length as four little-endian bytes, the payload.
// The mark in front of every frame tells a worker's words from anything else that reaches the same
// pipe (a login banner, a stray print).
#pragma once

#include "profiler/base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace moescope {

inline constexpr std::size_t kFrameHeaderBytes = 8;
inline constexpr std::size_t kMaxFrameBytes = 64u << 20; // of payload

// The frame of a payload, ready to be written. Payloads above kMaxFrameBytes are an error.
Result<std::string> frame(std::string_view payload);

// Takes bytes as they arrive, gives payloads as they are complete. After an error it stays failed.
class FrameReader {
  public:
    void append(std::string_view bytes) { buffer_.append(bytes); }

    // The next payload; nothing while it is incomplete. Errors: bytes that are no frame (the error
    // quotes them), a frame that is too long.
    Result<std::optional<std::string>> next();

    // At the end of the stream: an error if it ended inside a frame.
    Status finish() const;

  private:
    std::string buffer_;
    std::size_t at_ = 0; // start of the next frame
};

} // namespace moescope
