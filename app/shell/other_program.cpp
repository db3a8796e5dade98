#include "app/shell/other_program.h"

#include "profiler/client/child_process.h"

#include <fmt/format.h>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace moescope {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kLook{50}; // how soon a request to stop is noticed

// False once the stream has ended.
bool read_some(const Descriptor &from, std::string *into) {
    while (from.is_open()) {
        const ReadResult got = read_available(from);
        if (into)
            *into += got.bytes;
        if (got.at_end)
            return false;
        if (got.bytes.empty())
            return true;
    }
    return false;
}

} // namespace

Result<ProgramAnswer> ask_program(const std::vector<std::string> &argv, std::chrono::milliseconds limit,
                                  const std::stop_token &stop) {
    auto started = ChildProcess::start(argv);
    if (!started)
        return started.error();
    ChildProcess &child = **started;
    child.input.close();
    ProgramAnswer answer;
    const auto until = Clock::now() + limit;
    bool talks = true;
    while (Clock::now() < until && !stop.stop_requested()) {
        if (talks) {
            pollfd streams[] = {{child.output.get(), POLLIN, 0}, {child.error.get(), POLLIN, 0}};
            ::poll(streams, 2, int(kLook.count()));
            read_some(child.error, nullptr);
            talks = read_some(child.output, &answer.output);
        } else {
            std::this_thread::sleep_for(kLook / 10);
        }
        if (const auto end = child.ended()) {
            read_some(child.output, &answer.output);
            answer.end = *end;
            return answer;
        }
    }
    return Error{fmt::format("{} was asked and gave no answer", argv.front()),
                 stop.stop_requested() ? "it was no longer needed" : "it took too long", ""};
}

bool has_program(std::string_view name) {
    const char *path = std::getenv("PATH");
    std::string_view folders = path ? path : "";
    while (!folders.empty()) {
        const std::size_t end = std::min(folders.find(':'), folders.size());
        const auto file = std::filesystem::path(folders.substr(0, end)) / name;
        std::error_code problem;
        if (std::filesystem::is_regular_file(file, problem) && ::access(file.c_str(), X_OK) == 0)
            return true;
        folders.remove_prefix(std::min(end + 1, folders.size()));
    }
    return false;
}

} // namespace moescope
