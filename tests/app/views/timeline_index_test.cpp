#include "app/views/timeline_index.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <random>

using namespace moescope;

namespace {

TimelineItem item(std::int64_t start, std::int64_t end, std::uint8_t slot = 0, bool match = false) {
    return {start, end, std::uint32_t(start), 0, slot, match};
}

// Items with gaps between them, a few of them long, some without length.
TimelineRow random_row(int count, unsigned seed) {
    std::mt19937 random(seed);
    TimelineRow row;
    std::int64_t now = 1000;
    for (int i = 0; i < count; ++i) {
        now += std::int64_t(random() % 40);
        const std::int64_t length =
            random() % 50 == 0 ? std::int64_t(random() % 5000) : std::int64_t(random() % 30);
        row.push(
            item(now, now + length, std::uint8_t(random() % kTimelineSlots), random() % 13 == 0));
        now += length;
    }
    return row;
}

// What a bar must say, from its items one by one.
TimelineBar brute_force(const TimelineRow &row, std::size_t first, std::size_t count) {
    TimelineBar bar{row[first].start_ns, row[first + count - 1].end_ns, first, count};
    std::array<std::int64_t, kTimelineSlots> busy{};
    for (std::size_t i = first; i < first + count; ++i) {
        const std::int64_t length = row[i].end_ns - row[i].start_ns;
        busy[row[i].slot] += length;
        bar.busy_ns += length;
        bar.matches += row[i].match;
    }
    bar.slot = count == 1 ? row[first].slot
                          : std::uint8_t(std::max_element(busy.begin(), busy.end()) - busy.begin());
    return bar;
}

} // namespace

TEST_CASE("bars show every item in sight once, and say what its items say", "[timeline]") {
    const TimelineRow row = random_row(20'000, 5);
    const double whole = double(row.back().end_ns);
    const int pixels = GENERATE(1, 37, 640, 4000);
    for (const auto &[start, end] : {std::pair{0.0, whole + 10}, std::pair{whole / 3, whole / 2},
                                     std::pair{5000.5, 9000.25}, std::pair{1000.0, 1040.0}}) {
        const auto bars = row.bars(start, end, pixels);
        CHECK(bars.size() <= std::size_t(2 * pixels + 2));
        std::size_t next = row.first_ending_after(std::int64_t(start));
        for (const TimelineBar &bar : bars) {
            REQUIRE(bar.first == next);
            REQUIRE(bar == brute_force(row, bar.first, bar.count));
            next = bar.first + bar.count;
        }
        CHECK((next == row.size() || double(row[next].start_ns) >= end));
    }
}

TEST_CASE("merged items share a pixel, and an item as long as a pixel stands alone", "[timeline]") {
    const TimelineRow row = random_row(20'000, 6);
    const double end = double(row.back().end_ns);
    constexpr int kPixels = 800;
    const double pixel = end / kPixels;
    for (const TimelineBar &bar : row.bars(0, end, kPixels)) {
        if (bar.count == 1)
            continue;
        CHECK(std::int64_t(double(row[bar.first].start_ns) / pixel) ==
              std::int64_t(double(row[bar.first + bar.count - 1].start_ns) / pixel));
        for (std::size_t i = bar.first; i < bar.first + bar.count; ++i)
            CHECK(double(row[i].end_ns - row[i].start_ns) < pixel);
    }
}

TEST_CASE("nanoseconds are told apart however late the epoch", "[timeline]") {
    constexpr std::int64_t kNow = 1'790'000'000'000'000'000;
    TimelineRow row;
    for (int i = 0; i < 100; ++i)
        row.push(item(kNow + i * 4, kNow + i * 4 + 3));
    const auto bars = row.bars(100, 140, 800, kNow);
    REQUIRE(bars.size() == 10);
    for (std::size_t i = 0; i < bars.size(); ++i)
        CHECK(bars[i].start_ns == kNow + 100 + std::int64_t(i) * 4);
    CHECK(row.bars(0, 400, 10, kNow).size() == 10); // ten items a pixel
}

TEST_CASE("an empty stretch and an empty row have no bars", "[timeline]") {
    CHECK(TimelineRow{}.bars(0, 100, 100).empty());
    TimelineRow row;
    row.push(item(10, 20));
    CHECK(row.bars(20, 100, 100).empty());
    CHECK(row.bars(0, 10, 100).empty());
    CHECK(row.bars(15, 15, 100).empty());
    CHECK(row.bars(12, 13, 0).size() == 1);
}

TEST_CASE("matches are found in both directions", "[timeline]") {
    const TimelineRow row = random_row(1000, 7);
    for (std::size_t at = 0; at <= row.size(); ++at) {
        std::size_t next = at, previous = at;
        while (next < row.size() && !row[next].match)
            ++next;
        while (previous > 0 && !row[previous - 1].match)
            --previous;
        REQUIRE(row.next_match(at) == next);
        REQUIRE(row.previous_match(at) == (previous == 0 ? row.size() : previous - 1));
    }
    TimelineRow none;
    none.push(item(0, 1));
    CHECK(none.next_match(0) == 1);
    CHECK(none.previous_match(1) == 1);
}

TEST_CASE("items taken off a row leave its sums right", "[timeline]") {
    TimelineRow row = random_row(500, 8);
    const std::int64_t cut = row[333].start_ns;
    std::vector<TimelineItem> taken;
    row.pop_from(cut, taken);
    CHECK(row.back().start_ns < cut);
    CHECK(row.size() + taken.size() == 500);
    for (const TimelineItem &each : taken)
        row.push(each);
    const TimelineRow fresh = random_row(500, 8);
    CHECK(row.matches() == fresh.matches());
    CHECK(row.bars(0, 1e6, 50) == fresh.bars(0, 1e6, 50));
}

TEST_CASE("overlapping items go to extra rows and never overlap in one", "[timeline]") {
    TimelineRows rows;
    rows.add({item(0, 100), item(10, 20), item(15, 30), item(25, 40), item(100, 110)});
    REQUIRE(rows.rows().size() == 3);
    CHECK(rows.rows()[0].size() == 2); // 0..100, 100..110
    CHECK(rows.rows()[1].size() == 2); // 10..20, 25..40
    CHECK(rows.rows()[2].size() == 1);
}

TEST_CASE("rows come out the same whatever the order items arrive in", "[timeline]") {
    std::mt19937 random(3);
    std::vector<TimelineItem> items;
    for (int i = 0; i < 3000; ++i) {
        const auto start = std::int64_t(i) * 10 + std::int64_t(random() % 10);
        items.push_back(item(start, start + std::int64_t(random() % 25)));
    }
    TimelineRows at_once;
    at_once.add(items);
    std::shuffle(items.begin(), items.end(), random);
    TimelineRows bit_by_bit;
    for (std::size_t i = 0; i < items.size(); i += 100)
        bit_by_bit.add(
            {items.begin() + std::ptrdiff_t(i), items.begin() + std::ptrdiff_t(i + 100)});
    REQUIRE(bit_by_bit.rows().size() == at_once.rows().size());
    for (std::size_t r = 0; r < at_once.rows().size(); ++r) {
        REQUIRE(bit_by_bit.rows()[r].size() == at_once.rows()[r].size());
        for (std::size_t i = 0; i < at_once.rows()[r].size(); ++i)
            REQUIRE(bit_by_bit.rows()[r][i] == at_once.rows()[r][i]);
    }
}

TEST_CASE("more overlap than there are rows is drawn late, and counted", "[timeline]") {
    TimelineRows rows;
    rows.add(std::vector<TimelineItem>(100, item(0, 50)));
    CHECK(rows.rows().size() == TimelineRows::kMostRows);
    CHECK(rows.squeezed() == 100 - TimelineRows::kMostRows);
}
