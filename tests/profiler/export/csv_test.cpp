#include "profiler/export/exporters.h"
#include "profiler/session/session_builder.h"
#include "tests/support/sample_session.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

using namespace moescope;

namespace {

// A strict reader of RFC 4180's quoting.
std::vector<std::vector<std::string>> parse_csv(const std::string &text) {
    std::vector<std::vector<std::string>> rows;
    std::vector<std::string> row(1);
    bool quoted = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (quoted && c == '"' && at + 1 < text.size() && text[at + 1] == '"') {
            row.back() += '"';
            ++at;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && c == ',') {
            row.emplace_back();
        } else if (!quoted && c == '\n') {
            rows.push_back(std::move(row));
            row = {""};
        } else {
            row.back() += c;
        }
    }
    return rows;
}

} // namespace

TEST_CASE("every CSV table has one row a record and as many cells as its header") {
    const test::TemporaryFolder folder;
    for (const SessionPtr &session : {test::sample_session(), test::small_session()}) {
        REQUIRE(export_csv(*session, folder.path()).ok());
        const auto rows_of = [&](const char *file) {
            const auto rows = parse_csv(test::read_bytes(folder / file));
            REQUIRE_FALSE(rows.empty());
            for (const auto &row : rows)
                CHECK(row.size() == rows[0].size());
            return rows.size() - 1;
        };
        std::size_t samples = 0;
        for (const Measurement &m : session->measurements)
            samples += m.samples_ns.size() + m.event_samples_ns.size();
        CHECK(rows_of("measurements.csv") == session->measurements.size());
        CHECK(rows_of("samples.csv") == samples);
        CHECK(rows_of("kernels.csv") == session->kernels.size());
        CHECK(rows_of("candidates.csv") == session->candidates.size());
        CHECK(rows_of("memory.csv") == session->memory.size());
        CHECK(rows_of("counters.csv") == session->counters.size());
        CHECK(rows_of("pm_samples.csv") == session->pm_samples.size());
        CHECK(rows_of("device_states.csv") == session->device_states.size());
        CHECK(rows_of("pc_samples.csv") == session->pc_samples.size());
    }
}

TEST_CASE("a CSV cell keeps quotes, commas and line breaks") {
    const test::TemporaryFolder folder;
    SessionBuilder builder("csv");
    const std::string name = "a,\"b\"\r\n,\"\"c";
    builder.add(KernelRecord{.start_ns = 1, .end_ns = 3, .name = builder.intern(name)});
    REQUIRE(export_csv(builder.current(), folder.path()).ok());
    const auto rows = parse_csv(test::read_bytes(folder / "kernels.csv"));
    REQUIRE(rows.size() == 2);
    CHECK(rows[1][0] == name);
}
