#include "profiler/session/schema.h"
#include "profiler/session/session_file.h"
#include "tests/support/sample_session.h"
#include "tests/support/session_equality.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <sqlite3.h>

#include <random>
#include <unistd.h>

using namespace moescope;
using test::TemporaryFolder;

namespace {

void run_sql(const std::filesystem::path &path, const std::string &sql) {
    sqlite3 *handle = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
    char *message = nullptr;
    sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &message);
    INFO(sql << ": " << (message ? message : ""));
    CHECK(message == nullptr);
    sqlite3_free(message);
    sqlite3_close(handle);
}

// The error, which must name the file and say something.
Error error_of(const std::filesystem::path &path) {
    const auto session = read_session(path);
    REQUIRE_FALSE(session.ok());
    CHECK(session.error().what.find(path.string()) != std::string::npos);
    CHECK_FALSE(session.error().why.empty());
    CHECK_FALSE(session.error().remedy.empty());
    return session.error();
}

// The bytes of a saved small session, made once.
const std::string &small_file() {
    static const std::string bytes = [] {
        const TemporaryFolder folder;
        REQUIRE(save_session(*test::small_session(), folder / "a.moescope").ok());
        return test::read_bytes(folder / "a.moescope");
    }();
    return bytes;
}

// Reads every name and every index a view would: nothing may point outside.
void walk(const Session &session) {
    for (const KernelRecord &kernel : session.kernels) {
        CHECK((!kernel.name.valid() || kernel.name.value < session.names.size()));
        CHECK((!kernel.tag.measurement.valid() ||
               kernel.tag.measurement.value < session.measurements.size()));
        CHECK(kernel.end_ns >= kernel.start_ns);
    }
    for (const Measurement &measurement : session.measurements)
        CHECK(measurement.run.value < session.runs.size());
    for (const Candidate &candidate : session.candidates)
        CHECK(candidate.run.value < session.runs.size());
    for (const RoutingRecord &routing : session.routings)
        for (const std::int32_t expert : routing.sample_ids)
            CHECK(std::size_t(expert) < routing.counts.size());
}

} // namespace

TEST_CASE("a file that is no session is refused with the reason") {
    const TemporaryFolder folder;
    const auto path = folder / "a.moescope";
    CHECK(error_of(path).why == "there is no such file");
    CHECK(error_of(folder.path()).why == "it is not a regular file");
    test::write_bytes(path, "");
    CHECK(error_of(path).why == "it is empty");
    test::write_bytes(path, "{\"traceEvents\": []}");
    CHECK(error_of(path).why.find("SQLite") != std::string::npos);
    test::write_bytes(path, std::string(200'000, 'x'));
    CHECK(error_of(path).why.find("SQLite") != std::string::npos);
}

TEST_CASE("a file that may not be read is refused with the reason") {
    if (geteuid() == 0)
        SKIP("root reads everything");
    const TemporaryFolder folder;
    const auto path = folder / "a.moescope";
    REQUIRE(save_session(*test::small_session(), path).ok());
    std::filesystem::permissions(path, std::filesystem::perms::none);
    CHECK(error_of(path).why == "Permission denied");
}

TEST_CASE("a file of schema 1 is read: its allocations name no run, and it has no counters") {
    const TemporaryFolder folder;
    const auto path = folder / "a.moescope";
    REQUIRE(save_session(*test::small_session(), path).ok());
    run_sql(path, "DROP VIEW counter_values; DROP TABLE counters; DROP TABLE pm_samples; DROP TABLE device_states;"
                  "DROP TABLE pc_samples; ALTER TABLE memory DROP COLUMN run; PRAGMA user_version = 1");
    const Result<Session> old = read_session(path);
    REQUIRE(old.ok());
    const SessionPtr now = test::small_session();
    REQUIRE(old->memory.size() == now->memory.size());
    CHECK(now->memory[0].run.valid());
    CHECK_FALSE(old->memory[0].run.valid());
    CHECK(old->memory[0].bytes == now->memory[0].bytes);
    CHECK(old->kernels.size() == now->kernels.size());
    CHECK(old->counters.size() == 0);
}

TEST_CASE("another program's database and a newer schema are told apart") {
    const TemporaryFolder folder;
    const auto foreign = folder / "foreign.db", newer = folder / "newer.moescope";
    run_sql(foreign, "CREATE TABLE kernels (id INTEGER PRIMARY KEY, text TEXT)");
    CHECK(error_of(foreign).why.find("not a MoEScope session") != std::string::npos);
    REQUIRE(save_session(*test::small_session(), newer).ok());
    run_sql(newer, "PRAGMA user_version = 7");
    CHECK(error_of(newer).why.find("schema 7") != std::string::npos);
    CHECK(error_of(newer).remedy.find("newer") != std::string::npos);
}

TEST_CASE("a session truncated at any page is refused") {
    const TemporaryFolder folder;
    const auto whole = folder / "whole.moescope", part = folder / "part.moescope";
    REQUIRE(save_session(*test::sample_session(), whole).ok());
    const std::string bytes = test::read_bytes(whole);
    REQUIRE(bytes.size() > 40 * 4096);
    for (std::size_t size = 4096; size < bytes.size(); size += 4096) {
        test::write_bytes(part, bytes.substr(0, size));
        const Error error = error_of(part);
        REQUIRE(error.why.find("truncated") != std::string::npos);
    }
    test::write_bytes(part, bytes.substr(0, bytes.size() - 1));
    CHECK(error_of(part).why.find("truncated") != std::string::npos);
}

TEST_CASE("a page of zeros or noise inside a session is an error or harmless, never a crash") {
    const TemporaryFolder folder;
    const auto path = folder / "a.moescope";
    REQUIRE(save_session(*test::sample_session(), path).ok());
    const std::string bytes = test::read_bytes(path);
    std::mt19937 random(5);
    int refused = 0, pages = 0;
    for (std::size_t page = 4096; page < bytes.size(); page += 4096, ++pages) {
        std::string damaged = bytes;
        for (std::size_t at = page; at < page + 4096; ++at)
            damaged[at] = pages % 2 == 0 ? '\0' : char(random());
        test::write_bytes(path, damaged);
        if (const auto session = read_session(path))
            walk(*session);
        else
            ++refused;
    }
    CHECK(refused > pages * 9 / 10);
}

TEST_CASE("flipped bits are an error or a changed value, never a crash") {
    const TemporaryFolder folder;
    const auto path = folder / "a.moescope";
    REQUIRE(save_session(*test::small_session(), path).ok());
    const std::string bytes = test::read_bytes(path);
    std::mt19937 random(11);
    int refused = 0;
    constexpr int kRounds = 1500;
    for (int round = 0; round < kRounds; ++round) {
        std::string damaged = bytes;
        const std::size_t reach = round % 3 == 0 ? 4096 : damaged.size(); // often in the first page
        for (int flips = 1 + round % 4; flips > 0; --flips)
            damaged[random() % reach] ^= char(1u << (random() % 8));
        test::write_bytes(path, damaged);
        if (const auto session = read_session(path))
            walk(*session);
        else
            ++refused;
    }
    CHECK(refused > 20);
    CHECK(refused < kRounds);
}

TEST_CASE("values that cannot be right are refused, and the error names table and column") {
    struct Attack {
        const char *sql, *names;
    };
    const auto attack = GENERATE(
        Attack{"UPDATE kernels SET name = 9999 WHERE id = 3", "kernels, row 4, column name"},
        Attack{"UPDATE kernels SET name = -1", "column name"},
        Attack{"UPDATE kernels SET measurement = 4294967295", "column measurement"},
        Attack{"UPDATE kernels SET measurement = 'x'", "column measurement"},
        Attack{"UPDATE kernels SET repetition = -3", "column repetition"},
        Attack{"UPDATE kernels SET end_ns = start_ns - 1", "column end_ns"},
        Attack{"UPDATE kernels SET start_ns = -9223372036854775807", "column start_ns"},
        Attack{"UPDATE kernels SET end_ns = 9223372036854775807", "column end_ns"},
        Attack{"UPDATE kernels SET grid_x = -5", "column grid_x"},
        Attack{"UPDATE kernels SET grid_x = 1.5", "column grid_x"},
        Attack{"UPDATE kernels SET block_z = 3000000000", "column block_z"},
        Attack{"UPDATE kernels SET theoretical_occupancy = 'high'", "theoretical_occupancy"},
        Attack{"UPDATE measurements SET run = 9", "column run"},
        Attack{"UPDATE measurements SET run = NULL", "column run"},
        Attack{"UPDATE measurements SET operator = 'drop_tables'", "column operator"},
        Attack{"UPDATE measurements SET state = 'great'", "column state"},
        Attack{"UPDATE measurements SET timer = 3", "column timer"},
        Attack{"UPDATE measurements SET peak_bytes = -1", "column peak_bytes"},
        Attack{"UPDATE measurements SET block_m = 99999999999", "column block_m"},
        Attack{"UPDATE measurements SET variant = x'00ff'", "column variant"},
        Attack{"UPDATE measurements SET id = id + 1000", "column id"},
        Attack{"DELETE FROM names WHERE id = 0", "table names"},
        Attack{"UPDATE samples SET repetition = repetition + 5", "column repetition"},
        Attack{"UPDATE samples SET clock = 'sundial' WHERE clock = 'events'", "column clock"},
        Attack{"UPDATE samples SET measurement = 77", "column measurement"},
        Attack{"UPDATE candidates SET fate = ''", "column fate"},
        Attack{"UPDATE candidates SET from_cache = 2", "column from_cache"},
        Attack{"UPDATE routings SET sample_experts = '[1e99]'", "column sample_experts"},
        Attack{"UPDATE routings SET sample_experts = '[0,99]'", "sample_experts"},
        Attack{"UPDATE routings SET sample_experts = '[0]'", "sample_experts"},
        Attack{"UPDATE routings SET sample_experts = '{'", "sample_experts"},
        Attack{"UPDATE routings SET top_k = 0", "column top_k"},
        Attack{"UPDATE expert_load SET slots = -1", "column slots"},
        Attack{"DELETE FROM expert_load WHERE expert = 3", "3 experts"},
        Attack{"INSERT INTO expert_load VALUES (0, 4, 1)", "5 experts"},
        Attack{"INSERT INTO expert_load VALUES (8, 0, 1)", "column routing"},
        Attack{"UPDATE copies SET kind = 'cloned'", "column kind"},
        Attack{"UPDATE copies SET bytes = -1", "column bytes"},
        Attack{"UPDATE memory SET bytes = 9223372036854775807", "column bytes"},
        Attack{"UPDATE failures SET run = 5", "column run"},
        Attack{"UPDATE runs SET state = NULL WHERE 0; UPDATE runs SET plan = 'no'",
               "plan is not JSON"},
        Attack{"UPDATE runs SET plan = '[]'", "plan is []"},
        Attack{"UPDATE runs SET plan = json_set(plan, '$.workload.tokens', -1)", "tokens"},
        Attack{"UPDATE runs SET plan = json_set(plan, '$.workload.model.top_k', 0)", "top_k"},
        Attack{"UPDATE runs SET plan = json_set(plan, '$.workload.model.experts', 1e30)",
               "experts"},
        Attack{"UPDATE runs SET plan = json_set(plan, '$.workload.model.router', 'magic')",
               "router"},
        Attack{"UPDATE runs SET plan = json_set(plan, '$.items[0].operator', 'x')",
               "items[0].operator"},
        Attack{"UPDATE runs SET device = json_set(device, '$.multiprocessors', -4)",
               "multiprocessors"},
        Attack{"UPDATE runs SET device = json_set(device, '$.capabilities', 3)", "capabilities"},
        Attack{"DROP TABLE copies", "copies is missing"},
        Attack{"ALTER TABLE kernels DROP COLUMN grid_z", "grid_z"},
        Attack{"UPDATE session SET value = 'soon' WHERE key = 'created_ns'", "column value"},
        Attack{"UPDATE failures SET what = printf('%.*c', 70000000, 'x')", "too big"});
    const TemporaryFolder folder;
    const auto path = folder / "a.moescope";
    test::write_bytes(path, small_file());
    run_sql(path, std::string("PRAGMA synchronous = OFF; DROP VIEW launches; DROP VIEW results; ") +
                      attack.sql);
    const Error error = error_of(path);
    INFO(attack.sql << "\n" << error.sentence());
    CHECK(error.sentence().find(attack.names) != std::string::npos);
}

TEST_CASE("a view in a table's place, which could run for ever, is not run") {
    const TemporaryFolder folder;
    const auto path = folder / "a.moescope";
    REQUIRE(save_session(*test::small_session(), path).ok());
    run_sql(path, "DROP VIEW launches; DROP TABLE overheads;"
                  "CREATE VIEW overheads AS WITH RECURSIVE n(id) AS (SELECT 0 UNION ALL SELECT id "
                  "+ 1 FROM n) "
                  "SELECT id, 0 AS start_ns, 0 AS end_ns, NULL AS kind FROM n");
    CHECK(error_of(path).why.find("overheads") != std::string::npos);
}

TEST_CASE("deeply nested JSON in a plan is an error") {
    const TemporaryFolder folder;
    const auto path = folder / "a.moescope";
    REQUIRE(save_session(*test::small_session(), path).ok());
    run_sql(path, "UPDATE runs SET plan = printf('%.*c', 1000000, '[')");
    CHECK(error_of(path).why.find("plan") != std::string::npos);
    run_sql(path,
            "UPDATE runs SET plan = printf('%.*c', 500000, '[') || printf('%.*c', 500000, ']')");
    CHECK(error_of(path).why.find("plan") != std::string::npos);
}

TEST_CASE("an error deep in a file says how much could be read") {
    const TemporaryFolder folder;
    const auto path = folder / "a.moescope";
    REQUIRE(save_session(*test::sample_session(), path).ok());
    run_sql(path, "UPDATE copies SET bytes = -1");
    CHECK(error_of(path).why.find("read before that: 2 runs") != std::string::npos);
}

TEST_CASE("keys a plan lacks take their defaults, and unknown ones are ignored") {
    const TemporaryFolder folder;
    const auto path = folder / "a.moescope";
    REQUIRE(save_session(*test::small_session(), path).ok());
    run_sql(path, "UPDATE runs SET plan = json_set(json_remove(plan, '$.repetition.warmup', "
                  "'$.cache'), '$.new', 1)");
    const auto session = read_session(path);
    REQUIRE(session.ok());
    CHECK(session->runs[0].plan.repetition.warmup == Repetition{}.warmup);
    CHECK(session->runs[0].plan.workload.model.experts == 4);
}

TEST_CASE("a session in a folder that cannot be written to opens all the same") {
    if (geteuid() == 0)
        SKIP("root writes everywhere");
    const TemporaryFolder folder;
    const auto path = folder / "a.moescope";
    REQUIRE(save_session(*test::small_session(), path).ok());
    std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_read |
                                                    std::filesystem::perms::owner_exec);
    CHECK(read_session(path).ok());
    std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
}
