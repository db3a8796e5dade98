#include "app/views/autotune_landscape.h"

#include "app/views/measurement_text.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace moescope {

namespace {

constexpr double kSlowestShown = 4;

bool timed(const Candidate &candidate) {
    return (candidate.fate == Candidate::Fate::Timed || candidate.fate == Candidate::Fate::Best) &&
           candidate.time.median > 0;
}

std::size_t index_in(const std::vector<int> &values, int value) {
    return std::size_t(std::lower_bound(values.begin(), values.end(), value) - values.begin());
}

double column_value(const Candidate &candidate, CandidateColumn column) {
    switch (column) {
    case CandidateColumn::Median:
        return candidate.time.median;
    case CandidateColumn::Registers:
        return candidate.registers;
    case CandidateColumn::Smem:
        return candidate.smem_bytes;
    case CandidateColumn::Spills:
        return candidate.spill_bytes;
    case CandidateColumn::Blocks:
        return candidate.blocks_per_sm;
    case CandidateColumn::Compile:
        return candidate.compile_ms;
    case CandidateColumn::Tile:
        break;
    }
    return 0;
}

} // namespace

int value_of(const TileConfig &config, TileField field) {
    switch (field) {
    case TileField::BlockM:
        return config.block_m;
    case TileField::BlockN:
        return config.block_n;
    case TileField::BlockK:
        return config.block_k;
    case TileField::Warps:
        return config.warps;
    case TileField::Stages:
        break;
    }
    return config.stages;
}

const char *name_of(TileField field) {
    constexpr const char *names[] = {"block_m", "block_n", "block_k", "warps", "stages"};
    return names[std::size_t(field)];
}

std::vector<CandidateId> candidates_of(const Session &session, RunId run, OperatorId op,
                                       std::string_view variant) {
    std::vector<CandidateId> result;
    std::map<TileConfig, std::size_t> places;
    for (std::uint32_t i = 0; i < session.candidates.size(); ++i) {
        const Candidate &candidate = session.candidates[i];
        if (candidate.run != run || candidate.op != op || candidate.variant != variant)
            continue;
        const auto [place, added] = places.try_emplace(candidate.config, result.size());
        if (added)
            result.push_back({i});
        else
            result[place->second] = {i};
    }
    return result;
}

Tally tally(const Session &session, std::span<const CandidateId> candidates) {
    Tally result;
    for (const CandidateId id : candidates) {
        const Candidate &candidate = session.candidates[id.value];
        if (candidate.fate == Candidate::Fate::Pruned)
            ++result.pruned;
        else if (candidate.fate == Candidate::Fate::Failed)
            ++result.failed;
        else if (!timed(candidate))
            ++result.waiting;
        if (!timed(candidate))
            continue;
        ++result.timed;
        const double ns = candidate.time.median;
        if (!result.best.valid() || ns < result.best_ns) {
            result.best_ns = ns;
            result.best = id;
        }
        result.worst_ns = std::max(result.worst_ns, ns);
    }
    for (const CandidateId id : candidates) // the tuner's own choice, where it has made one
        if (session.candidates[id.value].fate == Candidate::Fate::Best)
            result.best = id;
    return result;
}

namespace {

Landscape::Panel panel_of(const Session &session, const std::array<int, 3> &key, std::span<const CandidateId> members,
                          TileField row, TileField column) {
    std::set<int> rows, columns;
    for (const CandidateId id : members) {
        rows.insert(value_of(session.candidates[id.value].config, row));
        columns.insert(value_of(session.candidates[id.value].config, column));
    }
    Landscape::Panel panel{.key = key, .rows = {rows.begin(), rows.end()}, .columns = {columns.begin(), columns.end()}};
    panel.cells.resize(rows.size() * columns.size());
    for (const CandidateId id : members) {
        const Candidate &candidate = session.candidates[id.value];
        panel.cells[index_in(panel.rows, value_of(candidate.config, row)) * columns.size() +
                    index_in(panel.columns, value_of(candidate.config, column))] = id;
        if (timed(candidate) && (panel.best_ns <= 0 || candidate.time.median < panel.best_ns))
            panel.best_ns = candidate.time.median;
    }
    return panel;
}

} // namespace

Landscape pivot(const Session &session, std::span<const CandidateId> candidates, TileField row,
                TileField column) {
    Landscape result;
    std::size_t other = 0;
    for (const TileField field : kTileFields)
        if (field != row && field != column && other < result.panel_fields.size())
            result.panel_fields[other++] = field;
    const auto key_of = [&](const TileConfig &config) {
        return std::array{value_of(config, result.panel_fields[0]),
                          value_of(config, result.panel_fields[1]),
                          value_of(config, result.panel_fields[2])};
    };
    std::map<std::array<int, 3>, std::vector<CandidateId>> panels;
    for (const CandidateId id : candidates)
        panels[key_of(session.candidates[id.value].config)].push_back(id);
    bool waiting = false;
    for (const auto &[key, members] : panels) {
        result.panels.push_back(panel_of(session, key, members, row, column));
        waiting = waiting || std::ranges::any_of(members, [&](CandidateId id) {
            return session.candidates[id.value].fate <= Candidate::Fate::Compiling;
        });
    }
    if (!waiting)
        std::ranges::stable_sort(result.panels, [](const Landscape::Panel &a, const Landscape::Panel &b) {
            return std::pair(a.best_ns <= 0, a.best_ns) < std::pair(b.best_ns <= 0, b.best_ns);
        });
    return result;
}

double slowest_shown(const Tally &tally) {
    if (tally.best_ns <= 0)
        return 1;
    return std::clamp(tally.worst_ns / tally.best_ns, 1.05, kSlowestShown);
}

float heat_of(double time_ns, const Tally &tally) {
    if (tally.best_ns <= 0 || time_ns <= 0)
        return 0;
    const double t = 1 - std::log(time_ns / tally.best_ns) / std::log(slowest_shown(tally));
    return float(std::clamp(t, 0.0, 1.0));
}

void sort_candidates(const Session &session, std::vector<CandidateId> &candidates,
                     CandidateColumn column, bool descending) {
    std::stable_sort(candidates.begin(), candidates.end(), [&](CandidateId x, CandidateId y) {
        const Candidate &a = session.candidates[x.value], &b = session.candidates[y.value];
        if (column == CandidateColumn::Tile)
            return descending ? b.config < a.config : a.config < b.config;
        if (column == CandidateColumn::Median && timed(a) != timed(b))
            return timed(a);
        const double left = column_value(a, column), right = column_value(b, column);
        return descending ? right < left : left < right;
    });
}

std::vector<ui::Fact> facts_of(const Candidate &candidate, double best_ns) {
    switch (candidate.fate) {
    case Candidate::Fate::Queued:
        return {{Evidence::Reported, "Queued: neither compiled nor timed yet."}};
    case Candidate::Fate::Compiling:
        return {{Evidence::Reported, "Compiling; not timed yet."}};
    default:
        break;
    }
    std::vector<ui::Fact> facts;
    if (candidate.fate == Candidate::Fate::Pruned)
        facts.push_back({Evidence::Reported, "Not timed, pruned: " + candidate.reason});
    else if (candidate.fate == Candidate::Fate::Failed)
        facts.push_back({Evidence::Reported, "Failed: " + candidate.reason});
    else
        facts.push_back({Evidence::Measured,
                         fmt::format("{}, {}. Median of {} samples.\n{}", format_duration_ns(candidate.time.median),
                                     candidate.fate == Candidate::Fate::Best
                                         ? "the best"
                                         : format_ratio(candidate.time.median / std::max(best_ns, 1e-9)) + " the best",
                                     candidate.time.samples, explain_spread(candidate.time))});
    std::string compiler = fmt::format("{} registers a thread, {} spilled, {} shared memory, {} threads", candidate.registers,
                                       format_bytes(candidate.spill_bytes), format_bytes(candidate.smem_bytes),
                                       candidate.threads);
    if (candidate.blocks_per_sm > 0)
        compiler += fmt::format(", {} an SM", counted(std::size_t(candidate.blocks_per_sm), "block"));
    compiler += candidate.from_cache ? ", by the compiler; from its cache."
                                     : fmt::format(", by the compiler, in {:.0f} ms.", candidate.compile_ms);
    facts.push_back({Evidence::Reported, std::move(compiler)});
    return facts;
}

std::string explain(const Candidate &candidate, double best_ns) {
    return ui::text_of(candidate.config.text(), facts_of(candidate, best_ns));
}

} // namespace moescope
