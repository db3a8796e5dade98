#include "profiler/export/replace_file.h"

#include <zlib.h>

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <ostream>
#include <streambuf>

namespace moescope {

namespace {

// A sink keeps the first error of the operating system; what is written after it goes nowhere.
class Sink : public std::streambuf {
  public:
    virtual int finish() = 0; // closes; 0, or the errno of whatever failed first

  protected:
    int_type overflow(int_type next) override {
        const char byte = traits_type::to_char_type(next);
        return xsputn(&byte, 1) == 1 ? traits_type::not_eof(next) : traits_type::eof();
    }
};

class PlainSink final : public Sink {
  public:
    explicit PlainSink(const std::filesystem::path &path) : file_(std::fopen(path.c_str(), "wb")) {
        if (!file_)
            error_ = errno;
    }
    int finish() override {
        if (file_ && std::fclose(file_.release()) != 0 && error_ == 0)
            error_ = errno;
        return error_;
    }

  protected:
    std::streamsize xsputn(const char *bytes, std::streamsize size) override {
        if (error_ == 0 &&
            std::fwrite(bytes, 1, std::size_t(size), file_.get()) != std::size_t(size))
            error_ = errno;
        return error_ == 0 ? size : 0;
    }

  private:
    struct Close {
        void operator()(std::FILE *file) const { std::fclose(file); }
    };
    std::unique_ptr<std::FILE, Close> file_;
    int error_ = 0;
};

class GzipSink final : public Sink {
  public:
    explicit GzipSink(const std::filesystem::path &path) {
        errno = 0;
        file_.reset(gzopen(path.c_str(), "wb5")); // level 5: traces shrink 20-fold at either 5 or 9
        if (file_)
            gzbuffer(file_.get(), 1 << 18);
        else
            error_ = errno != 0 ? errno : ENOMEM;
    }
    int finish() override {
        errno = 0;
        if (file_ && gzclose(file_.release()) != Z_OK && error_ == 0)
            error_ = errno != 0 ? errno : EIO;
        return error_;
    }

  protected:
    std::streamsize xsputn(const char *bytes, std::streamsize size) override {
        errno = 0;
        if (error_ == 0 && size > 0 && gzwrite(file_.get(), bytes, unsigned(size)) != int(size))
            error_ = errno != 0 ? errno : EIO;
        return error_ == 0 ? size : 0;
    }

  private:
    struct Close {
        void operator()(gzFile file) const { gzclose(file); }
    };
    std::unique_ptr<gzFile_s, Close> file_;
    int error_ = 0;
};

Error cannot_write(const std::filesystem::path &path, int error) {
    const char *remedy = error == ENOSPC || error == EFBIG || error == EDQUOT
                             ? "free space on that disk, or choose a path on another one"
                             : "check the folder and its permissions, or choose another path";
    return {fmt::format("{} cannot be written", path.string()), std::strerror(error), remedy};
}

} // namespace

Status replace_file(const std::filesystem::path &path, Compression compression,
                    const std::function<void(std::ostream &)> &write) {
    std::error_code failed;
    if (std::filesystem::is_directory(path, failed))
        return cannot_write(path, EISDIR);
    const std::filesystem::path temporary = path.string() + ".tmp";
    std::unique_ptr<Sink> sink;
    if (compression == Compression::Gzip)
        sink = std::make_unique<GzipSink>(temporary);
    else
        sink = std::make_unique<PlainSink>(temporary);
    std::ostream out(sink.get());
    write(out);
    int error = sink->finish();
    if (error == 0) {
        std::filesystem::rename(temporary, path, failed);
        error = failed.value();
    }
    if (error == 0)
        return {};
    std::filesystem::remove(temporary, failed);
    return cannot_write(path, error);
}

} // namespace moescope
