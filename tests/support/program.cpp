#include "tests/support/program.h"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char **environ;

namespace moescope::test {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

std::vector<std::string> merged(const std::vector<std::string> &changes) {
    const auto name_of = [](const std::string &entry) { return entry.substr(0, entry.find('=')); };
    std::vector<std::string> result;
    for (char **entry = environ; *entry; ++entry) {
        bool changed = false;
        for (const std::string &change : changes)
            changed = changed || name_of(change) == name_of(*entry);
        if (!changed)
            result.emplace_back(*entry);
    }
    for (const std::string &change : changes)
        if (change.find('=') != std::string::npos)
            result.push_back(change);
    return result;
}

std::vector<char *> pointers(std::vector<std::string> &words) {
    std::vector<char *> result;
    for (std::string &word : words)
        result.push_back(word.data());
    result.push_back(nullptr);
    return result;
}

std::string temporary(const char *pattern) {
    std::string name = (std::filesystem::temp_directory_path() / pattern).string();
    const int file = ::mkstemp(name.data());
    if (file >= 0)
        ::close(file);
    return name;
}

std::string content(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

Program::Program(std::vector<std::string> argv, const std::vector<std::string> &environment)
    : output_path_(temporary("moescope-output-XXXXXX")) {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, output_path_.c_str(), O_WRONLY | O_APPEND, 0);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    std::vector<std::string> variables = merged(environment);
    ended_ = posix_spawnp(&pid_, argv[0].c_str(), &files, nullptr, pointers(argv).data(),
                          pointers(variables).data()) != 0;
    if (ended_) {
        pid_ = -1;
        status_ = 127 << 8;
    }
    posix_spawn_file_actions_destroy(&files);
}

Program::~Program() {
    if (running()) {
        terminate();
        wait(5s);
    }
    if (running()) {
        ::kill(pid_, SIGKILL);
        wait(5s);
    }
    std::filesystem::remove(output_path_);
}

bool Program::running() {
    if (!ended_)
        ended_ = ::waitpid(pid_, &status_, WNOHANG) == pid_;
    return !ended_;
}

void Program::terminate() {
    if (running())
        ::kill(pid_, SIGTERM);
}

std::string Program::output() const { return content(output_path_); }

Program::Ended Program::wait(std::chrono::seconds limit) {
    const auto until = Clock::now() + limit;
    while (running() && Clock::now() < until)
        std::this_thread::sleep_for(20ms);
    Ended result;
    result.timed_out = running();
    result.output = output();
    if (!result.timed_out) {
        result.code = WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
        result.signal = WIFSIGNALED(status_) ? WTERMSIG(status_) : 0;
    }
    return result;
}

std::unique_ptr<VirtualDisplay> VirtualDisplay::open(int width, int height) {
    std::unique_ptr<VirtualDisplay> display(new VirtualDisplay());
    // The server writes the number it chose into a file of ours, through a shell that opens it.
    display->number_file_ = temporary("moescope-display-XXXXXX");
    const std::string screen = std::to_string(width) + "x" + std::to_string(height) + "x24";
    display->server_ = std::make_unique<Program>(
        std::vector<std::string>{"sh", "-c",
                                 "exec Xvfb -displayfd 7 -nolisten tcp -screen 0 " + screen +
                                     " 7>" + display->number_file_});
    const auto until = Clock::now() + 20s;
    while (display->server_->running() && Clock::now() < until) {
        const std::string number = content(display->number_file_);
        if (number.find('\n') != std::string::npos) {
            display->name_ = ":" + number.substr(0, number.find('\n'));
            return display;
        }
        std::this_thread::sleep_for(50ms);
    }
    return nullptr;
}

VirtualDisplay::~VirtualDisplay() {
    server_.reset();
    std::filesystem::remove(number_file_);
}

} // namespace moescope::test
