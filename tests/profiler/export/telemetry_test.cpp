#include "profiler/export/exporters.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <sstream>

using namespace moescope;

TEST_CASE("telemetry holds every candidate once, and the chosen one is the best") {
    const SessionPtr session = test::sample_session();
    std::ostringstream out;
    write_telemetry(*session, out);
    const auto document = nlohmann::json::parse(out.str());
    CHECK(document["schema"] == "moescope.autotune");
    CHECK(document["schema_version"] == 1);

    std::size_t candidates = 0;
    for (const auto &kernel : document["kernels"]) {
        for (const char *key :
             {"operator", "variant", "model", "tokens", "E", "K", "N", "R", "dtype", "arch"})
            CHECK(kernel["key"].contains(key));
        CHECK(kernel["key"]["E"] == 256);
        candidates += kernel["candidates"].size();
        for (const auto &candidate : kernel["candidates"]) {
            const std::string fate = candidate["fate"];
            CHECK((fate == "pruned" || fate == "failed") == candidate.contains("reason"));
            CHECK((fate == "timed" || fate == "best") == candidate["median_ns"].is_number());
            if (fate == "best")
                CHECK(kernel["chosen"]["tile"] == candidate["tile"]);
        }
    }
    CHECK(document["kernels"].size() == 2);
    CHECK(candidates == session->candidates.size());
}
