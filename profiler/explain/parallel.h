// What an expert-parallel run of several ranks comes to: who sent how much to whom, how long each step
// took and how evenly, and what the links carried.
#pragma once

#include "profiler/session/session.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace moescope {

// The runs of the ranks that ran together with `run`, by rank; empty where it was of one device, or a
// rank's is missing.
std::vector<RunId> ranks_of(const Session &session, RunId run);
// Whether nothing is known of a rank but that it is lost: its run holds the place.
bool is_absent(const RunRecord &run);
// "rank 2 is gone: its connection ended" of each rank that was lost.
std::vector<std::string> lost_ranks(const Session &session, const std::vector<RunId> &ranks);

// Rows that ranks send each other, from the routing of each one's tokens.
struct RankTraffic {
    std::int32_t ranks = 0;
    std::vector<std::int64_t> rows; // [from * ranks + to], one row a slot
    double row_bytes = 0;

    std::int64_t at(std::int32_t from, std::int32_t to) const { return rows[std::size_t(from * ranks + to)]; }
    std::int64_t arriving(std::int32_t rank) const; // with its own
    // What one rank's link carries in its busier direction, rows to itself left out; and the busiest one's.
    double link_bytes(std::int32_t rank) const;
    double busiest_link_bytes() const;
    double mean_bytes() const; // a rank sends, with those to itself
    // The most rows that a rank's experts get, over the mean: how much longer the slowest takes.
    double imbalance() const;
};
// Nothing where a rank's routing is missing.
std::optional<RankTraffic> rank_traffic(const Session &session, const std::vector<RunId> &ranks);

// One operator and variant on all ranks.
struct RankStep {
    OperatorId op = OperatorId::EpDispatch;
    std::string variant;
    std::vector<MeasurementId> measurements; // by rank; invalid where it was lost before
    double slowest_ns = 0, fastest_ns = 0;   // of the ranks' medians
    // Of a dispatch or combine that was captured: the exchange of rows alone. A rank's kernel also waits
    // for those that come late, so it is the quickest rank's, repetition by repetition; their median.
    double exchange_ns = 0;
    // The exchange's bytes over that time (over the slowest rank's whole time, where nothing was captured).
    // bus: of the busiest link. With even counts it is algorithm * (n - 1) / n, as nccl-tests defines it
    // for all-to-all (github.com/NVIDIA/nccl-tests, doc/PERFORMANCE.md).
    double algorithm_bytes_per_second = 0, bus_bytes_per_second = 0;
    bool exchange_alone = false; // which of the two times it was
    double worst_error = -1;     // of the ranks' agreement; -1: not checked
};
// In the order of the plan; those that some rank did not finish are left out, but for lost ranks.
std::vector<RankStep> rank_steps(const Session &session, const std::vector<RunId> &ranks);

} // namespace moescope
