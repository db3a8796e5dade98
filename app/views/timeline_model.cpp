#include "app/views/timeline_model.h"

#include "app/views/variant_colour.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <future>

namespace moescope {

namespace {

std::uint64_t key_of(std::uint32_t measurement, std::int32_t repetition) {
    return std::uint64_t(measurement) << 32 | std::uint32_t(repetition);
}

// Times from a file may be anything: kept where differences cannot overflow.
std::int64_t sane(std::int64_t time_ns) {
    return std::clamp<std::int64_t>(time_ns, 0, INT64_MAX / 4);
}

// By what tells one from another: a file may hold numbers that do not equal themselves.
bool same(const KernelRecord &a, const KernelRecord &b) {
    return a.start_ns == b.start_ns && a.end_ns == b.end_ns && a.name == b.name &&
           a.correlation == b.correlation && a.stream == b.stream && a.tag == b.tag;
}

bool contains(std::string_view text, std::string_view lower_case) {
    const auto same = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == static_cast<unsigned char>(b);
    };
    return std::search(text.begin(), text.end(), lower_case.begin(), lower_case.end(), same) !=
           text.end();
}

} // namespace

std::string label_of(const TrackKey &key) {
    switch (key.kind) {
    case TrackKind::Measurements:
        return "Measurements";
    case TrackKind::Repetitions:
        return "Repetitions";
    case TrackKind::Api:
        return fmt::format("Calls, thread {}", key.b);
    case TrackKind::Kernels:
        return key.a == 0 ? fmt::format("Kernels, stream {}", key.b)
                          : fmt::format("GPU {}, stream {}", key.a, key.b);
    case TrackKind::Copies:
        return fmt::format("Copies, stream {}", key.b);
    case TrackKind::Overhead:
        break;
    }
    return "CUPTI overhead";
}

std::string label_of(const Session &session, const TrackKey &key) {
    for (const RunRecord &run : session.runs) {
        if (!run.plan.ranks || run.plan.ranks->size < 2)
            continue;
        const auto rank = std::uint32_t(run.plan.ranks->rank);
        if ((key.kind == TrackKind::Kernels || key.kind == TrackKind::Copies) && key.a == rank)
            return fmt::format("Rank {}, {} {}", rank, key.kind == TrackKind::Kernels ? "stream" : "copies of", key.b);
        if (key.kind == TrackKind::Api && key.a == run.device.worker_process)
            return fmt::format("Rank {}, {}", rank, run.device.is_cpu() ? "steps" : fmt::format("thread {}", key.b));
    }
    return label_of(key);
}

void TimeSpan::add(std::int64_t start, std::int64_t end) {
    start_ns = std::min(start_ns, start);
    end_ns = std::max({end_ns, start, end});
}

bool TimelineModel::continues(const Session &session) const {
    return session.kernels.size() >= seen_.kernels && session.api_calls.size() >= seen_.api &&
           session.copies.size() >= seen_.copies && session.memory.size() >= seen_.memory &&
           session.overheads.size() >= seen_.overheads && counters_.continues(session) &&
           (seen_.kernels == 0 || same(session.kernels[seen_.kernels - 1], last_kernel_)) &&
           (seen_.api == 0 || session.api_calls[seen_.api - 1] == last_call_);
}

std::size_t TimelineModel::missing(const Session &session) const {
    return session.kernels.size() - seen_.kernels + session.api_calls.size() - seen_.api + session.copies.size() -
           seen_.copies + session.memory.size() - seen_.memory + session.overheads.size() - seen_.overheads +
           counters_.missing(session);
}

void TimelineBuilder::note_measurements(const Session &session) {
    for (std::size_t i = slots_.size(); i < session.measurements.size(); ++i) {
        const Measurement &m = session.measurements[i];
        slots_.push_back(std::uint8_t(variant_series(m.op, m.variant)));
    }
}

void TimelineBuilder::note_matches(const Session &session) {
    for (std::size_t i = name_matches_.size(); i < session.names.size(); ++i)
        name_matches_.push_back(!query_.empty() && contains(session.names[i], query_));
    for (std::size_t i = measurement_matches_.size(); i < session.measurements.size(); ++i) {
        const Measurement &m = session.measurements[i];
        measurement_matches_.push_back(
            !query_.empty() && contains(fmt::format("{}/{}", info(m.op).name, m.variant), query_));
    }
}

bool TimelineBuilder::matches_query(TrackKind kind, const TimelineItem &item) const {
    if (kind == TrackKind::Measurements)
        return item.ref < measurement_matches_.size() && measurement_matches_[item.ref];
    if (kind == TrackKind::Repetitions || kind == TrackKind::Copies)
        return false; // they have no names of their own
    return item.name < name_matches_.size() && name_matches_[item.name];
}

std::uint8_t TimelineBuilder::slot_of(Tag tag) const {
    return tag.measurement.valid() && tag.measurement.value < slots_.size()
               ? slots_[tag.measurement.value]
               : kNeutralSlot;
}

// The measurement's span grows with everything tagged; a repetition's with its kernels.
void TimelineBuilder::touch(Tag tag, std::int64_t start_ns, std::int64_t end_ns, bool in_repetition) {
    if (!tag.measurement.valid() || tag.measurement.value >= slots_.size())
        return;
    if (tag.repetition == kSampledRepetition)
        return sampled_[tag.measurement].add(sane(start_ns), sane(end_ns));
    measurement_.of(tag.measurement.value, measurements_, update_).add(sane(start_ns), sane(end_ns));
    if (in_repetition && tag.repetition >= 0)
        repetition_.of(key_of(tag.measurement.value, tag.repetition), repetitions_, update_)
            .add(sane(start_ns), sane(end_ns));
}

void TimelineBuilder::collect(const Session &session, Pending &pending) {
    const auto add = [&](TrackKey key, std::int64_t start, std::int64_t end, std::size_t ref,
                         NameId name, std::uint8_t slot) {
        start = sane(start);
        end = std::max(start, sane(end));
        pending[key].push_back({start, end, std::uint32_t(ref), name.value, slot});
        extent_.add(start, end);
    };
    for (std::size_t i = seen_.kernels; i < session.kernels.size(); ++i) {
        const KernelRecord &kernel = session.kernels[i];
        add({TrackKind::Kernels, kernel.device, kernel.stream}, kernel.start_ns, kernel.end_ns, i,
            kernel.name, slot_of(kernel.tag));
        touch(kernel.tag, kernel.start_ns, kernel.end_ns, true);
    }
    for (std::size_t i = seen_.api; i < session.api_calls.size(); ++i) {
        const ApiRecord &call = session.api_calls[i];
        add({TrackKind::Api, call.process, call.thread}, call.start_ns, call.end_ns, i, call.name,
            kNeutralSlot);
        touch(call.tag, call.start_ns, call.end_ns, false);
    }
    for (std::size_t i = seen_.copies; i < session.copies.size(); ++i) {
        const CopyRecord &copy = session.copies[i];
        add({TrackKind::Copies, copy.device, copy.stream}, copy.start_ns, copy.end_ns, i, {},
            kNeutralSlot);
        touch(copy.tag, copy.start_ns, copy.end_ns, false);
    }
    for (std::size_t i = seen_.overheads; i < session.overheads.size(); ++i) {
        const OverheadRecord &overhead = session.overheads[i];
        add({TrackKind::Overhead, 0, 0}, overhead.start_ns, overhead.end_ns, i, overhead.kind,
            kNeutralSlot);
    }
}

// Each track by itself, the long ones at once.
void TimelineBuilder::add_pending(Pending &pending) {
    constexpr std::size_t kLong = 100'000;
    std::vector<std::future<void>> others;
    for (auto &[key, items] : pending) {
        TimelineRows &track = tracks_[key]; // no track moves when another one comes
        const auto add = [this, &items, &track, kind = key.kind] {
            for (TimelineItem &item : items)
                item.match = matches_query(kind, item);
            track.add(std::move(items));
        };
        if (items.size() > kLong)
            others.push_back(std::async(std::launch::async, add));
        else
            add();
    }
    for (std::future<void> &other : others)
        other.get();
}

// Spans that have changed are taken off their track as they were and put on as they are.
template <typename Key>
void TimelineBuilder::add_spans(TrackKind kind, const std::unordered_map<Key, KeptSpan> &spans, Touched<Key> &touched) {
    if (touched.fresh.empty() && touched.before.empty())
        return;
    const auto measurement_of = [&](Key key) {
        return std::uint32_t(kind == TrackKind::Measurements ? key : std::uint64_t(key) >> 32);
    };
    const auto key_of_item = [&](const TimelineItem &item) {
        return kind == TrackKind::Measurements ? Key(item.ref) : Key(key_of(item.ref, std::int32_t(item.name)));
    };
    std::vector<TimelineItem> items;
    const auto put = [&](Key key) {
        const TimeSpan &span = spans.at(key);
        const bool whole = kind == TrackKind::Measurements;
        TimelineItem item{span.start_ns, span.end_ns, measurement_of(key), whole ? 0 : std::uint32_t(key),
                          slots_[measurement_of(key)]};
        item.match = matches_query(kind, item);
        items.push_back(item);
    };
    TimelineRows &track = tracks_[{kind, 0, 0}];
    if (!touched.before.empty()) {
        std::int64_t from = INT64_MAX;
        for (const auto &[key, span] : touched.before)
            from = std::min(from, span.start_ns);
        items = track.pop_from(from);
        std::erase_if(items, [&](const TimelineItem &item) { return touched.before.contains(key_of_item(item)); });
        for (const auto &[key, span] : touched.before)
            put(key);
    }
    for (const Key key : touched.fresh)
        put(key);
    track.add(std::move(items));
    touched = {};
}

void TimelineBuilder::add_runs(const Session &session) {
    const auto add = [&](std::uint32_t id) {
        const TimeSpan &span = measurements_.at(id);
        runs_[session.measurements[id].run].add(span.start_ns, span.end_ns);
    };
    for (const auto &[id, span] : measurement_.before)
        add(id);
    for (const std::uint32_t id : measurement_.fresh)
        add(id);
}

// The level holds until the next change, and after the last one for good.
void TimelineBuilder::add_memory(const Session &session) {
    const std::size_t old = ledger_.size();
    for (std::size_t i = seen_.memory; i < session.memory.size(); ++i) {
        ledger_.emplace_back(sane(session.memory[i].time_ns), session.memory[i].bytes);
        extent_.add(ledger_.back().first, ledger_.back().first);
    }
    if (old == ledger_.size())
        return;
    const auto by_time = [](const auto &a, const auto &b) { return a.first < b.first; };
    const bool sorted =
        std::is_sorted(ledger_.begin() + std::ptrdiff_t(old ? old - 1 : 0), ledger_.end(), by_time);
    if (!sorted) { // an old one changes all levels after it
        std::stable_sort(ledger_.begin(), ledger_.end(), by_time);
        counters_.set_allocated({});
        allocated_bytes_ = 0;
    }
    for (std::size_t i = sorted ? old : 0; i < ledger_.size(); ++i) {
        allocated_bytes_ += ledger_[i].second;
        counters_.add_allocated({ledger_[i].first, INT64_MAX / 4, double(allocated_bytes_)});
    }
}

void TimelineBuilder::remember(const Session &session) {
    seen_ = {session.kernels.size(), session.api_calls.size(), session.copies.size(),
             session.memory.size(), session.overheads.size()};
    if (seen_.kernels > 0)
        last_kernel_ = session.kernels[seen_.kernels - 1];
    if (seen_.api > 0)
        last_call_ = session.api_calls[seen_.api - 1];
}

void TimelineBuilder::update(const Session &session) {
    if (!continues(session)) {
        std::string query = std::move(query_);
        *this = {};
        query_ = std::move(query);
    }
    ++update_;
    note_measurements(session);
    note_matches(session);
    Pending pending;
    collect(session, pending);
    add_pending(pending);
    add_runs(session);
    add_spans(TrackKind::Measurements, measurements_, measurement_);
    add_spans(TrackKind::Repetitions, repetitions_, repetition_);
    counters_.update(session, [&](RunId run, std::int64_t start_ns, std::int64_t end_ns) {
        extent_.add(sane(start_ns), sane(end_ns));
        runs_[run].add(sane(start_ns), sane(end_ns));
    });
    add_memory(session);
    remember(session);
}

TimeSpan TimelineModel::span_of(MeasurementId measurement) const {
    const auto found = measurements_.find(measurement.value);
    return measurement.valid() && found != measurements_.end() ? TimeSpan(found->second) : TimeSpan{};
}

TimeSpan TimelineModel::sampled_span_of(MeasurementId measurement) const {
    const auto found = sampled_.find(measurement);
    return found != sampled_.end() ? found->second : TimeSpan{};
}

TimeSpan TimelineModel::span_of(const Session &session, RunId run) const {
    const auto found = runs_.find(run);
    TimeSpan result = found != runs_.end() ? found->second : TimeSpan{};
    // An imported trace has no measurements: its run says when it was.
    const RunRecord none;
    const RunRecord &whole = run.value < session.runs.size() ? session.runs[run.value] : none;
    if (whole.plan.items.empty() && whole.finished_ns > whole.started_ns)
        result.add(sane(whole.started_ns), sane(whole.finished_ns));
    return result;
}

void TimelineBuilder::search(const Session &session, std::string_view query) {
    std::string lower(query);
    for (char &letter : lower)
        letter = char(std::tolower(static_cast<unsigned char>(letter)));
    if (lower == query_)
        return;
    query_ = std::move(lower);
    name_matches_.clear();
    measurement_matches_.clear();
    note_matches(session);
    for (auto &[key, track] : tracks_)
        for (TimelineRow &row : track.rows())
            row.match(
                [&, kind = key.kind](const TimelineItem &item) { return matches_query(kind, item); });
}

std::size_t TimelineModel::matches() const {
    std::size_t count = 0;
    for (const auto &[key, track] : tracks_)
        for (const TimelineRow &row : track.rows())
            count += row.matches();
    return count;
}

std::optional<TimelineHit> TimelineModel::match_after(std::int64_t time_ns) const {
    std::optional<TimelineHit> best;
    for (const auto &[key, track] : tracks_)
        for (const TimelineRow &row : track.rows()) {
            const std::size_t at = row.next_match(row.first_starting_at(time_ns + 1));
            if (at < row.size() && (!best || row[at].start_ns < best->start_ns))
                best = TimelineHit{key, row[at].ref, row[at].name, row[at].start_ns};
        }
    return best;
}

std::optional<TimelineHit> TimelineModel::match_before(std::int64_t time_ns) const {
    std::optional<TimelineHit> best;
    for (const auto &[key, track] : tracks_)
        for (const TimelineRow &row : track.rows()) {
            const std::size_t at = row.previous_match(row.first_starting_at(time_ns));
            if (at < row.size() && (!best || row[at].start_ns > best->start_ns))
                best = TimelineHit{key, row[at].ref, row[at].name, row[at].start_ns};
        }
    return best;
}

std::optional<TimelinePlace> TimelineModel::find(const TimelineHit &hit) const {
    const auto track = tracks_.find(hit.track);
    if (track == tracks_.end())
        return std::nullopt;
    const auto &rows = track->second.rows();
    for (std::size_t r = 0; r < rows.size(); ++r)
        for (std::size_t i = rows[r].first_starting_at(hit.start_ns);
             i < rows[r].size() && rows[r][i].start_ns == hit.start_ns; ++i)
            if (rows[r][i].ref == hit.ref && rows[r][i].name == hit.name)
                return TimelinePlace{r, i};
    return std::nullopt;
}

std::optional<TimelineHit> TimelineModel::hit_of_kernel(const Session &session,
                                                        std::size_t kernel) const {
    if (kernel >= session.kernels.size())
        return std::nullopt;
    const KernelRecord &record = session.kernels[kernel];
    return TimelineHit{{TrackKind::Kernels, record.device, record.stream},
                       std::uint32_t(kernel),
                       record.name.value,
                       sane(record.start_ns)};
}

std::optional<TimelineHit> TimelineModel::hit_of_api(const Session &session,
                                                     std::size_t call) const {
    if (call >= session.api_calls.size())
        return std::nullopt;
    const ApiRecord &record = session.api_calls[call];
    return TimelineHit{{TrackKind::Api, record.process, record.thread},
                       std::uint32_t(call),
                       record.name.value,
                       sane(record.start_ns)};
}

std::optional<std::size_t> TimelineModel::launch_of(const Session &session, std::size_t kernel,
                                                    std::size_t most) const {
    const KernelRecord &record = session.kernels[kernel];
    std::optional<TimelineItem> found;
    const auto in_row = [&](const TimelineRow &row) {
        const std::size_t end = row.first_starting_at(sane(record.start_ns) + 1);
        for (std::size_t i = end; i-- > end - std::min(end, most);) {
            if (found && found->start_ns >= row[i].start_ns)
                return;
            if (session.api_calls[row[i].ref].correlation == record.correlation)
                found = row[i];
        }
    };
    if (record.correlation != 0)
        for (const auto &[key, track] : tracks_)
            for (const TimelineRow &row : track.rows())
                if (key.kind == TrackKind::Api)
                    in_row(row);
    return found ? std::optional<std::size_t>(found->ref) : std::nullopt;
}

std::optional<std::size_t> TimelineModel::kernel_of(const Session &session, std::size_t call,
                                                    std::size_t most) const {
    const ApiRecord &record = session.api_calls[call];
    std::optional<TimelineItem> found;
    const auto in_row = [&](const TimelineRow &row) {
        const std::size_t begin = row.first_starting_at(sane(record.start_ns));
        for (std::size_t i = begin; i < begin + std::min(most, row.size() - begin); ++i) {
            if (found && found->start_ns <= row[i].start_ns)
                return;
            if (session.kernels[row[i].ref].correlation == record.correlation)
                found = row[i];
        }
    };
    if (record.correlation != 0)
        for (const auto &[key, track] : tracks_)
            for (const TimelineRow &row : track.rows())
                if (key.kind == TrackKind::Kernels)
                    in_row(row);
    return found ? std::optional<std::size_t>(found->ref) : std::nullopt;
}

} // namespace moescope
