// Writes JSON piece by piece, for documents too large to hold: commas and nesting are its business,
// the output is always valid, and what has no JSON (NaN, infinity) becomes null.
#pragma once

#include <fmt/compile.h>
#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

// A text as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

class JsonStream {
  public:
    explicit JsonStream(std::ostream &out) : out_(out) {}
    ~JsonStream() { flush(); }
    JsonStream(const JsonStream &) = delete;
    JsonStream &operator=(const JsonStream &) = delete;

    void begin_object() { begin('{'); }
    void end_object() { end('}'); }
    void begin_array() { begin('['); }
    void end_array() { end(']'); }
    // Starts the next element on a line of its own.
    void line() { newline_ = true; }

    // name: plain ASCII without quotes or backslashes, as all our keys are.
    void key(std::string_view name) {
        separate();
        append("\"");
        append(name);
        append("\": ");
        after_key_ = true;
    }
    // A key that is encoded already, as json_string() does.
    template <typename T> void encoded_field(std::string_view name, const T &content) {
        separate();
        append(name);
        append(": ");
        after_key_ = true;
        value(content);
    }

    void value(std::integral auto number) {
        separate();
        fmt::format_to(std::back_inserter(buffer_), FMT_COMPILE("{}"), number);
    }
    void value(bool flag) {
        separate();
        append(flag ? "true" : "false");
    }
    void value(double number);
    void value(std::string_view text);
    void value(const char *text) { value(std::string_view(text)); }
    // JSON that is encoded already.
    void encoded(std::string_view json) {
        separate();
        append(json);
    }
    // Nanoseconds as microseconds with three decimals: exact, where a double would not be.
    void microseconds(std::int64_t ns);

    template <typename T> void field(std::string_view name, const T &content) {
        key(name);
        value(content);
    }

    void flush();

  private:
    void append(std::string_view text) { buffer_.append(text.data(), text.data() + text.size()); }
    void separate();
    void begin(char bracket);
    void end(char bracket);

    static constexpr std::size_t kFlushBytes = 1 << 16;
    std::ostream &out_;
    fmt::memory_buffer buffer_;
    std::vector<bool> has_elements_; // of each open object or array
    bool after_key_ = false, newline_ = false;
};

} // namespace moescope
