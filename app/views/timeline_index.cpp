#include "app/views/timeline_index.h"

#include "app/views/bisect.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace moescope {

TimelineRow::Packed::Packed(const TimelineItem &item)
    : start_ns(item.start_ns),
      duration_ns(std::uint64_t(std::clamp<std::int64_t>(item.end_ns - item.start_ns, 0, (std::int64_t(1) << 58) - 1))),
      slot(item.slot), match(item.match), ref(item.ref), name(item.name) {}

void TimelineRow::Sum::add(const Packed &item) {
    busy_ns[item.slot] += std::int64_t(item.duration_ns);
    matches += item.match;
}

void TimelineRow::clear() {
    items_ = {};
    before_block_ = {};
    before_end_ = {};
}

void TimelineRow::push(const TimelineItem &item) {
    if (items_.size() % kBlock == 0)
        before_block_.push_back(before_end_);
    const Packed packed(item);
    items_.push_back(packed);
    before_end_.add(packed);
}

void TimelineRow::pop_from(std::int64_t time_ns, std::vector<TimelineItem> &taken) {
    const std::size_t keep = first_starting_at(time_ns);
    if (keep == items_.size())
        return;
    for (std::size_t i = keep; i < items_.size(); ++i)
        taken.push_back(items_[i].item());
    before_end_ = sum_before(keep);
    items_.truncate(keep);
    before_block_.truncate((keep + kBlock - 1) / kBlock);
}

std::size_t TimelineRow::first_ending_after(std::int64_t time_ns) const {
    return bisect(0, items_.size(), [&](std::size_t i) { return items_[i].end_ns() <= time_ns; });
}

std::size_t TimelineRow::first_starting_at(std::int64_t time_ns) const {
    return bisect(0, items_.size(), [&](std::size_t i) { return items_[i].start_ns < time_ns; });
}

std::optional<std::int64_t> TimelineRow::edge_near(std::int64_t time_ns, std::int64_t reach_ns) const {
    std::optional<std::int64_t> best;
    const auto consider = [&](std::int64_t edge_ns) {
        const std::int64_t distance = std::abs(edge_ns - time_ns);
        if (distance <= reach_ns && (!best || distance < std::abs(*best - time_ns)))
            best = edge_ns;
    };
    const std::size_t at = first_ending_after(time_ns); // round it are all edges that may be nearest
    for (std::size_t i = at == 0 ? 0 : at - 1; i < std::min(at + 2, items_.size()); ++i) {
        consider(items_[i].start_ns);
        consider(items_[i].end_ns());
    }
    return best;
}

// As first_starting_at from an index on: doubling steps first, since the answer is mostly near.
std::size_t TimelineRow::gallop(std::size_t from, std::int64_t start_ns) const {
    std::size_t step = 1;
    while (from + step < items_.size() && items_[from + step].start_ns < start_ns) {
        from += step;
        step *= 2;
    }
    return bisect(from, std::min(from + step, items_.size()),
                  [&](std::size_t i) { return items_[i].start_ns < start_ns; });
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
    TimelineBar bar{items_[first].start_ns, items_[last - 1].end_ns(), first, last - first};
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

std::vector<TimelineBar> TimelineRow::bars(double start_ns, double end_ns, int pixels,
                                           std::int64_t origin_ns) const {
    std::vector<TimelineBar> result;
    const double pixel_ns = (end_ns - start_ns) / std::max(1, pixels);
    if (!(pixel_ns > 0))
        return result;
    const auto after_origin = [&](std::int64_t time_ns) { return double(time_ns - origin_ns); };
    std::size_t i = first_ending_after(std::int64_t(std::floor(start_ns)) + origin_ns);
    while (i < items_.size() && after_origin(items_[i].start_ns) < end_ns) {
        const Packed &item = items_[i];
        std::size_t next = i + 1;
        if (double(item.duration_ns) < pixel_ns) {
            const double column = std::floor((after_origin(item.start_ns) - start_ns) / pixel_ns);
            const double column_end = start_ns + (column + 1) * pixel_ns;
            next = std::max(next, gallop(i, std::int64_t(std::ceil(column_end)) + origin_ns));
            if (next - 1 > i && double(items_[next - 1].duration_ns) >= pixel_ns)
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
    const std::size_t block =
        bisect(index / kBlock, before_block_.size(),
               [&](std::size_t i) { return before_block_[i].matches == before; });
    index = (block - 1) * kBlock;
    while (index < items_.size() && !items_[index].match)
        ++index;
    return index;
}

std::size_t TimelineRow::previous_match(std::size_t index) const {
    const std::uint32_t wanted = sum_before(std::min(index, items_.size())).matches;
    if (wanted == 0)
        return items_.size();
    // The last block with fewer matches before it holds the match.
    const std::size_t block = bisect(0, before_block_.size(), [&](std::size_t i) {
        return before_block_[i].matches < wanted;
    });
    std::size_t at = std::min(block * kBlock, items_.size());
    at = std::min(at, index);
    while (!items_[--at].match) {
    }
    return at;
}

std::vector<TimelineItem> TimelineRows::pop_from(std::int64_t time_ns) {
    std::vector<TimelineItem> taken;
    for (TimelineRow &row : rows_)
        row.pop_from(time_ns, taken);
    latest_ = std::min(latest_, Order{time_ns, INT64_MIN});
    return taken;
}

bool TimelineRows::append(TimelineItem item) {
    item.end_ns = std::max(item.start_ns, item.end_ns);
    if (order_of(item) < latest_)
        return false;
    place(item);
    latest_ = order_of(item);
    return true;
}

void TimelineRows::add(std::vector<TimelineItem> items) {
    if (items.empty())
        return;
    Order first{INT64_MAX, INT64_MAX};
    for (TimelineItem &item : items) {
        item.end_ns = std::max(item.start_ns, item.end_ns);
        first = std::min(first, order_of(item));
    }
    if (first < latest_) {
        const auto taken = pop_from(first.first);
        items.insert(items.end(), taken.begin(), taken.end());
    }
    if (!std::ranges::is_sorted(items, {}, order_of))
        std::ranges::stable_sort(items, {}, order_of);
    for (const TimelineItem &item : items)
        append(item);
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
