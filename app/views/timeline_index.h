// A row of a timeline track: spans that do not overlap, in order of time, with what is needed to
// draw any stretch of it in time proportional to the pixels, not to the spans. A copy shares what it
// can, so that one may be drawn while another grows.
#pragma once

#include "profiler/base/chunked_vector.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace moescope {

// Colour slots: the theme's eight series, and one for what belongs to no variant.
inline constexpr std::size_t kTimelineSlots = 9;
inline constexpr std::uint8_t kNeutralSlot = 8;

struct TimelineItem {
    std::int64_t start_ns = 0, end_ns = 0;
    std::uint32_t ref = 0;  // index of the record, or of the measurement
    std::uint32_t name = 0; // NameId of the record, or the repetition
    std::uint8_t slot = kNeutralSlot;
    bool match = false; // of the search
    friend bool operator==(const TimelineItem &, const TimelineItem &) = default;
};

// Items that are drawn as one rectangle: a single one, or neighbours that share a pixel.
struct TimelineBar {
    std::int64_t start_ns = 0, end_ns = 0; // of the first and of the last item
    std::size_t first = 0, count = 0;      // items [first, first + count) of the row
    std::int64_t busy_ns = 0;              // sum of the items' durations
    std::uint8_t slot = kNeutralSlot;      // that has most of the time; the lowest of equals
    std::uint32_t matches = 0;
    friend bool operator==(const TimelineBar &, const TimelineBar &) = default;
};

class TimelineRow {
  public:
    std::size_t size() const { return items_.size(); }
    bool empty() const { return items_.empty(); }
    TimelineItem operator[](std::size_t index) const { return items_[index].item(); }
    TimelineItem back() const { return items_.back().item(); }
    std::uint32_t matches() const { return before_end_.matches; }

    // item.start_ns >= back().end_ns.
    void push(const TimelineItem &item);
    // Takes the items that start at or after a time off the end of the row.
    void pop_from(std::int64_t time_ns, std::vector<TimelineItem> &taken);
    // Asks again which items match; `matches(item)` decides.
    template <typename Predicate> void match(const Predicate &matches) {
        const auto items = std::move(items_);
        clear();
        for (const Packed &each : items) {
            TimelineItem item = each.item();
            item.match = matches(item);
            push(item);
        }
    }

    // Index of the first item that ends after / starts at or after a time; size() if none.
    std::size_t first_ending_after(std::int64_t time_ns) const;
    std::size_t first_starting_at(std::int64_t time_ns) const;
    // The start or end of an item that is nearest to a time, where one is within reach.
    std::optional<std::int64_t> edge_near(std::int64_t time_ns, std::int64_t reach_ns) const;
    // The first matching item at or after an index, the last one before it; size() if none.
    std::size_t next_match(std::size_t index) const;
    std::size_t previous_match(std::size_t index) const;
    std::size_t matches_before(std::size_t index) const { return sum_before(index).matches; }

    // What to draw of [start, end) on that many pixels: at most about two bars a pixel. An item as
    // long as a pixel is a bar of its own. The times are after an origin: epoch times are too large
    // for a double to tell nanoseconds apart.
    std::vector<TimelineBar> bars(double start_ns, double end_ns, int pixels, std::int64_t origin_ns = 0) const;

  private:
    // As it is kept: a session has millions of them. Nothing lasts longer than nine years.
    struct Packed {
        std::int64_t start_ns = 0;
        std::uint64_t duration_ns : 58, slot : 4, match : 1;
        std::uint32_t ref = 0, name = 0;
        explicit Packed(const TimelineItem &item);
        TimelineItem item() const {
            return {start_ns, end_ns(), ref, name, std::uint8_t(slot), match != 0};
        }
        std::int64_t end_ns() const { return start_ns + std::int64_t(duration_ns); }
    };
    static_assert(sizeof(Packed) == 24);
    static constexpr std::size_t kBlock = 16;
    struct Sum {
        std::array<std::int64_t, kTimelineSlots> busy_ns{};
        std::uint32_t matches = 0;
        void add(const Packed &item);
    };
    void clear();
    Sum sum_before(std::size_t index) const;
    TimelineBar bar_of(std::size_t first, std::size_t last) const;
    std::size_t gallop(std::size_t from, std::int64_t start_ns) const;

    ChunkedVector<Packed, 512> items_;
    ChunkedVector<Sum, 128> before_block_; // of all items before each block of kBlock
    Sum before_end_;                // of all items
};

// Rows that take overlapping items: each goes to the first row that is free.
class TimelineRows {
  public:
    const std::vector<TimelineRow> &rows() const { return rows_; }
    std::vector<TimelineRow> &rows() { return rows_; }
    // Items may come in any order, also earlier than those already there.
    void add(std::vector<TimelineItem> items);
    // One that comes after all that are there; false, and nothing is done, where it does not.
    bool append(TimelineItem item);
    // Takes off all items that start at or after a time.
    std::vector<TimelineItem> pop_from(std::int64_t time_ns);
    // Items that found no free row and were drawn later than they ran.
    std::size_t squeezed() const { return squeezed_; }

    static constexpr std::size_t kMostRows = 32;

  private:
    using Order = std::pair<std::int64_t, std::int64_t>; // start, then end
    static Order order_of(const TimelineItem &item) { return {item.start_ns, item.end_ns}; }
    void place(TimelineItem item);
    std::vector<TimelineRow> rows_;
    Order latest_{INT64_MIN, INT64_MIN}; // none there is later
    std::size_t squeezed_ = 0;
};

} // namespace moescope
