// Quantities over time for the timeline: counters that were sampled, what the device said of its clocks,
// temperature and power, and what was allocated on it. Grows with the session, as the timeline's other tracks do.
#pragma once

#include "app/charts/scale.h"
#include "profiler/session/session.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace moescope {

struct CounterSample {
    std::int64_t start_ns = 0, end_ns = 0;
    double value = 0; // as it is shown: bytes by the second
    std::uint32_t reasons = 0; // clock event reasons, of a clock
    friend bool operator==(const CounterSample &, const CounterSample &) = default;
};

// Samples by time that do not overlap, with what is needed to draw any stretch in time proportional to
// the pixels.
class CounterSeries {
  public:
    using Samples = ChunkedVector<CounterSample, 512>;
    // The one before ends where this one begins. May lie before earlier ones, at a price.
    void add(const CounterSample &sample);
    const Samples &samples() const { return samples_; }
    std::optional<CounterSample> at(std::int64_t time_ns) const;

    // What is drawn of a stretch in about `columns` pixels: each sample by itself where they are wide
    // enough, otherwise the lowest and highest of those that begin in the same column.
    struct Piece {
        std::int64_t start_ns = 0, end_ns = 0;
        double low = 0, high = 0;
        std::uint32_t reasons = 0; // of any
        std::size_t count = 0;     // samples
        friend bool operator==(const Piece &, const Piece &) = default;
    };
    std::vector<Piece> pieces(std::int64_t start_ns, std::int64_t end_ns, int columns) const;

  private:
    static constexpr std::size_t kBlock = 16;
    std::size_t first_ending_after(std::int64_t time_ns) const;
    std::size_t first_starting_at(std::size_t from, std::int64_t time_ns) const;
    Piece merged(std::size_t first, std::size_t last) const; // [first, last), not empty

    Samples samples_;
    // Of every full kBlock samples, of every full kBlock of those, and so on.
    std::array<ChunkedVector<Piece, 128>, 5> blocks_;
};

enum class CounterKind : std::uint8_t { Sampled, SmClock, Power, Temperature, Allocated };

struct CounterKey {
    CounterKind kind = CounterKind::Sampled;
    std::uint32_t device = 0;
    NameId metric; // of Sampled
    friend auto operator<=>(const CounterKey &, const CounterKey &) = default;
};

class TimelineCounters {
  public:
    // Whether the session has at least what was seen.
    bool continues(const Session &session) const;
    std::size_t missing(const Session &session) const { // what was not seen
        return session.pm_samples.size() - seen_samples_ + session.device_states.size() - seen_states_;
    }
    // Calls touched(run, start, end) for each new sample.
    template <typename Touched> void update(const Session &session, Touched touched) {
        for (std::size_t i = seen_samples_; i < session.pm_samples.size(); ++i)
            touched(session.pm_samples[i].run, session.pm_samples[i].start_ns, session.pm_samples[i].end_ns);
        for (std::size_t i = seen_states_; i < session.device_states.size(); ++i)
            touched(session.device_states[i].run, session.device_states[i].time_ns, session.device_states[i].time_ns);
        add_new(session);
    }
    // What is allocated, afresh: bytes from each time to the next.
    void set_allocated(CounterSeries series) { series_[{CounterKind::Allocated, 0, {}}] = std::move(series); }
    void add_allocated(const CounterSample &sample) { series_[{CounterKind::Allocated, 0, {}}].add(sample); }
    const std::map<CounterKey, CounterSeries> &series() const { return series_; }
    // The first sampled stretch that ends after a time: up to the next pause.
    std::optional<std::pair<std::int64_t, std::int64_t>> stretch_after(std::int64_t time_ns) const;

  private:
    void add_new(const Session &session);
    void add_stretch(std::int64_t start_ns, std::int64_t end_ns);

    std::vector<std::pair<std::int64_t, std::int64_t>> stretches_; // by time, pauses between them
    std::map<CounterKey, CounterSeries> series_;
    std::size_t seen_samples_ = 0, seen_states_ = 0;
};

// How a series is called and what its numbers mean.
struct CounterWords {
    std::string title, unit, explain;
    std::optional<double> most; // of the scale: 100 %
    bool from_zero = true;
};
CounterWords words_of(const Session &session, const CounterKey &key);
std::string counter_text(const CounterWords &words, double value); // "1,980 MHz", "87.1 %", "3.92 TB/s"

std::string range_text(const CounterWords &words, charts::Range range); // "0 – 100 %", "1,783 – 1,981 MHz"

// The scale of what is in sight.
charts::Range counter_range(const CounterWords &words, std::span<const CounterSeries::Piece> pieces);

} // namespace moescope
