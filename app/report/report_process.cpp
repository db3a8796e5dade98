#include "app/report/report_process.h"

#include "app/shell/other_program.h"
#include "profiler/base/try.h"
#include "profiler/session/session_file.h"

#include <fmt/format.h>

#include <unistd.h>

#include <chrono>
#include <system_error>

namespace moescope {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kLimit{10};

// What the other program reads.
class SavedSession {
  public:
    SavedSession() : path_(fs::temp_directory_path() / fmt::format("moescope-report-{}.moescope", getpid())) {}
    ~SavedSession() {
        std::error_code ignored;
        fs::remove(path_, ignored);
    }
    SavedSession(const SavedSession &) = delete;
    SavedSession &operator=(const SavedSession &) = delete;
    const fs::path &path() const { return path_; }

  private:
    fs::path path_;
};

} // namespace

Status write_report_elsewhere(const Session &session, const fs::path &path, const std::stop_token &stop) {
    const SavedSession saved;
    MOESCOPE_TRY(save_session(session, saved.path()));
    std::error_code problem;
    const fs::path self = fs::read_symlink("/proc/self/exe", problem);
    const Result<ProgramAnswer> answer =
        ask_program({self.string(), "export", saved.path().string(), "--report", path.string()}, kLimit, stop);
    MOESCOPE_TRY(answer);
    if (!answer->good())
        return Error{fmt::format("{} was not written", path.string()), fmt::format("moescope export {}", answer->end),
                     "save the session and run moescope export on it"};
    return {};
}

} // namespace moescope
