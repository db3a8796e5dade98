#include "profiler/client/autosave.h"

namespace moescope {

namespace {
constexpr std::chrono::milliseconds kInterval{500};
constexpr std::chrono::milliseconds kRetryInterval{5000};
} // namespace

Status Autosave::update(const Session &session, bool now) {
    if (!wanted() || session.empty() || session.version == written_version_)
        return {};
    const bool failing = interval_ == kRetryInterval;
    if ((!now || failing) && Clock::now() - last_try_ < interval_)
        return {};
    last_try_ = Clock::now();
    interval_ = kRetryInterval;
    if (!writer_) {
        Result<std::unique_ptr<SessionFileWriter>> made = SessionFileWriter::create(path_);
        if (!made)
            return made.error();
        writer_ = std::move(*made);
    }
    if (Status written = writer_->write(session); !written)
        return written;
    interval_ = kInterval;
    written_version_ = session.version;
    return {};
}

Status Autosave::close() { return writer_ ? writer_->close() : Status{}; }

} // namespace moescope
