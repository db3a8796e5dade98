// What libexpat asks of glibc 2.36, so that the program starts on an older one as well.
#include <sys/random.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

extern "C" void arc4random_buf(void *to, std::size_t bytes) noexcept {
    auto *at = static_cast<char *>(to);
    while (bytes > 0) {
        const ssize_t got = getrandom(at, bytes, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) { // there is no way to say so to the caller
            std::perror("moescope: the system gives no random bytes");
            std::abort();
        }
        at += got;
        bytes -= std::size_t(got);
    }
}
