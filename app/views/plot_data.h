// What a plot shows, as a CSV table: one header line, units in the names. Pure functions.
#pragma once

#include "app/views/roofline_points.h"
#include "profiler/compare/comparison.h"
#include "profiler/crossover/map.h"
#include "profiler/explain/memory_history.h"
#include "profiler/explain/repetition.h"
#include "profiler/sweep/found_sweep.h"

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace moescope {

std::string roofline_csv(const Session &session, std::span<const RooflinePoint> intensity,
                         std::span<const RooflinePoint> size);
std::string memory_csv(const Session &session, const MemoryHistory &history); // a column a group
std::string footprint_csv(const Session &session, std::span<const MeasurementId> rows);
std::string sweep_csv(const Session &session, const FoundSweep &sweep, std::span<const SweepLine> lines);
std::string crossover_csv(const CrossoverMap &map);
std::string candidates_csv(const Session &session, std::span<const CandidateId> candidates);
// Of each row's median repetition: its kernels and the gaps before them.
std::string dispatch_csv(const Session &session, std::span<const std::pair<MeasurementId, Breakdown>> rows);
std::string comparison_csv(const Comparison &comparison);
std::string routing_csv(const RoutingRecord &routing);
// Kernels that lie in the range at least partly.
std::string timeline_csv(const Session &session, std::int64_t start_ns, std::int64_t end_ns);

} // namespace moescope
