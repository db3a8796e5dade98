// The tables of a .moescope file: what the writer creates, the reader expects and a person queries.
//
// Reading a session with sqlite3
// ------------------------------
// Units are in the column names; times are nanoseconds since the Unix epoch. `results`, `launches`,
// `tuning` and `run_list` are views that already join what belongs together:
//
//   sqlite3 -box FILE.moescope "SELECT operator, variant, tile, median_us, times_floor FROM
//   results"
//
//   -- Fused or split? The fastest variant of each operator.
//   SELECT run, operator, variant, min(median_us) AS median_us FROM results
//   WHERE state = 'done' GROUP BY run, operator;
//
//   -- Where did the time go? Device time of each kernel, warm-ups left out.
//   SELECT operator, variant, kernel, count(*) AS launches, sum(duration_ns) / 1e6 AS total_ms
//   FROM launches WHERE repetition >= 0 GROUP BY operator, variant, kernel ORDER BY total_ms DESC;
//
//   -- Which tile? The five best of each kernel, and how many were pruned.
//   SELECT operator, variant, tile, registers, smem_bytes, median_us FROM (
//     SELECT *, row_number() OVER (PARTITION BY run, operator, variant ORDER BY median_us) AS place
//     FROM tuning WHERE fate IN ('timed', 'best')) WHERE place <= 5;
//
//   -- How uneven is the routing? The busiest expert against the mean.
//   SELECT routing, max(slots) AS busiest, avg(slots) AS mean, max(slots) / avg(slots) AS
//   imbalance,
//          sum(slots = 0) AS idle_experts FROM expert_load GROUP BY routing;
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace moescope {

inline constexpr std::uint32_t kSessionApplicationId = 0x4d6f4553; // "MoES"
inline constexpr std::uint32_t kSessionSchemaVersion = 2;

// CREATE statements of every table, index and view, with their comments.
extern const char *const kSessionSchema;

// A table and its columns, in the order in which the writer binds and the reader takes them.
struct TableSchema {
    std::string_view name;
    std::string_view columns;
    std::uint32_t since = 1; // the schema that brought it; older files have none

    std::string insert() const; // "INSERT OR REPLACE INTO name (columns) VALUES (?, ?, ...)"
    std::string select(std::string_view order = "ORDER BY id") const;
};

namespace tables {
extern const TableSchema kSession, kNames, kRuns, kMeasurements, kSamples, kCandidates, kRoutings,
    kExpertLoad, kKernels, kApiCalls, kCopies, kMemory, kOverheads, kFailures, kCounters, kPmSamples,
    kDeviceStates, kPcSamples;
extern const TableSchema *const kAll[18];
extern const TableSchema kMemoryWithoutRun; // as in older files
} // namespace tables

} // namespace moescope
