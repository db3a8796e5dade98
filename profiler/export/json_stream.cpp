#include "profiler/export/json_stream.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace moescope {

namespace {

// Most texts need no escape and are as they are between quotes.
bool is_plain(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

} // namespace

std::string json_string(std::string_view text) {
    if (is_plain(text))
        return fmt::format("\"{}\"", text);
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void JsonStream::value(std::string_view text) {
    if (!is_plain(text))
        return encoded(json_string(text));
    separate();
    buffer_.push_back('"');
    append(text);
    buffer_.push_back('"');
}

void JsonStream::value(double number) {
    separate();
    if (std::isfinite(number))
        fmt::format_to(std::back_inserter(buffer_), FMT_COMPILE("{}"), number);
    else
        append("null");
}

void JsonStream::microseconds(std::int64_t ns) {
    separate();
    const char *sign = ns < 0 ? "-" : "";
    const std::uint64_t magnitude = ns < 0 ? 0 - std::uint64_t(ns) : std::uint64_t(ns);
    fmt::format_to(std::back_inserter(buffer_), FMT_COMPILE("{}{}.{:03}"), sign, magnitude / 1000,
                   magnitude % 1000);
}

void JsonStream::separate() {
    if (after_key_) {
        after_key_ = false;
        return;
    }
    if (!has_elements_.empty()) {
        if (has_elements_.back())
            append(newline_ ? "," : ", ");
        has_elements_.back() = true;
    }
    if (newline_)
        append("\n");
    newline_ = false;
    if (buffer_.size() >= kFlushBytes)
        flush();
}

void JsonStream::begin(char bracket) {
    separate();
    buffer_.push_back(bracket);
    has_elements_.push_back(false);
}

void JsonStream::end(char bracket) {
    if (newline_)
        append("\n");
    newline_ = false;
    buffer_.push_back(bracket);
    has_elements_.pop_back();
}

void JsonStream::flush() {
    out_.write(buffer_.data(), std::streamsize(buffer_.size()));
    buffer_.clear();
}

} // namespace moescope
