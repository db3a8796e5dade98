#include "profiler/worker/compile_queue.h"
#include "tests/profiler/worker/fake_device.h"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <cstddef>
#include <optional>
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
