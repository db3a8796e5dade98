#include "profiler/tune/known_ceilings.h"

#include "profiler/workload/cost.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>

#include <fstream>

using namespace moescope;

namespace {

DeviceInfo device(const Ceilings &ceilings, const std::string &driver = "580.82") {
    DeviceInfo info;
    info.name = "NVIDIA H200";
    info.driver = driver;
    info.ceilings = ceilings;
    return info;
}

const Ceilings kDerived{4.8e12, 1e15};
const Ceilings kMeasured{4.6e12, 8e14, true, true, 1'700'000'000'000'000'000, 1'700'000'000'000'000'001};

} // namespace

TEST_CASE("measured ceilings are known to the next worker, of the same device and driver alone") {
    const test::TemporaryFolder folder;
    const auto file = folder.path() / "deeper" / "ceilings.json";
    KnownCeilings known(file);
    CHECK(known.find(device({})) == Ceilings{});
    REQUIRE(known.store(device(kMeasured)).ok());
    CHECK(known.find(device({})) == kMeasured);
    CHECK(KnownCeilings(file).find(device({})) == kMeasured);
    CHECK(KnownCeilings(file).find(device({}, "590.1")) == Ceilings{});
}

TEST_CASE("derived ceilings are not kept, and do not push out what was measured") {
    const test::TemporaryFolder folder;
    KnownCeilings known(folder.path() / "ceilings.json");
    REQUIRE(known.store(device(kDerived)).ok());
    CHECK(known.find(device({})) == Ceilings{});
    REQUIRE(known.store(device(kMeasured)).ok());
    Ceilings later = kDerived;
    later.bytes_per_second = 4.5e12;
    later.bytes_measured = true;
    REQUIRE(known.store(device(later)).ok());
    CHECK(known.find(device({})).bytes_per_second == 4.5e12);
    CHECK(known.find(device({})).flops_per_second == kMeasured.flops_per_second);
}

TEST_CASE("a broken file of ceilings is ignored with a complaint") {
    const test::TemporaryFolder folder;
    const auto file = folder.path() / "ceilings.json";
    for (const char *text : {"", "[]", R"({"format": 9, "devices": {}})",
                             R"({"format": 1, "devices": {"a": {"flops_per_second": "many"}}})"}) {
        std::ofstream(file) << text;
        KnownCeilings known(file);
        CHECK_FALSE(known.complaint().empty());
        CHECK(known.find(device({})) == Ceilings{});
    }
}

TEST_CASE("what is measured now goes before what is known, and that before what is derived") {
    Ceilings now = kDerived;
    CHECK(with_measured(now, {}) == kDerived);
    CHECK(with_measured(now, kMeasured) == kMeasured);
    now.bytes_per_second = 4.7e12;
    now.bytes_measured = true;
    now.bytes_measured_ns = 2;
    const Ceilings best = with_measured(now, kMeasured);
    CHECK(best.bytes_per_second == 4.7e12);
    CHECK(best.bytes_measured_ns == 2);
    CHECK(best.flops_per_second == kMeasured.flops_per_second);
    CHECK(best.flops_measured_ns == kMeasured.flops_measured_ns);
}

TEST_CASE("the L2's rate is kept where it was measured", "[ceilings]") {
    Ceilings known = kMeasured;
    known.l2_bytes_per_second = 9e12;
    known.l2_measured_ns = 5;
    CHECK(with_measured(kDerived, known).l2_bytes_per_second == 9e12);
    CHECK(with_measured(known, kMeasured).l2_measured_ns == 5);
    const test::TemporaryFolder folder;
    REQUIRE(KnownCeilings(folder.path() / "ceilings.json").store(device(known)).ok());
    CHECK(KnownCeilings(folder.path() / "ceilings.json").find(device({})).l2_bytes_per_second == 9e12);
}
