#include "profiler/import/trace_text.h"

#include "profiler/base/input_file.h"
#include "profiler/base/try.h"

#include <zlib.h>

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

namespace moescope {

namespace {

// zlib reads plain files too.
class GzipText final : public TraceText {
  public:
    GzipText(std::filesystem::path path, gzFile file, const TraceLimits &limits)
        : path_(std::move(path)), file_(file), limits_(limits), buffer_(kBufferBytes) {}
    ~GzipText() override { gzclose(file_); }
    GzipText(const GzipText &) = delete;
    GzipText &operator=(const GzipText &) = delete;

    Status ended() const override {
        return why_.empty() ? Status() : cannot_read(path_, why_, "export the trace again");
    }

  protected:
    int_type underflow() override {
        if (gptr() < egptr())
            return traits_type::to_int_type(*gptr());
        const int got = why_.empty() ? gzread(file_, buffer_.data(), kBufferBytes) : 0;
        int code = Z_OK;
        const char *words = gzerror(file_, &code);
        if (got < 0 || (code != Z_OK && code != Z_STREAM_END))
            stop(code == Z_ERRNO       ? std::strerror(errno)
                 : code == Z_BUF_ERROR ? "the gzip file is truncated"
                                       : fmt::format("the gzip file is damaged: {}", words));
        if (got <= 0 || !within_limits(std::size_t(got)))
            return traits_type::eof();
        setg(buffer_.data(), buffer_.data(), buffer_.data() + got);
        return traits_type::to_int_type(*gptr());
    }

  private:
    static constexpr unsigned kBufferBytes = 1 << 18;

    void stop(std::string why) {
        if (why_.empty())
            why_ = std::move(why);
    }

    // A long stretch without a quote, or between two, is one long token: the parser would hold it.
    bool within_limits(std::size_t got) {
        total_ += got;
        const std::string_view text(buffer_.data(), got);
        std::size_t from = 0;
        for (std::size_t quote = text.find('"'); quote != std::string_view::npos;
             quote = text.find('"', from)) {
            since_quote_ = 0;
            from = quote + 1;
        }
        since_quote_ += got - from;
        if (total_ > limits_.text_bytes)
            stop(fmt::format("its text has more than {} bytes", limits_.text_bytes));
        if (since_quote_ > limits_.token_bytes)
            stop(fmt::format("it has a stretch of more than {} bytes without a quotation mark, "
                             "which no profiler writes",
                             limits_.token_bytes));
        return why_.empty();
    }

    std::filesystem::path path_;
    gzFile file_;
    TraceLimits limits_;
    std::vector<char> buffer_;
    std::uint64_t total_ = 0, since_quote_ = 0;
    std::string why_;
};

} // namespace

Result<std::unique_ptr<TraceText>> TraceText::open(const std::filesystem::path &path,
                                                   const TraceLimits &limits) {
    MOESCOPE_TRY(check_regular_file(path, "name a trace"));
    std::error_code failed;
    if (std::filesystem::file_size(path, failed) == 0 && !failed)
        return cannot_read(path, "it is empty", "export the trace again");
    errno = 0;
    gzFile file = gzopen(path.c_str(), "rb");
    if (!file)
        return cannot_read(path, std::strerror(errno ? errno : ENOMEM), "check its permissions");
    gzbuffer(file, 1 << 18);
    return std::unique_ptr<TraceText>(std::make_unique<GzipText>(path, file, limits));
}

} // namespace moescope
