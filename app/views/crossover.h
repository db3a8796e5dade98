// "Where does the winner change?": two variants of an operator over two properties of the workload.
#pragma once

#include "app/charts/plot.h"
#include "app/views/number.h"
#include "app/views/sweep.h"
#include "app/views/view_context.h"
#include "profiler/crossover/fit.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace moescope {

struct CrossoverState {
    std::size_t chosen = 0; // of maps
    bool picked = false;    // by hand; else the one that default_map() takes
    std::optional<MapChoice> wanted; // chosen when its map is there
    charts::PlotState plot;
    std::string outcome; // of the last file written; why a grid could not be planned
    // Found in the session that is shown.
    SessionPtr session;
    std::vector<CrossoverMap> maps;
    std::optional<FittedRule> fitted; // of the chosen map
    std::vector<NamedRule> rules;
    std::size_t fitted_for = std::size_t(-1);
};

// The grid that the view offers to measure about a workload: counts of experts, and intermediate
// sizes up to the model's own (small ones where a CPU has to compute them).
std::vector<SweepAxis> suggested_grid(const Workload &workload, bool on_cpu);

// Where the winner does change, if it does in any: the first of those, else the first of all.
std::size_t default_map(const std::vector<CrossoverMap> &maps);

// "gate_up: fused or split, over experts and K·N of one expert (16 cells)"
std::string name_of(const CrossoverMap &map);
std::string title_of(const CrossoverMap &map, const CrossoverCell &cell); // "Experts 16, K·N of one expert 65,536"
// Both medians and how they were measured, the ratio, and what each rule chose there.
std::vector<ui::Fact> facts_of_cell(const Session &session, const CrossoverMap &map, const CrossoverCell &cell,
                                    const std::vector<NamedRule> &rules);
// "Following the published rule costs 120 µs (3.1 %) over these cells, ..."
std::string sentence(const CrossoverMap &map, const NamedRule &rule);
// "extra_k is the fastest of fused, split and extra_k in all 24 cells": where a third variant was measured
// too; "" where none was.
std::string fastest_words(const Session &session, const CrossoverMap &map);
// That the two ran in tiles of two families, and where; "" where they did not.
std::string families_words(const Session &session, const CrossoverMap &map);
// The edges between cells along an axis: one more than values, halfway between neighbours on the
// axis's scale.
std::vector<double> cell_edges(const std::vector<double> &values, AxisScale scale);

void draw_crossover(const ViewContext &context, CrossoverState &state, const Workload &workload,
                    bool on_cpu, const SweepActions &actions);

} // namespace moescope
