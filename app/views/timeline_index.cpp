#include "app/views/timeline_index.h"

#include <algorithm>
#include <cmath>

namespace moescope {

void TimelineRow::Sum::add(const TimelineItem &item) {
    busy_ns[item.slot] += item.end_ns - item.start_ns;
    matches += item.match;
}

void TimelineRow::clear() {
    items_.clear();
    before_block_.clear();
    before_end_ = {};
}

void TimelineRow::push(const TimelineItem &item) {
    if (items_.size() % kBlock == 0)
        before_block_.push_back(before_end_);
    items_.push_back(item);
    before_end_.add(item);
}

void TimelineRow::pop_from(std::int64_t time_ns, std::vector<TimelineItem> &taken) {
    const std::size_t keep = first_starting_at(time_ns);
    if (keep == items_.size())
        return;
    taken.insert(taken.end(), items_.begin() + std::ptrdiff_t(keep), items_.end());
    before_end_ = sum_before(keep);
    items_.resize(keep);
    before_block_.resize((keep + kBlock - 1) / kBlock);
}

std::size_t TimelineRow::first_ending_after(std::int64_t time_ns) const {
    return std::size_t(
        std::partition_point(items_.begin(), items_.end(),
                             [&](const TimelineItem &item) { return item.end_ns <= time_ns; }) -
        items_.begin());
}

std::size_t TimelineRow::first_starting_at(std::int64_t time_ns) const {
    return std::size_t(
        std::partition_point(items_.begin(), items_.end(),
                             [&](const TimelineItem &item) { return item.start_ns < time_ns; }) -
        items_.begin());
}

// As first_starting_at from an index on: doubling steps first, since the answer is mostly near.
std::size_t TimelineRow::gallop(std::size_t from, std::int64_t start_ns) const {
    std::size_t step = 1;
    while (from + step < items_.size() && items_[from + step].start_ns < start_ns) {
        from += step;
        step *= 2;
    }
    const auto begin = items_.begin() + std::ptrdiff_t(from);
    const auto end = items_.begin() + std::ptrdiff_t(std::min(from + step, items_.size()));
    return std::size_t(
        std::partition_point(begin, end,
                             [&](const TimelineItem &item) { return item.start_ns < start_ns; }) -
        items_.begin());
}

TimelineRow::Sum TimelineRow::sum_before(std::size_t index) const {
    if (index == items_.size())
        return before_end_;
    Sum sum = before_block_[index / kBlock];
    for (std::size_t i = index / kBlock * kBlock; i < index; ++i)
        sum.add(items_[i]);
    return sum;
}

TimelineBar TimelineRow::bar_of(std::size_t first, std::size_t last) const {
    TimelineBar bar{items_[first].start_ns, items_[last - 1].end_ns, first, last - first};
    if (bar.count == 1) {
        bar.busy_ns = bar.end_ns - bar.start_ns;
        bar.slot = items_[first].slot;
        bar.matches = items_[first].match;
        return bar;
    }
    const Sum before = sum_before(first), after = sum_before(last);
    std::int64_t most = -1;
    for (std::size_t slot = 0; slot < kTimelineSlots; ++slot) {
        const std::int64_t busy = after.busy_ns[slot] - before.busy_ns[slot];
        bar.busy_ns += busy;
        if (busy > most) {
            most = busy;
            bar.slot = std::uint8_t(slot);
        }
    }
    bar.matches = after.matches - before.matches;
    return bar;
}

std::vector<TimelineBar> TimelineRow::bars(double start_ns, double end_ns, int pixels) const {
    std::vector<TimelineBar> result;
    const double pixel_ns = (end_ns - start_ns) / std::max(1, pixels);
    if (!(pixel_ns > 0))
        return result;
    std::size_t i = first_ending_after(std::int64_t(std::floor(start_ns)));
    while (i < items_.size() && double(items_[i].start_ns) < end_ns) {
        const TimelineItem &item = items_[i];
        std::size_t next = i + 1;
        if (double(item.end_ns - item.start_ns) < pixel_ns) {
            const double column = std::floor((double(item.start_ns) - start_ns) / pixel_ns);
            const double column_end = start_ns + (column + 1) * pixel_ns;
            next = std::max(next, gallop(i, std::int64_t(std::ceil(column_end))));
            const TimelineItem &last = items_[next - 1];
            if (next - 1 > i && double(last.end_ns - last.start_ns) >= pixel_ns)
                --next;
        }
        result.push_back(bar_of(i, next));
        i = next;
    }
    return result;
}

std::size_t TimelineRow::next_match(std::size_t index) const {
    while (index < items_.size() && index % kBlock != 0 && !items_[index].match)
        ++index;
    if (index >= items_.size() || items_[index].match)
        return std::min(index, items_.size());
    // The first block boundary with more matches before it than there are before `index`.
    const std::uint32_t before = before_block_[index / kBlock].matches;
    const auto block = std::partition_point(before_block_.begin() + std::ptrdiff_t(index / kBlock),
                                            before_block_.end(),
                                            [&](const Sum &sum) { return sum.matches == before; });
    index = std::size_t(block - before_block_.begin() - 1) * kBlock;
    while (index < items_.size() && !items_[index].match)
        ++index;
    return index;
}

std::size_t TimelineRow::previous_match(std::size_t index) const {
    const std::uint32_t wanted = sum_before(std::min(index, items_.size())).matches;
    if (wanted == 0)
        return items_.size();
    // The last block with fewer matches before it holds the match.
    const auto block = std::partition_point(before_block_.begin(), before_block_.end(),
                                            [&](const Sum &sum) { return sum.matches < wanted; });
    std::size_t at = std::min(std::size_t(block - before_block_.begin()) * kBlock, items_.size());
    at = std::min(at, index);
    while (!items_[--at].match) {
    }
    return at;
}

std::vector<TimelineItem> TimelineRows::pop_from(std::int64_t time_ns) {
    std::vector<TimelineItem> taken;
    for (TimelineRow &row : rows_)
        row.pop_from(time_ns, taken);
    latest_start_ns_ = std::min(latest_start_ns_, time_ns);
    return taken;
}

void TimelineRows::add(std::vector<TimelineItem> items) {
    if (items.empty())
        return;
    std::int64_t earliest = INT64_MAX;
    for (TimelineItem &item : items) {
        item.end_ns = std::max(item.start_ns, item.end_ns);
        earliest = std::min(earliest, item.start_ns);
    }
    if (earliest < latest_start_ns_) {
        const auto taken = pop_from(earliest);
        items.insert(items.end(), taken.begin(), taken.end());
    }
    std::stable_sort(items.begin(), items.end(), [](const TimelineItem &a, const TimelineItem &b) {
        return a.start_ns != b.start_ns ? a.start_ns < b.start_ns : a.end_ns < b.end_ns;
    });
    for (const TimelineItem &item : items)
        place(item);
    latest_start_ns_ = std::max(latest_start_ns_, items.back().start_ns);
    while (!rows_.empty() && rows_.back().empty())
        rows_.pop_back();
}

void TimelineRows::place(TimelineItem item) {
    for (TimelineRow &row : rows_)
        if (row.empty() || row.back().end_ns <= item.start_ns)
            return row.push(item);
    if (rows_.size() < kMostRows)
        return rows_.emplace_back().push(item);
    ++squeezed_;
    item.start_ns = rows_.back().back().end_ns;
    item.end_ns = std::max(item.start_ns, item.end_ns);
    rows_.back().push(item);
}

} // namespace moescope
