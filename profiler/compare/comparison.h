// Two sessions, or two runs of one, side by side: what was measured in both, what changed and how
// surely, and what only one of them has.
#pragma once

#include "profiler/compare/differences.h"
#include "profiler/compare/verdict.h"

#include <optional>
#include <string>
#include <vector>

namespace moescope {

struct ComparedSide {
    const Session &session;
    std::vector<RunId> runs; // empty: all
    std::string variant;     // empty: every variant, against itself
};

struct CompareOptions {
    double threshold = kDefaultThreshold;
    std::vector<OperatorId> operators; // empty: all
};

// A counter or an amount of memory of both sides; nothing where that side has none.
struct ComparedQuantity {
    std::string name; // "dram__bytes_read.sum", "peak memory"
    std::optional<double> a, b;
    bool bytes = false; // else in the metric's own unit
    std::optional<double> change() const { return a && b ? std::optional(*b - *a) : std::nullopt; }
    friend bool operator==(const ComparedQuantity &, const ComparedQuantity &) = default;
};

struct ComparedRow {
    MeasurementId a, b;
    OperatorId op = OperatorId::SoftmaxTopk;
    std::string a_variant, b_variant;
    std::string where; // what of A's workload tells the row from others: "tokens 64, rank 16"; "" if nothing
    TimeVerdict time;
    std::vector<Difference> differences; // of workload, cache state, tile: what else is not the same
    std::vector<ComparedQuantity> quantities; // memory, then the counters that either side has
};

// Measured on one side only.
struct Unmatched {
    MeasurementId id;
    bool in_a = true;
    std::string reason;  // why the other side has none
    bool failed = false; // the other side tried and failed
};

struct Comparison {
    std::vector<ComparedRow> rows; // slower, faster, unclear, same; the largest change first
    std::vector<Unmatched> unmatched;
    std::vector<Difference> devices; // that any two rows differ by
    double threshold = kDefaultThreshold;
    int slower = 0, faster = 0, same = 0, unclear = 0;
    double geometric_mean = 1; // of the rows' ratios that have an interval

    bool regressed() const; // slower, or measured before and failing now
};

// Rows match by operator, variant, workload and cache state; of several runs of one key the last
// counts. What finds no equal is matched with what differs by seed, then by the model; and where
// each side is a single run, by operator and variant alone. Every difference is in the row.
Comparison compare_sessions(const ComparedSide &a, const ComparedSide &b, const CompareOptions &options);

// What all rows differ by, to be said once; and what of a row's is not said there. One row shares
// with none.
std::vector<Difference> shared_differences(const Comparison &comparison);
std::vector<Difference> own_differences(const ComparedRow &row, const std::vector<Difference> &shared);

// "2 slower, 1 faster, 9 the same, 1 unclear; geometric mean 1.02×"
std::string summary_of(const Comparison &comparison);

} // namespace moescope
