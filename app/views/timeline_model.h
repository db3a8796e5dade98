// A session as tracks of a timeline. Grows with the session: update() looks only at what is new.
#pragma once

#include "app/views/timeline_counters.h"
#include "app/views/timeline_index.h"
#include "profiler/session/session.h"

#include <map>
#include <mutex>
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
std::string label_of(const Session &session, const TrackKey &key); // with its rank, where there are several

struct TimeSpan {
    std::int64_t start_ns = INT64_MAX, end_ns = INT64_MIN;
    bool empty() const { return start_ns > end_ns; }
    void add(std::int64_t start, std::int64_t end);
    void add(const TimeSpan &other);
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

// What is drawn. A copy shares the rows: cheap enough to be made of every session that comes in.
class TimelineModel {
  public:
    // Whether a session has at least what the model shows: then every item's record is in it.
    bool continues(const Session &session) const;
    // Records of a session that the model does not show yet.
    std::size_t missing(const Session &session) const;

    const std::map<TrackKey, TimelineRows> &tracks() const { return tracks_; }
    const TimelineCounters &counters() const { return counters_; }
    TimeSpan extent() const { return extent_; }
    TimeSpan span_of(MeasurementId measurement) const;         // of its timing
    TimeSpan sampled_span_of(MeasurementId measurement) const; // of its launches that were sampled
    TimeSpan span_of(const Session &session, RunId run) const;
    // Times are shown from here on: the earliest record there is.
    std::int64_t origin_ns() const { return extent_.empty() ? 0 : extent_.start_ns; }

    std::size_t matches() const; // of the search
    std::size_t matches_until(std::int64_t time_ns) const; // that start then or before
    // The matching item that starts next after / last before a time, over all tracks.
    std::optional<TimelineHit> match_after(std::int64_t time_ns) const;
    std::optional<TimelineHit> match_before(std::int64_t time_ns) const;

    std::optional<TimelinePlace> find(const TimelineHit &hit) const;
    std::optional<TimelineHit> hit_of_kernel(const Session &session, std::size_t kernel) const;
    std::optional<TimelineHit> hit_of_api(const Session &session, std::size_t call) const;
    // The launch of a kernel, and the kernel of a launch, by correlation; nothing where there is none
    // among the `most` nearest calls before it, or kernels after it, of each row.
    std::optional<std::size_t> launch_of(const Session &session, std::size_t kernel,
                                         std::size_t most = kLaunchesAhead) const;
    std::optional<std::size_t> kernel_of(const Session &session, std::size_t call,
                                         std::size_t most = kLaunchesAhead) const;
    // No queue is as deep: CUDA's own holds some thousand launches.
    static constexpr std::size_t kLaunchesAhead = 1 << 16;

  protected:
    struct Seen {
        std::size_t kernels = 0, api = 0, copies = 0, memory = 0, overheads = 0;
    };

    std::map<TrackKey, TimelineRows> tracks_;
    TimeSpan extent_;
    std::unordered_map<std::uint32_t, TimeSpan> measurements_;
    std::map<MeasurementId, TimeSpan> sampled_;
    std::map<RunId, TimeSpan> runs_; // everything of each run
    TimelineCounters counters_;
    Seen seen_;
    KernelRecord last_kernel_;
    ApiRecord last_call_;
};

// Makes one, and keeps what only the making needs.
class TimelineBuilder : public TimelineModel {
  public:
    // A session that does not continue the last one starts afresh.
    void update(const Session &session);
    // Marks items by name, or by "operator/variant" for measurements; "" for none. Ignores case.
    void search(const Session &session, std::string_view query);

  private:
    // What records of one kind say beside their own items.
    struct Found {
        TimeSpan extent;
        std::map<MeasurementId, TimeSpan> measurements, sampled;
        using Repetitions = std::vector<std::pair<std::uint64_t, TimeSpan>>; // by their key, in the records' order
        Repetitions repetitions;
    };
    // A span as the track has it, empty where it has none, and as it is now.
    struct Change {
        std::uint64_t key = 0;
        TimeSpan before, now;
    };
    using Changes = std::vector<Change>; // each key once

    void note_measurements(const Session &session);
    void note_matches(const Session &session);
    bool matches_query(TrackKind kind, const TimelineItem &item) const;
    template <typename Records> Found add_records(const Records &records, std::size_t from, std::mutex &tracks);
    template <typename Record> void note_tag(const Record &record, Found &found) const;
    std::vector<Found> add_new_records(const Session &session);
    Changes changed_measurements(const std::vector<Found> &found);
    using Spans = std::unordered_map<std::uint64_t, TimeSpan>;
    Spans shown_repetitions(const Changes &measurements) const;
    Changes changed_repetitions(Found::Repetitions found, const Changes &measurements) const;
    void change_spans(TrackKind kind, const Changes &changes);
    void add_runs(const Session &session, const Changes &measurements);
    void add_memory(const Session &session);
    void remember(const Session &session);
    std::uint8_t slot_of(Tag tag) const;

    std::vector<std::pair<std::int64_t, std::int64_t>> ledger_; // (time, bytes), by time
    std::int64_t allocated_bytes_ = 0;                           // after all of them
    std::vector<std::uint8_t> slots_; // of each measurement
    std::string query_;
    std::vector<bool> name_matches_, measurement_matches_;
};

} // namespace moescope
