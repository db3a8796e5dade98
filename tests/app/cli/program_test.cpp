#include "tests/app/cli/program.h"

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace moescope {

namespace {

std::string text_of(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

[[noreturn]] void become(const Start &start, const std::string &out, const std::string &err) {
    for (const auto &[name, value] : start.environment)
        setenv(name.c_str(), value.c_str(), 1);
    std::vector<char *> words{const_cast<char *>(MOESCOPE_PATH)};
    for (const std::string &argument : start.arguments)
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
    return run_together({{{}, arguments}}).front();
}

std::vector<Answer> run_together(const std::vector<Start> &starts) { return run_together(starts, {}); }

std::vector<Answer> run_together(const std::vector<Start> &starts, const Kill &kill) {
    const TemporaryFolder folder;
    const auto file = [&](const char *name, std::size_t at) { return folder / (name + std::to_string(at)); };
    std::vector<pid_t> children;
    for (std::size_t at = 0; at < starts.size(); ++at) {
        const pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0)
            become(starts[at], file("out", at), file("err", at));
        children.push_back(child);
    }
    if (!kill.what.empty()) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (text_of(file("err", kill.who_says)).find(kill.what) == std::string::npos &&
               std::chrono::steady_clock::now() < until)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        ::kill(children[kill.which], SIGKILL);
    }
    std::vector<Answer> answers;
    for (std::size_t at = 0; at < children.size(); ++at) {
        int status = 0;
        REQUIRE(waitpid(children[at], &status, 0) == children[at]);
        answers.push_back({WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text_of(file("out", at)),
                           text_of(file("err", at))});
    }
    return answers;
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
