// A session as tracks of a timeline. Grows with the session: update() looks only at what is new.
#pragma once

#include "app/charts/series.h"
#include "app/views/timeline_counters.h"
#include "app/views/timeline_index.h"
#include "profiler/session/session.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace moescope {

enum class TrackKind : std::uint8_t { Measurements, Repetitions, Api, Kernels, Copies, Overhead };

struct TrackKey {
    TrackKind kind = TrackKind::Kernels;
    std::uint32_t a = 0, b = 0; // process and thread, or device and stream
    friend auto operator<=>(const TrackKey &, const TrackKey &) = default;
};
std::string label_of(const TrackKey &key); // "stream 7", "thread 4712"

struct TimeSpan {
    std::int64_t start_ns = INT64_MAX, end_ns = INT64_MIN;
    bool empty() const { return start_ns > end_ns; }
    void add(std::int64_t start, std::int64_t end);
    friend bool operator==(const TimeSpan &, const TimeSpan &) = default;
};

// One item of the timeline, findable again after the rows have changed.
struct TimelineHit {
    TrackKey track;
    std::uint32_t ref = 0, name = 0;
    std::int64_t start_ns = 0;
    friend bool operator==(const TimelineHit &, const TimelineHit &) = default;
};
struct TimelinePlace {
    std::size_t row = 0, index = 0;
};

class TimelineModel {
  public:
    // A session that does not continue the last one starts afresh.
    void update(const Session &session);

    const std::map<TrackKey, TimelineRows> &tracks() const { return tracks_; }
    const std::vector<charts::Point> &memory() const {
        return memory_;
    } // x: epoch ns - origin, y: bytes
    const TimelineCounters &counters() const { return counters_; }
    TimeSpan extent() const { return extent_; }
    TimeSpan span_of(MeasurementId measurement) const;         // of its timing
    TimeSpan sampled_span_of(MeasurementId measurement) const; // of its launches that were sampled
    TimeSpan span_of(const Session &session, RunId run) const;
    // Times are shown from here on: the earliest record there is.
    std::int64_t origin_ns() const { return extent_.empty() ? 0 : extent_.start_ns; }

    // Marks items by name, or by "operator/variant" for measurements; "" for none. Ignores case.
    void search(const Session &session, std::string_view query);
    std::size_t matches() const;
    // The matching item that starts next after / last before a time, over all tracks.
    std::optional<TimelineHit> match_after(std::int64_t time_ns) const;
    std::optional<TimelineHit> match_before(std::int64_t time_ns) const;

    std::optional<TimelinePlace> find(const TimelineHit &hit) const;
    std::optional<TimelineHit> hit_of_kernel(const Session &session, std::size_t kernel) const;
    std::optional<TimelineHit> hit_of_api(const Session &session, std::size_t call) const;

  private:
    using Pending = std::map<TrackKey, std::vector<TimelineItem>>;
    struct Seen {
        std::size_t kernels = 0, api = 0, copies = 0, memory = 0, overheads = 0;
    };

    bool continues(const Session &session) const;
    void note_measurements(const Session &session);
    void note_matches(const Session &session);
    bool matches(TrackKind kind, const TimelineItem &item) const;
    void collect(const Session &session, Pending &pending);
    void touch(Tag tag, std::int64_t start_ns, std::int64_t end_ns, bool in_repetition);
    void add_spans(TrackKind kind, std::unordered_map<std::uint64_t, TimeSpan> &spans,
                   std::unordered_map<std::uint64_t, TimeSpan> &before);
    void add_memory(const Session &session);
    void remember(const Session &session);
    std::uint8_t slot_of(Tag tag) const;

    std::map<TrackKey, TimelineRows> tracks_;
    std::vector<charts::Point> memory_;
    std::vector<std::pair<std::int64_t, std::int64_t>> ledger_; // (time, bytes), by time
    std::int64_t memory_origin_ns_ = 0;
    TimeSpan extent_;
    // By measurement << 32 | repetition (0 for whole measurements); `before`: as they were before
    // this update, of those it has touched.
    std::unordered_map<std::uint64_t, TimeSpan> measurements_, repetitions_, measurements_before_,
        repetitions_before_;
    std::map<MeasurementId, TimeSpan> sampled_;
    std::map<RunId, TimeSpan> watched_; // samples and states of each run
    TimelineCounters counters_;
    std::vector<std::uint8_t> slots_; // of each measurement
    Seen seen_;
    KernelRecord last_kernel_;
    ApiRecord last_call_;
    std::string query_;
    std::vector<bool> name_matches_, measurement_matches_;
};

// The launch of a kernel, and the kernel of a launch, by correlation; nothing where there is none.
std::optional<std::size_t> launch_of(const Session &session, std::size_t kernel);
std::optional<std::size_t> kernel_of(const Session &session, std::size_t call);

} // namespace moescope
