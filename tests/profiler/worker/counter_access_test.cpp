// Who may read counters, from what the machine says of itself.
#ifdef MOESCOPE_CUDA
#include "profiler/worker/cuda/counter_access.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

TEST_CASE("the driver's own words say whether counters are for administrators alone") {
    CHECK(profiling_is_admin_only("ResmanDebugLevel: 4294967295\nRmProfilingAdminOnly: 1\nOther: 0\n"));
    CHECK_FALSE(profiling_is_admin_only("RmProfilingAdminOnly: 0\n"));
    CHECK_FALSE(profiling_is_admin_only("XRmProfilingAdminOnly: 1\n"));
    CHECK_FALSE(profiling_is_admin_only("RmProfilingAdminOnly:"));
    CHECK_FALSE(profiling_is_admin_only("")); // no driver: nothing to be refused by
}

TEST_CASE("root without the capability, as in most containers, may not read counters") {
    CHECK(has_profiling_capability("Name:\tworker\nCapEff:\t000001ffffffffff\n"));
    CHECK(has_profiling_capability("CapEff:\t0000004000000000\n")); // CAP_PERFMON alone
    CHECK(has_profiling_capability("CapEff:\t0000000000200000\n")); // CAP_SYS_ADMIN alone
    CHECK_FALSE(has_profiling_capability("CapEff:\t00000000a80425fb\n")); // a container's root
    CHECK_FALSE(has_profiling_capability("CapEff:\t0000000000000000\n"));
    CHECK_FALSE(has_profiling_capability(""));
}

TEST_CASE("a refusal names its cause and the thing to do, which a container's inside cannot") {
    const auto refused = counter_capability({.admin_only = true, .privileged = false, .in_container = false, .cupti = true});
    CHECK(refused.state == "refused");
    CHECK(refused.reason.find("RmProfilingAdminOnly") != std::string::npos);
    CHECK(refused.remedy.find("NVreg_RestrictProfilingToAdminUsers=0") != std::string::npos);
    CHECK(refused.remedy.find("cap_perfmon") != std::string::npos);
    const auto inside = counter_capability({.admin_only = true, .privileged = false, .in_container = true, .cupti = true});
    CHECK(inside.remedy.find("on its host") != std::string::npos);
    CHECK(counter_capability({.admin_only = true, .privileged = true, .in_container = false, .cupti = true}).state == "ok");
    CHECK(counter_capability({.admin_only = false, .privileged = false, .in_container = true, .cupti = true}).state == "ok");
    CHECK(counter_capability({.admin_only = false, .privileged = true, .in_container = false, .cupti = false}).state == "absent");
}
#endif
