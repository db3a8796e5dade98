// Rows of a CSV table: comma-separated, quoted as RFC 4180 says, lines ended by LF. An empty cell: not
// known.
#pragma once

#include "profiler/base/ids.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <cmath>
#include <concepts>
#include <iterator>
#include <limits>
#include <ostream>
#include <string_view>

namespace moescope {

class Csv {
  public:
    explicit Csv(std::ostream &out) : out_(out) {}
    ~Csv() { flush(); }
    Csv(const Csv &) = delete;
    Csv &operator=(const Csv &) = delete;

    template <typename... Cells> void row(const Cells &...cells) {
        first_ = true;
        (cell(cells), ...);
        buffer_.push_back('\n');
        if (buffer_.size() >= kFlushBytes)
            flush();
    }

  private:
    void separate() {
        if (!first_)
            buffer_.push_back(',');
        first_ = false;
    }
    void cell(std::integral auto number) {
        separate();
        fmt::format_to(std::back_inserter(buffer_), FMT_COMPILE("{}"), number);
    }
    void cell(std::floating_point auto number) {
        separate();
        if (std::isfinite(number))
            fmt::format_to(std::back_inserter(buffer_), FMT_COMPILE("{}"), number);
    }
    template <typename Tag> void cell(Id<Tag> id) {
        if (id.valid())
            cell(id.value);
        else
            separate();
    }
    void cell(std::string_view text) {
        separate();
        const bool quote = text.find_first_of(",\"\r\n") != std::string_view::npos;
        if (!quote) {
            buffer_.append(text.data(), text.data() + text.size());
            return;
        }
        buffer_.push_back('"');
        for (const char c : text) {
            if (c == '"')
                buffer_.push_back('"');
            buffer_.push_back(c);
        }
        buffer_.push_back('"');
    }
    void cell(const char *text) { cell(std::string_view(text)); }
    void flush() {
        out_.write(buffer_.data(), std::streamsize(buffer_.size()));
        buffer_.clear();
    }

    static constexpr std::size_t kFlushBytes = 1 << 16;
    std::ostream &out_;
    fmt::memory_buffer buffer_;
    bool first_ = true;
};

// A figure that was never measured is an empty cell, not a zero.
inline double known(bool is_known, double value) {
    return is_known ? value : std::numeric_limits<double>::quiet_NaN();
}

} // namespace moescope
