#include "profiler/client/child_process.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <utility>

extern char **environ;

namespace moescope {

namespace {

constexpr std::size_t kReadBytes = 1 << 18;

struct SpawnActions {
    posix_spawn_file_actions_t value;
    SpawnActions() { posix_spawn_file_actions_init(&value); }
    ~SpawnActions() { posix_spawn_file_actions_destroy(&value); }
    SpawnActions(const SpawnActions &) = delete;
    SpawnActions &operator=(const SpawnActions &) = delete;
};

// An ssh that may ask for a password does so on the terminal.
bool may_ask(const std::vector<std::string> &argv) {
    return std::filesystem::path(argv.front()).filename() == "ssh" && std::ranges::find(argv, "BatchMode=yes") == argv.end();
}

// The child starts with default signals, whatever this thread blocks or ignores, and in a session of its own: Ctrl-C
// reaches only this program, which then cancels the run, and nothing below it (another ssh to a host on the way) can
// ask on the terminal. Only what may ask stays.
struct SpawnAttributes {
    posix_spawnattr_t value;
    explicit SpawnAttributes(bool own_session) {
        posix_spawnattr_init(&value);
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&value, &none);
        posix_spawnattr_setsigdefault(&value, &all);
        posix_spawnattr_setflags(&value, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                            (own_session ? POSIX_SPAWN_SETSID : 0)));
    }
    ~SpawnAttributes() { posix_spawnattr_destroy(&value); }
    SpawnAttributes(const SpawnAttributes &) = delete;
    SpawnAttributes &operator=(const SpawnAttributes &) = delete;
};

void set_nonblocking(const Descriptor &descriptor) {
    fcntl(descriptor.get(), F_SETFL, fcntl(descriptor.get(), F_GETFL) | O_NONBLOCK);
}

std::string describe_end(int status) {
    if (WIFSIGNALED(status))
        return ended_by(WTERMSIG(status));
    return fmt::format("exited with status {}", WEXITSTATUS(status));
}

} // namespace

std::string ended_by(int signal) {
    const char *name = sigabbrev_np(signal);
    return name ? fmt::format("was ended by SIG{}", name) : fmt::format("was ended by signal {}", signal);
}

Descriptor::Descriptor(Descriptor &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Descriptor &Descriptor::operator=(Descriptor &&other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

void Descriptor::close() {
    if (fd_ >= 0)
        ::close(std::exchange(fd_, -1));
}

Result<Pipe> make_pipe(bool blocking) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC | (blocking ? 0 : O_NONBLOCK)) != 0)
        return Error{"a pipe could not be made", std::strerror(errno), ""};
    return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(const std::vector<std::string> &argv) {
    Result<Pipe> input = make_pipe(), output = make_pipe(), error = make_pipe();
    for (const Result<Pipe> *made : {&input, &output, &error})
        if (!*made)
            return made->error();

    SpawnActions actions;
    posix_spawn_file_actions_adddup2(&actions.value, input->read.get(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions.value, output->write.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions.value, error->write.get(), STDERR_FILENO);
    const SpawnAttributes attributes(!may_ask(argv));

    std::vector<std::string> words = argv;
    std::vector<char *> pointers;
    for (std::string &word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);

    pid_t pid = 0;
    if (const int failed = posix_spawnp(&pid, pointers[0], &actions.value, &attributes.value, pointers.data(), environ))
        return Error{fmt::format("{} could not be started", argv.front()), std::strerror(failed),
                     argv.front() == "ssh" ? "install OpenSSH's client" : ""};

    std::unique_ptr<ChildProcess> child(new ChildProcess(pid));
    child->input = std::move(input->write);
    child->output = std::move(output->read);
    child->error = std::move(error->read);
    for (const Descriptor *descriptor : {&child->input, &child->output, &child->error})
        set_nonblocking(*descriptor);
    return child;
}

ChildProcess::~ChildProcess() {
    input.close();
    if (ended())
        return;
    kill();
    waitpid(pid_, nullptr, 0);
}

std::optional<std::string> ChildProcess::ended() {
    int status = 0;
    if (!ended_ && waitpid(pid_, &status, WNOHANG) == pid_) {
        ended_ = describe_end(status);
        exit_status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    return ended_;
}

void ChildProcess::kill() {
    if (!ended())
        ::kill(pid_, SIGKILL);
}

ReadResult read_available(const Descriptor &from) {
    ReadResult result;
    result.bytes.resize(kReadBytes);
    const ssize_t got = ::read(from.get(), result.bytes.data(), result.bytes.size());
    result.at_end = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
    result.bytes.resize(got > 0 ? std::size_t(got) : 0);
    return result;
}

std::optional<std::size_t> write_available(const Descriptor &to, std::string_view bytes) {
    const ssize_t put = ::write(to.get(), bytes.data(), bytes.size());
    if (put >= 0)
        return std::size_t(put);
    if (errno == EAGAIN || errno == EINTR)
        return std::size_t(0);
    return std::nullopt;
}

} // namespace moescope
