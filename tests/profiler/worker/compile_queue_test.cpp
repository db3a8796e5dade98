#include "profiler/worker/compile_queue.h"
#include "tests/profiler/worker/fake_device.h"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <thread>
#include <vector>

using namespace moescope;
using namespace moescope::testing;

TEST_CASE("a compile queue ends, however fast its threads are done") {
    FakeDevice device;
    device.table.scatter2scatter_compile = [](const ms_scatter2scatter_args *, const char *, ms_tile_resources *) {
        return ms_status(MS_OK);
    };
    const std::atomic<bool> cancelled = false;
    for (int round = 0; round < 300; ++round) {
        CompileQueue queue(device, std::vector<ms_scatter2scatter_args>(2), cancelled);
        std::size_t finished = 0;
        while (const std::optional<Compiled> news = queue.next())
            finished += !news->started;
        REQUIRE(finished == 2);
    }
}

TEST_CASE("a compile queue that is cancelled waits for no compiler, and begins nothing more") {
    static std::atomic<int> begun, ended; // the table has plain functions
    static std::atomic<bool> held;
    begun = ended = 0;
    held = true;
    FakeDevice device;
    device.table.scatter2scatter_compile = [](const ms_scatter2scatter_args *, const char *, ms_tile_resources *) {
        ++begun;
        while (held)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        ++ended;
        return ms_status(MS_OK);
    };
    std::atomic<bool> cancelled = false;
    {
        CompileQueue queue(device, std::vector<ms_scatter2scatter_args>(1000), cancelled);
        REQUIRE(queue.next()); // one has begun
        cancelled = true;
        CHECK_FALSE(queue.next());
        CHECK(ended == 0);
    }
    CHECK(CompileQueue::left_behind());
    held = false;
    while (CompileQueue::left_behind())
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(ended == begun);
    CHECK(begun < 1000);
}
