#include "profiler/crossover/map.h"

#include "profiler/base/units.h"
#include "profiler/workload/cost.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace moescope {

namespace {

using W = Workload;

void clear_shape(ModelShape &model) {
    const ModelShape standard;
    model.hidden = standard.hidden;
    model.intermediate = standard.intermediate;
    model.latent = standard.latent;
    model.gated = standard.gated;
    model.activation = standard.activation;
}

constexpr CrossoverAxis kAxes[] = {
    {CrossoverProperty::Experts, "experts", "Experts", "Routed experts of the layer.",
     [](const W &w, OperatorId) { return double(w.model.experts); },
     [](W &w) { w.model.experts = ModelShape().experts; }},
    {CrossoverProperty::Weight, "weight_elements", "K·N of one expert",
     "Elements of one expert's weight: its rows times its columns.",
     [](const W &w, OperatorId op) { return double(weight_size(w.model, op).numel()); },
     [](W &w) { clear_shape(w.model); }},
    {CrossoverProperty::Tokens, "tokens", "Tokens", "Tokens of the batch.",
     [](const W &w, OperatorId) { return double(w.tokens); }, [](W &w) { w.tokens = W().tokens; }},
    {CrossoverProperty::Rank, "rank", "LoRA rank", "Rank of the LoRA matrices.",
     [](const W &w, OperatorId) { return double(w.lora_rank); },
     [](W &w) { w.lora_rank = W().lora_rank; }},
    {CrossoverProperty::Skew, "skew", "Skew of the routing",
     "Zipf's exponent of the routing; 0 is uniform.",
     [](const W &w, OperatorId) { return w.skew.kind == Skew::Kind::Zipf ? w.skew.value : 0.0; },
     // A hot expert has no place on the scale of exponents and stays apart.
     [](W &w) {
         if (w.skew.kind == Skew::Kind::Zipf)
             w.skew = {};
     }},
};

// What is left of a workload without both properties and what says nothing about the work.
Workload rest_of(Workload workload, const CrossoverAxis &x, const CrossoverAxis &y) {
    x.clear(workload);
    y.clear(workload);
    ModelShape &model = workload.model;
    const ModelShape standard;
    model.name.clear();
    model.source.clear();
    model.vocab = standard.vocab;
    model.dense_first = standard.dense_first;
    return workload;
}

struct Group {
    Workload rest;
    RunId first;
    std::vector<RunId> runs;
    bool varies = false; // along an axis
};

bool same_conditions(const RunRecord &a, const RunRecord &b) {
    return a.device.id == b.device.id && a.device.name == b.device.name &&
           a.device.host == b.device.host && a.plan.cache == b.plan.cache;
}

// Runs of the same conditions and workload: most runs of a session repeat one.
std::vector<std::vector<RunId>> repeated_runs(const Session &session) {
    std::vector<std::vector<RunId>> repeated;
    for (std::uint32_t i = 0; i < session.runs.size(); ++i) {
        const RunRecord &run = session.runs[i];
        const auto found = std::ranges::find_if(repeated, [&](const std::vector<RunId> &runs) {
            const RunRecord &first = session.runs[runs.front().value];
            return same_conditions(first, run) && first.plan.workload == run.plan.workload;
        });
        (found != repeated.end() ? *found : repeated.emplace_back()).push_back({i});
    }
    return repeated;
}

std::vector<Group> groups_of(const Session &session, const std::vector<std::vector<RunId>> &repeated,
                             const CrossoverAxis &x, const CrossoverAxis &y) {
    std::vector<Group> groups;
    for (const std::vector<RunId> &runs : repeated) {
        const RunRecord &run = session.runs[runs.front().value];
        Workload rest = rest_of(run.plan.workload, x, y);
        const auto found = std::find_if(groups.begin(), groups.end(), [&](const Group &group) {
            return same_conditions(session.runs[group.first.value], run) && group.rest == rest;
        });
        if (found != groups.end()) {
            found->runs.insert(found->runs.end(), runs.begin(), runs.end());
            found->varies = true;
        } else
            groups.push_back({std::move(rest), runs.front(), runs});
    }
    std::erase_if(groups, [](const Group &group) { return !group.varies; }); // a single place is no map
    for (Group &group : groups) // of a place that was measured again the last one counts
        std::ranges::sort(group.runs, {}, &RunId::value);
    return groups;
}

std::string held_text(const RunRecord &run, const CrossoverAxis &x, const CrossoverAxis &y) {
    const Workload &w = run.plan.workload;
    std::string text;
    const auto unless = [&](CrossoverProperty property, const std::string &words) {
        if (x.id != property && y.id != property)
            text += (text.empty() ? "" : ", ") + words;
    };
    unless(CrossoverProperty::Experts, fmt::format("{} experts", w.model.experts));
    unless(CrossoverProperty::Weight,
           fmt::format("hidden {}, intermediate {}", format_count(w.model.hidden),
                       format_count(w.model.intermediate)));
    unless(CrossoverProperty::Tokens, fmt::format("{} tokens", format_count(double(w.tokens))));
    unless(CrossoverProperty::Rank, fmt::format("rank {}", w.lora_rank));
    unless(CrossoverProperty::Skew, w.skew.text());
    return text + fmt::format(", top-{}, {}", w.model.top_k, name_of(w.model.dtype));
}

// Of each operator and each run: its variants' last timings.
using Variants = std::map<std::string, MeasurementId, std::less<>>;
using Timed = std::map<OperatorId, std::vector<Variants>>;

Timed timed_of(const Session &session) {
    Timed timed;
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i) {
        const Measurement &m = session.measurements[i];
        if (m.state != Measurement::State::Done || !(m.time.median > 0) || m.run.value >= session.runs.size())
            continue;
        std::vector<Variants> &runs = timed[m.op];
        runs.resize(session.runs.size());
        runs[m.run.value][m.variant] = {i};
    }
    return timed;
}

CrossoverCell cell_of(const Session &session, MeasurementId a, MeasurementId b) {
    const Summary &first = session.measurements[a.value].time;
    const Summary &second = session.measurements[b.value].time;
    CrossoverCell cell;
    cell.a = a;
    cell.b = b;
    cell.a_ns = first.median;
    cell.b_ns = second.median;
    cell.ratio = second.median / first.median;
    const bool bounded = first.ci_low > 0 && second.ci_low > 0;
    cell.low = bounded ? second.ci_low / first.ci_high : cell.ratio;
    cell.high = bounded ? second.ci_high / first.ci_low : cell.ratio;
    cell.decided = bounded && (cell.low > 1 || cell.high < 1);
    const TileConfig &a_tile = session.measurements[a.value].config, &b_tile = session.measurements[b.value].config;
    cell.families_differ = !a_tile.is_default() && !b_tile.is_default() && a_tile.is_wgmma() != b_tile.is_wgmma();
    return cell;
}

std::vector<double> distinct(const std::vector<CrossoverCell> &cells, double CrossoverCell::*of) {
    std::vector<double> values;
    for (const CrossoverCell &cell : cells)
        values.push_back(cell.*of);
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return values;
}

struct Place {
    const CrossoverAxis &x, &y;
    const Group &group;
};

// The runs of a group in which an operator was timed.
using TimedRuns = std::vector<std::pair<RunId, const Variants *>>;

TimedRuns runs_with(OperatorId op, const Timed &timed, const Group &group) {
    TimedRuns runs;
    const auto found = timed.find(op);
    for (const RunId run : group.runs)
        if (found != timed.end() && !found->second[run.value].empty())
            runs.emplace_back(run, &found->second[run.value]);
    return runs;
}

// A product without LoRA is no choice beside one with it.
bool same_work(const VariantInfo &a, const VariantInfo &b) { return a.lora == b.lora; }

// Of the variants that do the same work as this one.
MeasurementId fastest_of(const Session &session, const Variants &timed, OperatorId op, const VariantInfo &like) {
    MeasurementId best;
    for (const VariantInfo &variant : info(op).variants)
        if (const auto found = timed.find(variant.name);
            found != timed.end() && same_work(variant, like) && variant.name != kTunedVariant)
            if (!best.valid() || session.measurements[found->second.value].time.median <
                                     session.measurements[best.value].time.median)
                best = found->second;
    return best;
}

// Null where fewer than two cells have both variants.
std::optional<CrossoverMap> map_of(const Session &session, const TimedRuns &runs, const Place &place,
                                   OperatorId op, const VariantInfo &a, const VariantInfo &b) {
    std::map<std::pair<double, double>, CrossoverCell> cells;
    for (const auto &[run, variants] : runs) {
        const auto first = variants->find(a.name), second = variants->find(b.name);
        if (first == variants->end() || second == variants->end())
            continue;
        const Workload &workload = session.runs[run.value].plan.workload;
        CrossoverCell cell = cell_of(session, first->second, second->second);
        cell.x = place.x.value(workload, op);
        cell.y = place.y.value(workload, op);
        cell.facts = {workload.model.experts, weight_size(workload.model, op).numel()};
        cell.fastest = fastest_of(session, *variants, op, a);
        if (!cell.fastest.valid() || cell.best_ns() < session.measurements[cell.fastest.value].time.median)
            cell.fastest = cell.b_wins() ? cell.b : cell.a; // "tuned", which is one of the others once more
        cells[{cell.x, cell.y}] = cell;
    }
    if (cells.size() < 2)
        return std::nullopt;
    CrossoverMap map{.op = op, .a = std::string(a.name), .b = std::string(b.name), .x = &place.x, .y = &place.y,
                     .cells = {}, .xs = {}, .ys = {}, .first = place.group.first, .held = {}};
    for (const auto &[at, cell] : cells)
        map.cells.push_back(cell);
    map.xs = distinct(map.cells, &CrossoverCell::x);
    map.ys = distinct(map.cells, &CrossoverCell::y);
    map.held = held_text(session.runs[map.first.value], place.x, place.y);
    return map;
}

// More cells first, then what the faster and then what both of the pair take over all of them.
bool before(const CrossoverMap &a, const CrossoverMap &b) {
    const auto key = [](const CrossoverMap &map) {
        double best = 0, both = 0;
        for (const CrossoverCell &cell : map.cells) {
            best += cell.best_ns();
            both += cell.a_ns + cell.b_ns;
        }
        return std::tuple(-std::ptrdiff_t(map.cells.size()), best, both);
    };
    return key(a) < key(b);
}

void add_pairs(const Session &session, const Timed &timed, const Place &place,
               std::vector<CrossoverMap> &maps) {
    for (const OperatorInfo &op : operators()) {
        const TimedRuns runs = runs_with(op.id, timed, place.group);
        const std::size_t first = maps.size();
        for (std::size_t i = 0; i < op.variants.size() && runs.size() > 1; ++i)
            for (std::size_t j = i + 1; j < op.variants.size(); ++j)
                if (same_work(op.variants[i], op.variants[j]))
                    if (auto map = map_of(session, runs, place, op.id, op.variants[i], op.variants[j]))
                        maps.push_back(std::move(*map));
        std::stable_sort(maps.begin() + std::ptrdiff_t(first), maps.end(), before);
    }
}

bool flat(const CrossoverMap &map) { return map.xs.size() < 2 || map.ys.size() < 2; }

bool shows_all_of(const CrossoverMap &map, const CrossoverMap &other) {
    return map.op == other.op && map.a == other.a && map.b == other.b &&
           std::all_of(other.cells.begin(), other.cells.end(), [&](const CrossoverCell &cell) {
               return std::any_of(map.cells.begin(), map.cells.end(),
                                  [&](const CrossoverCell &c) { return c.a == cell.a && c.b == cell.b; });
           });
}

} // namespace

std::span<const CrossoverAxis> crossover_axes() { return kAxes; }

const CrossoverAxis &info(CrossoverProperty property) { return kAxes[std::size_t(property)]; }

std::vector<CrossoverMap> find_crossovers(const Session &session) {
    if (session.runs.size() < 2)
        return {};
    const Timed timed = timed_of(session);
    const auto repeated = repeated_runs(session);
    std::vector<CrossoverMap> found, kept;
    for (std::size_t i = 0; i < std::size(kAxes); ++i)
        for (std::size_t j = i + 1; j < std::size(kAxes); ++j)
            for (const Group &group : groups_of(session, repeated, kAxes[i], kAxes[j]))
                add_pairs(session, timed, {kAxes[i], kAxes[j], group}, found);
    std::stable_sort(found.begin(), found.end(), [](const CrossoverMap &a, const CrossoverMap &b) {
        return flat(a) != flat(b) ? flat(b) : a.cells.size() > b.cells.size();
    });
    for (CrossoverMap &map : found)
        if (!flat(map) || std::none_of(kept.begin(), kept.end(), [&](const CrossoverMap &earlier) {
                return shows_all_of(earlier, map);
            }))
            kept.push_back(std::move(map));
    return kept;
}

Result<std::size_t> find_map(const std::vector<CrossoverMap> &maps, const MapChoice &choice) {
    const auto named = [&](const std::string &variant) {
        return choice.variants.empty() || std::ranges::find(choice.variants, variant) != choice.variants.end();
    };
    std::string there;
    for (std::size_t i = 0; i < maps.size(); ++i) {
        if ((!choice.op || maps[i].op == *choice.op) && named(maps[i].a) && named(maps[i].b))
            return i;
        const std::string pair = fmt::format("{} {},{}", info(maps[i].op).name, maps[i].a, maps[i].b);
        if (there.find(pair) == std::string::npos)
            there += (there.empty() ? "" : "; ") + pair;
    }
    std::string what = choice.op ? fmt::format("there is no map of {}", info(*choice.op).name) : "there is no map";
    if (!choice.variants.empty())
        what += fmt::format(" of {}", fmt::join(choice.variants, " and "));
    if (!maps.empty())
        return Error{what, "the session has " + there, "choose one of them"};
    return Error{what,
                 "the session has no runs that differ in experts, the experts' size, tokens, rank or "
                 "skew with two variants measured in each",
                 "moescope sweep --axis experts=8,16,32,64 --axis intermediate=512..4096:x2 --ops "
                 "gate_up --variants fused,split,extra_k measures some"};
}

} // namespace moescope
