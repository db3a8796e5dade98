#include "app/views/timeline_model.h"

#include "app/views/variant_colour.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <future>
#include <type_traits>
#include <unordered_set>

namespace moescope {

namespace {

// Of a measurement's or a repetition's item: its ref and its name.
std::uint64_t key_of(std::uint32_t ref, std::uint32_t name) { return std::uint64_t(ref) << 32 | name; }
std::uint32_t measurement_of(std::uint64_t key) { return std::uint32_t(key >> 32); }

// Times from a file may be anything: kept where differences cannot overflow.
std::int64_t sane(std::int64_t time_ns) {
    return std::clamp<std::int64_t>(time_ns, 0, INT64_MAX / 4);
}

// By what tells one from another: a file may hold numbers that do not equal themselves.
bool same(const KernelRecord &a, const KernelRecord &b) {
    return a.start_ns == b.start_ns && a.end_ns == b.end_ns && a.name == b.name &&
           a.correlation == b.correlation && a.stream == b.stream && a.tag == b.tag;
}

TrackKey track_of(const KernelRecord &kernel) { return {TrackKind::Kernels, kernel.device, kernel.stream}; }
TrackKey track_of(const ApiRecord &call) { return {TrackKind::Api, call.process, call.thread}; }
TrackKey track_of(const CopyRecord &copy) { return {TrackKind::Copies, copy.device, copy.stream}; }
TrackKey track_of(const OverheadRecord &) { return {TrackKind::Overhead, 0, 0}; }

NameId name_of(const KernelRecord &kernel) { return kernel.name; }
NameId name_of(const ApiRecord &call) { return call.name; }
NameId name_of(const CopyRecord &) { return {}; }
NameId name_of(const OverheadRecord &overhead) { return overhead.kind; }

// Where items come one by one: as long as they are in order they go to their track; from the first late
// one on they wait, and are put in order together.
struct Lane {
    TimelineRows *track = nullptr;
    std::vector<TimelineItem> waiting;

    void put(const TimelineItem &item) {
        if (!waiting.empty() || !track->append(item))
            waiting.push_back(item);
    }
};

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
        return key.a == 0 ? fmt::format("Copies, stream {}", key.b)
                          : fmt::format("GPU {}, copies of {}", key.a, key.b);
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

void TimeSpan::add(const TimeSpan &other) {
    start_ns = std::min(start_ns, other.start_ns);
    end_ns = std::max(end_ns, other.end_ns);
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
template <typename Record> void TimelineBuilder::note_tag(const Record &record, Found &found) const {
    if constexpr (requires { record.tag; }) {
        const Tag tag = record.tag;
        if (!tag.measurement.valid() || tag.measurement.value >= slots_.size())
            return;
        const std::int64_t start = sane(record.start_ns), end = sane(record.end_ns);
        if (tag.repetition == kSampledRepetition)
            return found.sampled[tag.measurement].add(start, end);
        found.measurements[tag.measurement].add(start, end);
        if (!std::is_same_v<Record, KernelRecord> || tag.repetition < 0)
            return;
        const std::uint64_t key = key_of(tag.measurement.value, std::uint32_t(tag.repetition));
        if (found.repetitions.empty() || found.repetitions.back().first != key)
            found.repetitions.emplace_back(key, TimeSpan{});
        found.repetitions.back().second.add(start, end);
    }
}

template <typename Records>
TimelineBuilder::Found TimelineBuilder::add_records(const Records &records, std::size_t from, std::mutex &tracks) {
    Found found;
    std::map<TrackKey, Lane> lanes;
    Lane *lane = nullptr;
    TrackKey last;
    for (std::size_t i = from; i < records.size(); ++i) {
        const auto &record = records[i];
        const TrackKey key = track_of(record);
        if (!lane || key != last) {
            lane = &lanes[last = key];
            if (!lane->track) {
                const std::scoped_lock lock(tracks);
                lane->track = &tracks_[key]; // no track moves when another one comes
            }
        }
        const std::int64_t start = sane(record.start_ns), end = std::max(start, sane(record.end_ns));
        TimelineItem item{start, end, std::uint32_t(i), name_of(record).value};
        if constexpr (std::is_same_v<std::decay_t<decltype(record)>, KernelRecord>)
            item.slot = slot_of(record.tag);
        item.match = !query_.empty() && matches_query(key.kind, item);
        lane->put(item);
        found.extent.add(start, end);
        note_tag(record, found);
    }
    for (auto &[key, each] : lanes)
        each.track->add(std::move(each.waiting));
    return found;
}

// Each kind has tracks of its own: many records are put on them at once.
std::vector<TimelineBuilder::Found> TimelineBuilder::add_new_records(const Session &session) {
    constexpr std::size_t kMany = 100'000;
    const auto policy = missing(session) > kMany ? std::launch::async : std::launch::deferred;
    std::mutex tracks;
    const auto begin = [&](const auto &records, std::size_t from) {
        return std::async(policy, [this, &records, from, &tracks] { return add_records(records, from, tracks); });
    };
    std::array tasks{begin(session.kernels, seen_.kernels), begin(session.api_calls, seen_.api),
                     begin(session.copies, seen_.copies), begin(session.overheads, seen_.overheads)};
    std::vector<Found> found;
    for (std::future<Found> &task : tasks)
        found.push_back(task.get());
    return found;
}

TimelineBuilder::Changes TimelineBuilder::changed_measurements(const std::vector<Found> &found) {
    std::map<MeasurementId, TimeSpan> touched;
    for (const Found &each : found)
        for (const auto &[id, span] : each.measurements)
            touched[id].add(span);
    Changes changes;
    for (const auto &[id, span] : touched) {
        TimeSpan &now = measurements_[id.value];
        const TimeSpan before = now;
        now.add(span);
        changes.push_back({key_of(id.value, 0), before, now});
    }
    return changes;
}

// Those that the track shows of measurements which have changed.
TimelineBuilder::Spans TimelineBuilder::shown_repetitions(const Changes &measurements) const {
    Spans shown;
    const auto track = tracks_.find({TrackKind::Repetitions, 0, 0});
    if (track == tracks_.end())
        return shown;
    for (const Change &measurement : measurements) {
        if (measurement.before.empty())
            continue;
        for (const TimelineRow &row : track->second.rows())
            for (std::size_t i = row.first_starting_at(measurement.before.start_ns);
                 i < row.size() && row[i].start_ns <= measurement.before.end_ns; ++i)
                if (row[i].ref == measurement_of(measurement.key))
                    shown[key_of(row[i].ref, row[i].name)] = {row[i].start_ns, row[i].end_ns};
    }
    return shown;
}

TimelineBuilder::Changes TimelineBuilder::changed_repetitions(Found::Repetitions found,
                                                              const Changes &measurements) const {
    const Spans shown = shown_repetitions(measurements);
    constexpr auto key_of_found = &Found::Repetitions::value_type::first;
    if (!std::ranges::is_sorted(found, {}, key_of_found))
        std::ranges::stable_sort(found, {}, key_of_found);
    Changes changes;
    changes.reserve(found.size());
    for (const auto &[key, span] : found) {
        if (changes.empty() || changes.back().key != key) {
            const auto before = shown.find(key);
            const TimeSpan was = before != shown.end() ? before->second : TimeSpan{};
            changes.push_back({key, was, was});
        }
        changes.back().now.add(span);
    }
    return changes;
}

// Spans that have changed are taken off their track as they were and put on as they are.
void TimelineBuilder::change_spans(TrackKind kind, const Changes &changes) {
    if (changes.empty())
        return;
    Lane lane{&tracks_[{kind, 0, 0}], {}};
    std::int64_t from = INT64_MAX;
    std::unordered_set<std::uint64_t> gone;
    for (const Change &change : changes)
        if (!change.before.empty()) {
            from = std::min(from, change.before.start_ns);
            gone.insert(change.key);
        }
    if (!gone.empty()) {
        lane.waiting = lane.track->pop_from(from);
        std::erase_if(lane.waiting,
                      [&](const TimelineItem &item) { return gone.contains(key_of(item.ref, item.name)); });
    }
    for (const Change &change : changes) {
        const std::uint32_t measurement = measurement_of(change.key);
        TimelineItem item{change.now.start_ns, change.now.end_ns, measurement, std::uint32_t(change.key),
                          slots_[measurement]};
        item.match = matches_query(kind, item);
        lane.put(item);
    }
    lane.track->add(std::move(lane.waiting));
}

void TimelineBuilder::add_runs(const Session &session, const Changes &measurements) {
    for (const Change &change : measurements)
        runs_[session.measurements[measurement_of(change.key)].run].add(change.now);
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
    note_measurements(session);
    note_matches(session);
    std::vector<Found> found = add_new_records(session);
    for (const Found &each : found) {
        extent_.add(each.extent);
        for (const auto &[id, span] : each.sampled)
            sampled_[id].add(span);
    }
    const Changes measurements = changed_measurements(found);
    add_runs(session, measurements);
    change_spans(TrackKind::Measurements, measurements);
    change_spans(TrackKind::Repetitions,
                 changed_repetitions(std::move(found.front().repetitions), measurements));
    counters_.update(session, [&](RunId run, std::int64_t start_ns, std::int64_t end_ns) {
        extent_.add(sane(start_ns), sane(end_ns));
        runs_[run].add(sane(start_ns), sane(end_ns));
    });
    add_memory(session);
    remember(session);
}

TimeSpan TimelineModel::span_of(MeasurementId measurement) const {
    const auto found = measurements_.find(measurement.value);
    return measurement.valid() && found != measurements_.end() ? found->second : TimeSpan{};
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

std::size_t TimelineModel::matches_until(std::int64_t time_ns) const {
    std::size_t count = 0;
    for (const auto &[key, track] : tracks_)
        for (const TimelineRow &row : track.rows())
            count += row.matches_before(row.first_starting_at(time_ns + 1));
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
