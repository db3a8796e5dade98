#include "profiler/explain/memory_history.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <unordered_map>

namespace moescope {

namespace {

constexpr std::string_view kUnlabelled = "library";
constexpr double kVisibleShare = 0.002; // of the largest group: less is no line of a picture

bool has(std::string_view text, std::string_view word) {
    return text.find(word) != std::string_view::npos;
}

// The run's own records, as the ledger wrote them: those between its start and its end.
std::vector<MemoryRecord> records_of(const Session &session, RunId run) {
    const RunRecord &record = session.runs[run.value];
    const std::int64_t end =
        record.finished_ns > 0 ? record.finished_ns : std::numeric_limits<std::int64_t>::max();
    std::vector<MemoryRecord> mine;
    for (const MemoryRecord &next : session.memory)
        if (next.time_ns >= record.started_ns && next.time_ns <= end)
            mine.push_back(next);
    std::stable_sort(mine.begin(), mine.end(), [](const MemoryRecord &a, const MemoryRecord &b) {
        return a.time_ns < b.time_ns;
    });
    return mine;
}

// When each measurement of the run began to run, by its first kernel.
struct Start {
    std::int64_t time_ns = 0;
    OperatorId op = OperatorId::Count_;
};
std::vector<Start> starts_of(const Session &session, RunId run) {
    std::map<std::uint32_t, std::int64_t> first;
    for (const KernelRecord &kernel : session.kernels) {
        const MeasurementId id = kernel.tag.measurement;
        if (!id.valid() || id.value >= session.measurements.size() ||
            session.measurements[id.value].run != run)
            continue;
        const auto [at, fresh] = first.emplace(id.value, kernel.start_ns);
        if (!fresh)
            at->second = std::min(at->second, kernel.start_ns);
    }
    std::vector<Start> starts;
    for (const auto &[id, time] : first)
        starts.push_back({time, session.measurements[id].op});
    std::sort(starts.begin(), starts.end(),
              [](const Start &a, const Start &b) { return a.time_ns < b.time_ns; });
    return starts;
}

// The operator an allocation was made for: the one its tag, its label or the next start names.
class Owners {
  public:
    Owners(const Session &session, RunId run)
        : session_(session), run_(run) {}

    std::string_view of(const MemoryRecord &record) const {
        const std::string_view label = session_.name(record.label);
        if (record.tag.measurement.valid() &&
            record.tag.measurement.value < session_.measurements.size())
            return info(session_.measurements[record.tag.measurement.value].op).name;
        if (const auto named = operator_in(label); !named.empty())
            return named;
        if (purpose_of(label) == "routing")
            return "routing";
        if (!starts_) // looked for where an allocation needs it: all kernels are looked at
            starts_ = starts_of(session_, run_);
        const auto next = std::lower_bound(
            starts_->begin(), starts_->end(), record.time_ns,
            [](const Start &start, std::int64_t time) { return start.time_ns < time; });
        return next == starts_->end() ? std::string_view() : info(next->op).name;
    }

  private:
    const Session &session_;
    RunId run_;
    mutable std::optional<std::vector<Start>> starts_;
};

std::string group_of(const Session &session, const MemoryRecord &record, MemoryGrouping grouping,
                     const Owners &owners) {
    const std::string_view label = session.name(record.label);
    if (label.empty())
        return std::string(kUnlabelled);
    switch (grouping) {
    case MemoryGrouping::Operator: {
        const std::string_view owner = owners.of(record);
        return std::string(owner.empty() ? "unknown operator" : owner);
    }
    case MemoryGrouping::Purpose:
        return std::string(purpose_of(label));
    case MemoryGrouping::Label:
        break;
    }
    return std::string(label);
}

// Groups in the order they appear, and what each event changes. A free belongs to the group of the
// allocation at its address, and takes away what that one brought.
struct Changes {
    struct Change {
        std::size_t group;
        std::int64_t bytes;
        const MemoryRecord *record;
    };
    std::vector<std::string> groups;
    std::vector<Change> changes;
};

Changes changes_of(const Session &session, const std::vector<MemoryRecord> &records, RunId run,
                   MemoryGrouping grouping) {
    const Owners owners(session, run);
    Changes result;
    std::unordered_map<std::string, std::size_t> index;
    std::unordered_map<std::uint64_t, Changes::Change> live;
    for (const MemoryRecord &record : records) {
        const auto block = live.find(record.address);
        if (record.bytes <= 0) {
            if (block == live.end())
                continue; // allocated before the run
            result.changes.push_back({block->second.group, -block->second.bytes, &record});
            live.erase(block);
            continue;
        }
        const auto [at, fresh] =
            index.emplace(group_of(session, record, grouping, owners), result.groups.size());
        if (fresh)
            result.groups.push_back(at->first);
        result.changes.push_back({at->second, record.bytes, &record});
        live[record.address] = result.changes.back();
    }
    return result;
}

// The most each group ever held.
std::vector<std::int64_t> most_held(const Changes &changes) {
    std::vector<std::int64_t> held(changes.groups.size()), most = held;
    for (const auto &[group, bytes, record] : changes.changes) {
        held[group] += bytes;
        most[group] = std::max(most[group], held[group]);
    }
    return most;
}

// New places for the groups: largest first, all that are beyond the last place or too small to see
// together.
std::vector<std::size_t> order_groups(const Changes &changes, std::size_t most,
                                      std::vector<std::string> &names) {
    const auto held = most_held(changes);
    std::vector<std::size_t> order(held.size()), place(held.size());
    std::iota(order.begin(), order.end(), std::size_t(0));
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return held[a] > held[b]; });
    std::size_t kept = 0; // groups with a place of their own
    while (kept < order.size() &&
           double(held[order[kept]]) >= kVisibleShare * double(held[order[0]]))
        ++kept;
    if (order.size() - kept == 1) // gathering one alone would only hide its name
        ++kept;
    if (kept < order.size() || kept > most)
        kept = std::min(kept, most - 1);
    for (std::size_t i = 0; i < order.size(); ++i) {
        place[order[i]] = std::min(i, kept);
        if (i < kept)
            names.push_back(changes.groups[order[i]]);
    }
    if (kept < order.size())
        names.emplace_back(kOtherGroup);
    return place;
}

// Ranges of addresses, kept disjoint and joined where they touch.
class Ranges {
  public:
    void add(std::uint64_t from, std::uint64_t to) {
        auto at = ranges_.upper_bound(from);
        if (at != ranges_.begin() && std::prev(at)->second >= from)
            --at;
        while (at != ranges_.end() && at->first <= to) {
            from = std::min(from, at->first);
            to = std::max(to, at->second);
            at = ranges_.erase(at);
        }
        ranges_[from] = to;
    }
    const std::map<std::uint64_t, std::uint64_t> &all() const { return ranges_; }

  private:
    std::map<std::uint64_t, std::uint64_t> ranges_; // start to end
};

bool valid(const Session &session, RunId run) {
    return run.valid() && run.value < session.runs.size();
}

} // namespace

std::string_view operator_in(std::string_view label) {
    std::string_view found;
    for (const OperatorInfo &op : operators())
        if (label.size() > op.name.size() && label.starts_with(op.name) &&
            label[op.name.size()] == ' ' && op.name.size() > found.size())
            found = op.name;
    return found;
}

std::string_view purpose_of(std::string_view label) {
    if (label.empty())
        return kUnlabelled;
    if (has(label, "workspace") || has(label, "queue of tiles"))
        return "workspace";
    if (has(label, "LoRA"))
        return "LoRA matrices";
    if (has(label, "dequantised") || has(label, "output") || has(label, "gradient") ||
        has(label, " dA") || has(label, " dB"))
        return "outputs";
    // Before "weights": those of the routing are a few numbers a token.
    for (const std::string_view word : {"expert", "router", "routing", "top-k", "sorted", "gumbel",
                                        "counts", "offsets", "schedule"})
        if (has(label, word))
            return "routing";
    for (const std::string_view word : {"weight", "absmax", "code", "scales"})
        if (has(label, word))
            return "weights";
    for (const std::string_view word : {"input", "hidden states", "logits", "tokens"})
        if (has(label, word))
            return "inputs";
    return "other";
}

std::size_t MemoryHistory::at(std::int64_t time_ns) const {
    const auto after =
        std::upper_bound(steps.begin(), steps.end(), time_ns,
                         [](std::int64_t time, const Step &step) { return time < step.time_ns; });
    return after == steps.begin() ? 0 : std::size_t(after - steps.begin()) - 1;
}

MemoryHistory memory_history(const Session &session, RunId run, MemoryGrouping grouping,
                             std::size_t most_groups) {
    MemoryHistory history;
    if (!valid(session, run))
        return history;
    const auto records = records_of(session, run);
    const Changes changes = changes_of(session, records, run, grouping);
    if (changes.changes.empty())
        return history;
    const auto place = order_groups(changes, std::max<std::size_t>(2, most_groups), history.groups);
    std::vector<std::int64_t> held(history.groups.size());
    std::int64_t total = 0;
    for (const auto &[group, bytes, record] : changes.changes) {
        held[place[group]] += bytes;
        total += bytes;
        history.steps.push_back({record->time_ns, total, bytes, record->label});
        history.held.insert(history.held.end(), held.begin(), held.end());
        if (total > history.steps[history.peak].total)
            history.peak = history.steps.size() - 1;
    }
    const RunRecord &record = session.runs[run.value];
    history.start_ns = record.started_ns;
    history.end_ns = std::max(record.finished_ns, history.steps.back().time_ns);
    return history;
}

std::vector<std::size_t> highest_steps(const MemoryHistory &history, std::int64_t from_ns,
                                       std::int64_t to_ns, std::size_t columns) {
    std::vector<std::size_t> result(columns, kNoStep);
    if (history.empty() || to_ns <= from_ns)
        return result;
    std::size_t next = 0; // the first step that is still to come
    const auto time_of = [&](std::size_t column) {
        return from_ns + std::int64_t(double(to_ns - from_ns) * double(column) / double(columns));
    };
    while (next < history.steps.size() && history.steps[next].time_ns < from_ns)
        ++next;
    for (std::size_t column = 0; column < columns; ++column) {
        std::size_t highest = next > 0 ? next - 1 : kNoStep;
        for (const std::int64_t end = time_of(column + 1);
             next < history.steps.size() && history.steps[next].time_ns < end; ++next)
            if (highest == kNoStep || history.steps[next].total > history.steps[highest].total)
                highest = next;
        result[column] = highest;
    }
    return result;
}

std::vector<LiveBlock> live_blocks(const Session &session, RunId run, std::int64_t time_ns) {
    if (!valid(session, run))
        return {};
    const Owners owners(session, run);
    std::map<std::uint64_t, LiveBlock> live;
    for (const MemoryRecord &record : records_of(session, run)) {
        if (record.time_ns > time_ns)
            break;
        if (record.bytes > 0)
            live[record.address] = {record.address, record.bytes, record.label, record.time_ns,
                                    std::string(owners.of(record))};
        else
            live.erase(record.address);
    }
    std::vector<LiveBlock> blocks;
    for (auto &[address, block] : live)
        blocks.push_back(std::move(block));
    std::stable_sort(blocks.begin(), blocks.end(),
                     [](const LiveBlock &a, const LiveBlock &b) { return a.bytes > b.bytes; });
    return blocks;
}

Fragmentation fragmentation(const Session &session, RunId run, std::int64_t time_ns) {
    Fragmentation result;
    if (!valid(session, run))
        return result;
    Ranges used;
    std::map<std::uint64_t, std::uint64_t> live; // start to end
    for (const MemoryRecord &record : records_of(session, run)) {
        if (record.time_ns > time_ns)
            break;
        if (record.bytes > 0) {
            used.add(record.address, record.address + std::uint64_t(record.bytes));
            live[record.address] = record.address + std::uint64_t(record.bytes);
        } else {
            live.erase(record.address);
        }
    }
    const auto free_piece = [&](std::uint64_t from, std::uint64_t to) {
        if (to <= from)
            return;
        ++result.pieces;
        result.free += std::int64_t(to - from);
        result.largest_free = std::max(result.largest_free, std::int64_t(to - from));
    };
    for (const auto &[from, to] : used.all()) {
        std::uint64_t at = from;
        for (auto block = live.lower_bound(from); block != live.end() && block->first < to;
             ++block) {
            free_piece(at, block->first);
            at = std::max(at, block->second);
            result.live += std::int64_t(block->second - block->first);
        }
        free_piece(at, to);
    }
    return result;
}

} // namespace moescope
