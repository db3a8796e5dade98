// A crossover map as a small JSON document that other programs can follow:
//   {format: "moescope.heuristic", version: 1, app_version,
//    device: {name, arch}, driver, date: of the last run, UTC, "2026-03-09T14:05:00Z",
//    operator: "gate_up", variants: [a, b], cache: cold|warm, held: what all cells share, in words,
//    workload: the first cell's, as profiler/session/json_codec.h says,
//    axes: [{name, title, scale: log2|linear, low, high} of x, of y]: what was measured lies between,
//    rule: {kind: "logistic", choose: in words, intercept, weights: [of x, of y],
//           decided_cells, misclassified, left_out_misclassified} or null where no cell is decided,
//    costs: [{rule: "fitted"|"published"|"always NAME", lost_ns, lost_share, undecided_lost_ns,
//             wrong_cells, worst_cell: place in cells or null}],
//    cells: [{x, y, median_ns: [a, b], ci_ns: [[low, high] of a, of b], ratio: b's median over a's,
//             winner: a name, or null where the intervals overlap, fastest: of all variants that do
//             the same work, tiles: [of a, of b]}]}: tiles of two families (wgmma and not) differ by
//             more than their variants
// The rule: b where intercept + weights[0] * scale(x) + weights[1] * scale(y) > 0, else a.
#pragma once

#include "profiler/crossover/map.h"
#include "profiler/session/json_codec.h"

#include <filesystem>
#include <optional>

namespace moescope {

Json heuristic_json(const Session &session, const CrossoverMap &map);

Status export_heuristic(const Session &session, const CrossoverMap &map,
                        const std::filesystem::path &path);
// The session's first map of those that are meant.
Status export_heuristic(const Session &session, const MapChoice &choice,
                        const std::filesystem::path &path);

} // namespace moescope
