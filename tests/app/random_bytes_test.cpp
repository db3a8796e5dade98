#include <catch2/catch_test_macros.hpp>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>

extern "C" void arc4random_buf(void *to, std::size_t bytes) noexcept;

namespace {

constexpr int kNoFilter = 77;

// From here on the kernel answers this process' getrandom() with an error, as some sandboxes do.
bool refuse_random_bytes() {
    std::array<sock_filter, 4> steps = {sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
                                        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                                        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const sock_fprog program{static_cast<unsigned short>(steps.size()), steps.data()};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

} // namespace

TEST_CASE("random bytes fill what is asked for and no more") {
    std::array<unsigned char, 600> first{}, second{};
    arc4random_buf(first.data(), first.size() - 1);
    arc4random_buf(second.data(), second.size() - 1);
    CHECK(first != second);
    CHECK(first.back() == 0);
}

TEST_CASE("where the system refuses random bytes the program ends with a word instead of hanging") {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const rlimit no_core{0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        std::signal(SIGABRT, SIG_DFL); // the tests' own would report it as theirs
        alarm(20);
        if (!refuse_random_bytes())
            _exit(kNoFilter);
        char byte = 0;
        arc4random_buf(&byte, 1);
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == kNoFilter)
        SKIP("this kernel takes no seccomp filter");
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGABRT);
}
