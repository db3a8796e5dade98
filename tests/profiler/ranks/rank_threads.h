// Several ranks in one process, a thread each, meeting on this machine.
#pragma once

#include "profiler/ranks/meeting.h"

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace moescope {

// `work` must not use Catch2's macros: they are not for other threads.
inline void as_ranks(std::int32_t size, const std::function<void(Meeting &)> &work, double patience_seconds = 60) {
    const Result<std::int32_t> port = free_port();
    REQUIRE(port);
    std::vector<Status> joined(static_cast<std::size_t>(size));
    std::vector<std::thread> threads;
    for (std::int32_t rank = 0; rank < size; ++rank)
        threads.emplace_back([&, rank] {
            Result<std::unique_ptr<Meeting>> meeting = Meeting::join({rank, size, "127.0.0.1", *port, "test", patience_seconds}, 20);
            if (meeting)
                work(**meeting);
            else
                joined[std::size_t(rank)] = meeting.error();
        });
    for (std::thread &thread : threads)
        thread.join();
    for (const Status &status : joined)
        CHECK(status);
}

} // namespace moescope
