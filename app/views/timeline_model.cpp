#include "app/views/timeline_model.h"

#include "app/views/variant_colour.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace moescope {

namespace {

std::uint64_t key_of(std::uint32_t measurement, std::int32_t repetition) {
    return std::uint64_t(measurement) << 32 | std::uint32_t(repetition);
}

// Times from a file may be anything: kept where differences cannot overflow.
std::int64_t sane(std::int64_t time_ns) {
    return std::clamp<std::int64_t>(time_ns, 0, INT64_MAX / 4);
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

void TimeSpan::add(std::int64_t start, std::int64_t end) {
    start_ns = std::min(start_ns, start);
    end_ns = std::max({end_ns, start, end});
}

bool TimelineModel::continues(const Session &session) const {
    return session.kernels.size() >= seen_.kernels && session.api_calls.size() >= seen_.api &&
           session.copies.size() >= seen_.copies && session.memory.size() >= seen_.memory &&
           session.overheads.size() >= seen_.overheads && counters_.continues(session) &&
           (seen_.kernels == 0 || session.kernels[seen_.kernels - 1] == last_kernel_) &&
           (seen_.api == 0 || session.api_calls[seen_.api - 1] == last_call_);
}

void TimelineModel::note_measurements(const Session &session) {
    for (std::size_t i = slots_.size(); i < session.measurements.size(); ++i) {
        const Measurement &m = session.measurements[i];
        slots_.push_back(std::uint8_t(variant_series(m.op, m.variant)));
    }
}

void TimelineModel::note_matches(const Session &session) {
    for (std::size_t i = name_matches_.size(); i < session.names.size(); ++i)
        name_matches_.push_back(!query_.empty() && contains(session.names[i], query_));
    for (std::size_t i = measurement_matches_.size(); i < session.measurements.size(); ++i) {
        const Measurement &m = session.measurements[i];
        measurement_matches_.push_back(
            !query_.empty() && contains(fmt::format("{}/{}", info(m.op).name, m.variant), query_));
    }
}

bool TimelineModel::matches(TrackKind kind, const TimelineItem &item) const {
    if (kind == TrackKind::Measurements)
        return item.ref < measurement_matches_.size() && measurement_matches_[item.ref];
    if (kind == TrackKind::Repetitions || kind == TrackKind::Copies)
        return false; // they have no names of their own
    return item.name < name_matches_.size() && name_matches_[item.name];
}

std::uint8_t TimelineModel::slot_of(Tag tag) const {
    return tag.measurement.valid() && tag.measurement.value < slots_.size()
               ? slots_[tag.measurement.value]
               : kNeutralSlot;
}

// The measurement's span grows with everything tagged; a repetition's with its kernels.
void TimelineModel::touch(Tag tag, std::int64_t start_ns, std::int64_t end_ns, bool in_repetition) {
    if (!tag.measurement.valid() || tag.measurement.value >= slots_.size())
        return;
    if (tag.repetition == kSampledRepetition)
        return sampled_[tag.measurement].add(sane(start_ns), sane(end_ns));
    const auto grow = [&](auto &spans, auto &before, std::uint64_t key) {
        TimeSpan &span = spans[key];
        before.try_emplace(key, span);
        span.add(sane(start_ns), sane(end_ns));
    };
    grow(measurements_, measurements_before_, key_of(tag.measurement.value, 0));
    if (in_repetition && tag.repetition >= 0)
        grow(repetitions_, repetitions_before_, key_of(tag.measurement.value, tag.repetition));
}

void TimelineModel::collect(const Session &session, Pending &pending) {
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

// Spans that have changed are taken off their track as they were and put on as they are.
void TimelineModel::add_spans(TrackKind kind, std::unordered_map<std::uint64_t, TimeSpan> &spans,
                              std::unordered_map<std::uint64_t, TimeSpan> &before) {
    if (before.empty())
        return;
    TimelineRows &track = tracks_[{kind, 0, 0}];
    std::int64_t from = INT64_MAX;
    for (const auto &[key, span] : before)
        if (!span.empty())
            from = std::min(from, span.start_ns);
    auto items = track.pop_from(from);
    std::erase_if(items, [&](const TimelineItem &item) {
        return before.contains(kind == TrackKind::Measurements
                                   ? key_of(item.ref, 0)
                                   : key_of(item.ref, std::int32_t(item.name)));
    });
    for (const auto &[key, old] : before) {
        const TimeSpan &span = spans[key];
        const std::uint32_t measurement = std::uint32_t(key >> 32);
        TimelineItem item{span.start_ns, span.end_ns, measurement, std::uint32_t(key),
                          slots_[measurement]};
        item.match = matches(kind, item);
        items.push_back(item);
    }
    track.add(std::move(items));
    before.clear();
}

void TimelineModel::add_memory(const Session &session) {
    const std::size_t old = ledger_.size();
    for (std::size_t i = seen_.memory; i < session.memory.size(); ++i) {
        ledger_.emplace_back(sane(session.memory[i].time_ns), session.memory[i].bytes);
        extent_.add(ledger_.back().first, ledger_.back().first);
    }
    const auto by_time = [](const auto &a, const auto &b) { return a.first < b.first; };
    const bool sorted =
        std::is_sorted(ledger_.begin() + std::ptrdiff_t(old ? old - 1 : 0), ledger_.end(), by_time);
    if (sorted && memory_origin_ns_ == origin_ns() && old == ledger_.size())
        return;
    if (!sorted)
        std::stable_sort(ledger_.begin(), ledger_.end(), by_time);
    const bool afresh = !sorted || memory_origin_ns_ != origin_ns();
    if (afresh)
        memory_.clear();
    memory_origin_ns_ = origin_ns();
    double bytes = memory_.empty() ? 0 : memory_.back().y;
    for (std::size_t i = afresh ? 0 : old; i < ledger_.size(); ++i) {
        const double at = double(ledger_[i].first - memory_origin_ns_);
        memory_.push_back({at, bytes}); // a step: the level holds until the next change
        bytes += double(ledger_[i].second);
        memory_.push_back({at, bytes});
    }
}

void TimelineModel::remember(const Session &session) {
    seen_ = {session.kernels.size(), session.api_calls.size(), session.copies.size(),
             session.memory.size(), session.overheads.size()};
    if (seen_.kernels > 0)
        last_kernel_ = session.kernels[seen_.kernels - 1];
    if (seen_.api > 0)
        last_call_ = session.api_calls[seen_.api - 1];
}

void TimelineModel::update(const Session &session) {
    if (!continues(session)) {
        std::string query = std::move(query_);
        *this = {};
        query_ = std::move(query);
    }
    note_measurements(session);
    note_matches(session);
    Pending pending;
    collect(session, pending);
    for (auto &[key, items] : pending) {
        for (TimelineItem &item : items)
            item.match = matches(key.kind, item);
        tracks_[key].add(std::move(items));
    }
    add_spans(TrackKind::Measurements, measurements_, measurements_before_);
    add_spans(TrackKind::Repetitions, repetitions_, repetitions_before_);
    counters_.update(session, [&](RunId run, std::int64_t start_ns, std::int64_t end_ns) {
        extent_.add(sane(start_ns), sane(end_ns));
        watched_[run].add(sane(start_ns), sane(end_ns));
    });
    add_memory(session);
    remember(session);
}

TimeSpan TimelineModel::span_of(MeasurementId measurement) const {
    const auto found = measurements_.find(key_of(measurement.value, 0));
    return measurement.valid() && found != measurements_.end() ? found->second : TimeSpan{};
}

TimeSpan TimelineModel::sampled_span_of(MeasurementId measurement) const {
    const auto found = sampled_.find(measurement);
    return found != sampled_.end() ? found->second : TimeSpan{};
}

TimeSpan TimelineModel::span_of(const Session &session, RunId run) const {
    const auto watched = watched_.find(run);
    TimeSpan result = watched != watched_.end() ? watched->second : TimeSpan{};
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i)
        if (const TimeSpan span = span_of(MeasurementId{i});
            session.measurements[i].run == run && !span.empty())
            result.add(span.start_ns, span.end_ns);
    // An imported trace has no measurements: its run says when it was.
    const RunRecord none;
    const RunRecord &whole = run.value < session.runs.size() ? session.runs[run.value] : none;
    if (whole.plan.items.empty() && whole.finished_ns > whole.started_ns)
        result.add(sane(whole.started_ns), sane(whole.finished_ns));
    return result;
}

void TimelineModel::search(const Session &session, std::string_view query) {
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
                [&, kind = key.kind](const TimelineItem &item) { return matches(kind, item); });
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

std::optional<std::size_t> launch_of(const Session &session, std::size_t kernel) {
    const std::uint32_t correlation = session.kernels[kernel].correlation;
    for (std::size_t i = session.api_calls.size(); correlation != 0 && i-- > 0;)
        if (session.api_calls[i].correlation == correlation &&
            session.api_calls[i].start_ns <= session.kernels[kernel].start_ns)
            return i;
    return std::nullopt;
}

std::optional<std::size_t> kernel_of(const Session &session, std::size_t call) {
    const std::uint32_t correlation = session.api_calls[call].correlation;
    for (std::size_t i = session.kernels.size(); correlation != 0 && i-- > 0;)
        if (session.kernels[i].correlation == correlation &&
            session.kernels[i].start_ns >= session.api_calls[call].start_ns)
            return i;
    return std::nullopt;
}

} // namespace moescope
