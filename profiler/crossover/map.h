// Where the faster of two variants changes: the runs of a session that differ in two properties of
// their workloads, as cells with the ratio of both medians. Pure functions of a session.
#pragma once

#include "profiler/base/result.h"
#include "profiler/session/session.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

enum class CrossoverProperty { Experts, Weight, Tokens, Rank, Skew };

struct CrossoverAxis {
    CrossoverProperty id;
    std::string_view name;  // "weight_elements": in files
    std::string_view title; // "K·N of one expert"
    std::string_view explain;
    double (*value)(const Workload &workload, OperatorId op);
    // Sets what decides the value to what every other workload has.
    void (*clear)(Workload &workload);
};
std::span<const CrossoverAxis> crossover_axes();
const CrossoverAxis &info(CrossoverProperty property);

// The quantities the published rule looks at.
struct RuleFacts {
    std::int64_t experts = 0, weight = 0; // K*N of one expert
};

struct CrossoverCell {
    double x = 0, y = 0;
    MeasurementId a, b;
    double a_ns = 0, b_ns = 0; // medians
    double ratio = 1;          // b's median over a's: above 1 a is the faster one
    double low = 1, high = 1;  // from the ends of both medians' 95 % intervals
    bool decided = false;      // the intervals do not overlap
    RuleFacts facts;
    MeasurementId fastest;         // of all variants that do the same work, a and b or another
    bool families_differ = false;  // a ran in tiles of one family, b in tiles of the other

    bool b_wins() const { return b_ns < a_ns; }
    double best_ns() const { return b_wins() ? b_ns : a_ns; }
    double lost_ns(bool choose_b) const { return (choose_b ? b_ns : a_ns) - best_ns(); }
};

struct CrossoverMap {
    OperatorId op = OperatorId::GateUp;
    std::string a, b; // variants, in the operator's order
    const CrossoverAxis *x = nullptr, *y = nullptr;
    std::vector<CrossoverCell> cells; // by x, then y; at least two
    std::vector<double> xs, ys;       // their values, rising
    RunId first;                      // what all runs share: device, cache and the rest of the workload
    std::string held;                 // the latter in words: "2,048 tokens, rank 16, uniform"
};

// Largest first, of as large ones of an operator the pair of its fastest variants; those that vary along
// both axes before those that vary along one, which are left out where another map shows the same cells. Runs belong together that were carried out on one
// device with one cache state and workloads that are the same but for the two properties. Of a
// place that was measured again the last measurement counts.
std::vector<CrossoverMap> find_crossovers(const Session &session);

// Which of a session's maps: of an operator, of a pair of variants in either order; of any where none is
// named.
struct MapChoice {
    std::optional<OperatorId> op;
    std::vector<std::string> variants; // none or two
    bool names_any() const { return op || !variants.empty(); }
};
// The place in `maps` of the first one that is meant. The error says what there is.
Result<std::size_t> find_map(const std::vector<CrossoverMap> &maps, const MapChoice &choice);

} // namespace moescope
