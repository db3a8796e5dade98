#include "tests/app/cli/program.h"

#include <catch2/catch_test_macros.hpp>

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace moescope {

namespace {

std::string text_of(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

[[noreturn]] void become(const std::vector<std::string> &arguments, const std::string &out,
                         const std::string &err) {
    std::vector<char *> words{const_cast<char *>(MOESCOPE_PATH)};
    for (const std::string &argument : arguments)
        words.push_back(const_cast<char *>(argument.c_str()));
    words.push_back(nullptr);
    setenv("MOESCOPE_WORKER", MOESCOPE_WORKER_PATH, 0);
    unsetenv("DISPLAY");
    unsetenv("WAYLAND_DISPLAY");
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
    dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    execv(MOESCOPE_PATH, words.data());
    _exit(127);
}

} // namespace

Answer run_moescope(const std::vector<std::string> &arguments) {
    const TemporaryFolder folder;
    const std::string out = folder / "out", err = folder / "err";
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0)
        become(arguments, out, err);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text_of(out),
            text_of(err)};
}

TemporaryFolder::TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "moescope_cli_XXXXXX").string();
    REQUIRE(mkdtemp(name.data()));
    path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

} // namespace moescope
