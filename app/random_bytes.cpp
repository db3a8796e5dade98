// What libexpat asks of glibc 2.36, so that the program starts on an older one as well.
#include <sys/random.h>

#include <cstddef>
#include <cstdlib>

extern "C" void arc4random_buf(void *to, std::size_t bytes) noexcept {
    auto *at = static_cast<char *>(to);
    while (bytes > 0) {
        const ssize_t got = getrandom(at, bytes, 0);
        if (got <= 0)
            continue; // interrupted
        at += got;
        bytes -= std::size_t(got);
    }
}
