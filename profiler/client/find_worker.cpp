#include "profiler/base/try.h"
#include "profiler/client/worker_client.h"

#include <fmt/format.h>

#include <unistd.h>

#include <cstdlib>

namespace moescope {

namespace {

namespace fs = std::filesystem;

constexpr const char *kProgram = "moescope-worker";

bool is_program(const fs::path &path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
}

// Where this program lies: installed beside the worker or with it in lib/moescope, or in a build tree.
std::vector<fs::path> places_beside_this_program() {
    std::error_code failed;
    const fs::path self = fs::read_symlink("/proc/self/exe", failed);
    if (failed)
        return {};
    const fs::path folder = self.parent_path();
    return {folder, folder / "../lib/moescope", folder / "../profiler"};
}

std::vector<fs::path> places_of_path() {
    std::vector<fs::path> places;
    const char *path = std::getenv("PATH");
    std::string_view rest = path ? path : "";
    while (!rest.empty()) {
        const auto colon = rest.find(':');
        if (colon != 0)
            places.emplace_back(rest.substr(0, colon));
        rest = colon == rest.npos ? std::string_view() : rest.substr(colon + 1);
    }
    return places;
}

Result<WorkerCommand> remote_worker(const std::string &text, SshQuestions questions) {
    const Result<RemoteHost> host = parse_remote_host(text);
    MOESCOPE_TRY(host);
    WorkerCommand command{ssh_command(*host, questions), host->target, true, patience_with(questions)};
    command.argv.push_back(for_any_shell(launch_script(*host)));
    return command;
}

} // namespace

Result<WorkerCommand> find_worker(const std::string &remote, SshQuestions questions) {
    if (!remote.empty())
        return remote_worker(remote, questions);
    if (const char *named = std::getenv("MOESCOPE_WORKER"); named && *named) {
        if (is_program(named))
            return WorkerCommand{{named}, "this machine"};
        return Error{fmt::format("MOESCOPE_WORKER is \"{}\"", named), "that is no program", "name one or unset it"};
    }
    for (const auto &places : {places_beside_this_program(), places_of_path()})
        for (const fs::path &place : places)
            if (is_program(place / kProgram))
                return WorkerCommand{{(place / kProgram).lexically_normal()}, "this machine"};
    return Error{"moescope-worker was not found", "it is neither beside this program nor in PATH",
                 "build it, or set MOESCOPE_WORKER to where it is"};
}

} // namespace moescope
