#include "profiler/worker/device.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

using namespace moescope;

TEST_CASE("a worker without a GPU says what CUDA lacks, and one with a GPU has nothing to say") {
    const std::vector<DeviceInfo> devices = list_devices();
    const DeviceInfo &cpu = devices.back();
    CHECK(cpu.is_cpu());
    const auto cuda = std::find_if(cpu.capabilities.begin(), cpu.capabilities.end(),
                                   [](const auto &each) { return each.collector == "cuda"; });
    REQUIRE((cuda == cpu.capabilities.end()) == (devices.size() > 1));
    if (devices.size() > 1)
        return;
    CHECK(cuda->state == "absent");
    CHECK(cuda->reason.size() > 10);
    NameTable names;
    const auto opened = open_device("cuda:0", names);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().why == cuda->reason);
}
