#include "profiler/protocol/framing.h"

#include <fmt/format.h>

#include <algorithm>

namespace moescope {

namespace {

constexpr std::string_view kMark = "MoES";
constexpr std::size_t kQuotedBytes = 60;

std::size_t decode_length(std::string_view bytes) {
    std::size_t length = 0;
    for (int i = 3; i >= 0; --i)
        length = length << 8 | static_cast<unsigned char>(bytes[std::size_t(i)]);
    return length;
}

// The first line of what arrived, printable.
std::string quoted(std::string_view bytes) {
    std::string text;
    for (char c : bytes.substr(0, std::min(bytes.find('\n'), kQuotedBytes)))
        text += c >= 0x20 && c < 0x7f ? c : '?';
    return "\"" + text + "\"";
}

} // namespace

Result<std::string> frame(std::string_view payload) {
    if (payload.size() > kMaxFrameBytes)
        return Error{fmt::format("a message of {} bytes", payload.size()),
                     fmt::format("a message may have at most {}", kMaxFrameBytes), ""};
    std::string bytes(kMark);
    bytes.reserve(kFrameHeaderBytes + payload.size());
    for (int shift = 0; shift < 32; shift += 8)
        bytes += static_cast<char>(payload.size() >> shift & 0xff);
    bytes += payload;
    return bytes;
}

Result<std::optional<std::string>> FrameReader::next() {
    const std::string_view rest = std::string_view(buffer_).substr(at_);
    const std::size_t mark_seen = std::min(rest.size(), kMark.size());
    if (rest.substr(0, mark_seen) != kMark.substr(0, mark_seen))
        return Error{"what arrived is not MoEScope's protocol", "it begins with " + quoted(rest), ""};
    if (rest.size() < kFrameHeaderBytes)
        return std::optional<std::string>();
    const std::size_t length = decode_length(rest.substr(kMark.size(), 4));
    if (length > kMaxFrameBytes)
        return Error{fmt::format("a message of {} bytes was announced", length),
                     fmt::format("a message may have at most {}", kMaxFrameBytes), ""};
    if (rest.size() < kFrameHeaderBytes + length)
        return std::optional<std::string>();
    std::optional<std::string> payload(std::string(rest.substr(kFrameHeaderBytes, length)));
    at_ += kFrameHeaderBytes + length;
    if (at_ == buffer_.size() || at_ > kMaxFrameBytes) { // forget what has been read
        buffer_.erase(0, at_);
        at_ = 0;
    }
    return payload;
}

Status FrameReader::finish() const {
    if (at_ == buffer_.size())
        return {};
    return Error{"the stream ended inside a message", fmt::format("{} bytes of it had arrived", buffer_.size() - at_),
                 ""};
}

} // namespace moescope
