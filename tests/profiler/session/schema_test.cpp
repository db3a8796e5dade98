#include "profiler/session/schema.h"

#include "profiler/session/session_file.h"
#include "tests/support/sample_session.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>
#include <sqlite3.h>

#include <string>
#include <vector>

using namespace moescope;

namespace {

// Every row's cells as text; the test fails where SQLite refuses the query.
std::vector<std::vector<std::string>> query(const std::filesystem::path &path,
                                            const std::string &sql) {
    sqlite3 *handle = nullptr;
    REQUIRE(sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK);
    std::vector<std::vector<std::string>> rows;
    const auto take = [](void *into, int count, char **cells, char **) {
        std::vector<std::string> row;
        for (int at = 0; at < count; ++at)
            row.emplace_back(cells[at] ? cells[at] : "");
        static_cast<std::vector<std::vector<std::string>> *>(into)->push_back(row);
        return 0;
    };
    char *message = nullptr;
    sqlite3_exec(handle, sql.c_str(), take, &rows, &message);
    INFO(sql << ": " << (message ? message : ""));
    CHECK(message == nullptr);
    sqlite3_free(message);
    sqlite3_close(handle);
    return rows;
}

// The queries that schema.h (and README.md) show.
constexpr const char *kFastestVariant =
    "SELECT run, operator, variant, min(median_us) AS median_us FROM results "
    "WHERE state = 'done' GROUP BY run, operator";
constexpr const char *kDeviceTime =
    "SELECT operator, variant, kernel, count(*) AS launches, sum(duration_ns) / 1e6 AS total_ms "
    "FROM launches WHERE repetition >= 0 GROUP BY operator, variant, kernel ORDER BY total_ms DESC";
constexpr const char *kBestTiles =
    "SELECT operator, variant, tile, registers, smem_bytes, median_us FROM ("
    "SELECT *, row_number() OVER (PARTITION BY run, operator, variant ORDER BY median_us) AS place "
    "FROM tuning WHERE fate IN ('timed', 'best')) WHERE place <= 5";
constexpr const char *kImbalance =
    "SELECT routing, max(slots) AS busiest, avg(slots) AS mean, max(slots) / avg(slots) AS "
    "imbalance, "
    "sum(slots = 0) AS idle_experts FROM expert_load GROUP BY routing";

} // namespace

TEST_CASE("the queries shown for sqlite3 run on a session and answer what they say") {
    const test::TemporaryFolder folder;
    const auto path = folder / "a.moescope";
    REQUIRE(save_session(*test::sample_session(), path).ok());

    CHECK(
        query(path, "SELECT operator, variant, tile, median_us, times_floor FROM results").size() ==
        test::sample_session()->measurements.size());

    const auto fastest = query(path, kFastestVariant);
    REQUIRE_FALSE(fastest.empty());
    CHECK(fastest[0].size() == 4);
    CHECK(std::stod(fastest[0][3]) > 0);

    const auto device_time = query(path, kDeviceTime);
    REQUIRE(device_time.size() > 8);
    CHECK(std::stod(device_time[0][4]) >= std::stod(device_time[1][4]));

    const auto tiles = query(path, kBestTiles);
    CHECK(tiles.size() == 10);

    const auto imbalance = query(path, kImbalance);
    REQUIRE(imbalance.size() == 2);
    CHECK(std::stod(imbalance[0][3]) > 1);
}

TEST_CASE("the views give what people look for first") {
    const test::TemporaryFolder folder;
    const auto path = folder / "a.moescope";
    REQUIRE(save_session(*test::sample_session(), path).ok());
    const auto runs =
        query(path, "SELECT model, tokens, experts, device, device_name, state FROM run_list");
    REQUIRE(runs.size() == 2);
    CHECK(runs[0] == std::vector<std::string>{"Qwen3.5-35B-A3B", "8192", "256", "cuda:0",
                                              "NVIDIA H200", "done"});
    const auto failed = query(path, "SELECT failure FROM results WHERE state = 'failed'");
    REQUIRE(failed.size() == 1);
    CHECK_FALSE(failed[0][0].empty());
    CHECK(query(path, "SELECT 1 FROM launches").size() == test::sample_session()->kernels.size());
}

TEST_CASE("a session file is marked as one for other tools") {
    const test::TemporaryFolder folder;
    const auto path = folder / "a.moescope";
    REQUIRE(save_session(*test::small_session(), path).ok());
    CHECK(query(path, "PRAGMA application_id")[0][0] == std::to_string(0x4d6f4553));
    CHECK(query(path, "PRAGMA user_version")[0][0] == std::to_string(kSessionSchemaVersion));
    CHECK(query(path, "PRAGMA integrity_check")[0][0] == "ok");
}

TEST_CASE("the README names every table of a session file, and the schema's number") {
    const std::string readme =
        test::read_bytes(std::filesystem::path(MOESCOPE_TEST_DATA).parent_path() / "README.md");
    REQUIRE_FALSE(readme.empty());
    for (const TableSchema *table : tables::kAll) {
        INFO(table->name);
        CHECK(readme.find("`" + std::string(table->name) + "`") != std::string::npos);
    }
    CHECK(readme.find("schema " + std::to_string(kSessionSchemaVersion) + ")") !=
          std::string::npos);
}
