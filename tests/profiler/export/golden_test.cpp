#include "profiler/export/exporters.h"
#include "tests/support/golden.h"
#include "tests/support/sample_session.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>

#include <sstream>

using namespace moescope;

TEST_CASE("the Chrome trace of the small session is the golden one") {
    std::ostringstream out;
    write_chrome_trace(*test::small_session(), out);
    CHECK(test::compare_with_golden("small.trace.json", out.str()) == "");
}

TEST_CASE("the CSV tables of the small session are the golden ones") {
    const test::TemporaryFolder folder;
    REQUIRE(export_csv(*test::small_session(), folder / "csv").ok());
    for (const char *table : {"measurements", "samples", "kernels", "candidates", "memory", "counters",
                              "pm_samples", "device_states", "pc_samples"}) {
        const std::string file = std::string(table) + ".csv";
        CHECK(test::compare_with_golden("small." + file, test::read_bytes(folder / "csv" / file)) ==
              "");
    }
}

TEST_CASE("the telemetry of the small session is the golden one") {
    std::ostringstream out;
    write_telemetry(*test::small_session(), out);
    CHECK(test::compare_with_golden("small.telemetry.json", out.str()) == "");
}
