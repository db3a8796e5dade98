#include "app/views/timeline_indexer.h"
#include "app/views/timeline_parts.h"
#include "profiler/session/session_builder.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_all.hpp>

#include <atomic>
#include <chrono>
#include <thread>

using namespace moescope;

namespace {

void settle(TimelineIndexer &indexer, const SessionPtr &session, const std::string &query) {
    for (int i = 0; i < 20'000; ++i) {
        indexer.update(session, query, {});
        if (!indexer.busy())
            return;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    FAIL("the index was not made in 20 s");
}

std::size_t items_of(const TimelineModel &model) {
    std::size_t items = 0;
    for (const auto &[key, track] : model.tracks())
        for (const TimelineRow &row : track.rows())
            items += row.size();
    return items;
}

} // namespace

TEST_CASE("a small session is on the timeline at once", "[timeline]") {
    const SessionPtr session = test::sample_session();
    TimelineIndexer indexer;
    indexer.update(session, "scatter", {});
    CHECK_FALSE(indexer.busy());
    CHECK(indexer.model().matches() > 0);
    CHECK(indexer.model().missing(*session) == 0);
}

TEST_CASE("a large session is put in order on another thread, and the window is told", "[timeline]") {
    const SessionPtr session = test::large_session(60'000);
    std::atomic<int> told = 0;
    const std::function<void()> wake = [&] { ++told; };
    TimelineIndexer indexer;
    const std::uint64_t before = elements_read;
    indexer.update(session, "", wake);
    CHECK(indexer.busy());
    CHECK(elements_read - before < 100); // not on this thread
    CHECK(indexer.model().extent().empty());
    settle(indexer, session, "");
    CHECK(told == 1);
    TimelineBuilder fresh;
    fresh.update(*session);
    CHECK(items_of(indexer.model()) == items_of(fresh));

    // A search of all of it is not made at once either; meanwhile the model is there.
    indexer.update(session, "scatter", {});
    CHECK(indexer.busy());
    CHECK(items_of(indexer.model()) == items_of(fresh));
    settle(indexer, session, "scatter");
    CHECK(indexer.model().matches() > 0);

    // Another session has nothing of the one before.
    const SessionPtr small = test::small_session();
    indexer.update(small, "scatter", {});
    CHECK(indexer.model().extent().end_ns != fresh.extent().end_ns);
    settle(indexer, small, "scatter");
    CHECK(indexer.model().missing(*small) == 0);
}

TEST_CASE("a model that is drawn does not change while the next one grows", "[timeline]") {
    SessionBuilder builder("t");
    KernelRecord kernel;
    for (int i = 0; i < 2000; ++i) {
        kernel.start_ns = 1'000'000 + i * 100;
        kernel.end_ns = kernel.start_ns + 50;
        builder.add(kernel);
    }
    TimelineIndexer indexer;
    indexer.update(builder.snapshot(), "", {});
    const auto drawn = indexer.share();
    const auto &row = drawn->tracks().begin()->second.rows()[0];
    const auto bars = row.bars(1'000'000, 1'200'000, 300);
    kernel.start_ns = 1'000'010; // earlier than most: rows are taken apart and put together again
    builder.add(kernel);
    indexer.update(builder.snapshot(), "", {});
    CHECK(items_of(indexer.model()) == 2001);
    CHECK(items_of(*drawn) == 2000);
    CHECK(row.bars(1'000'000, 1'200'000, 300) == bars);
}

TEST_CASE("hidden tracks have no room and pinned ones come first", "[timeline]") {
    const SessionPtr session = test::sample_session();
    TimelineBuilder model;
    model.update(*session);
    const TrackSizes sizes{18, 8, 34};
    const TrackLayouts all = layout_tracks(model, *session, {}, sizes);
    REQUIRE(all.tracks.size() > 4);
    CHECK(all.pinned_height == 0);
    TimelineNotes notes;
    notes.hidden = {all.tracks[0].id};
    notes.pinned = {all.tracks[3].id, "no such track"};
    const TrackLayouts some = layout_tracks(model, *session, notes, sizes);
    REQUIRE(some.tracks.size() == all.tracks.size() - 1);
    CHECK(some.hidden == 1);
    CHECK(some.tracks[0].id == all.tracks[3].id);
    CHECK(some.tracks[0].pinned);
    CHECK(some.pinned_height == some.tracks[0].height + 2 * sizes.gap);
    CHECK(some.tracks[1].id == all.tracks[1].id);
    CHECK(some.tracks[1].top == sizes.gap);
    CHECK(some.content_height < all.content_height);
}

TEST_CASE("the edge nearest to a time is found within reach", "[timeline]") {
    TimelineRow row;
    for (int i = 0; i < 100; ++i)
        row.push({i * 100, i * 100 + 60, 0, 0, 0, false});
    CHECK(row.edge_near(503, 10) == 500);
    CHECK(row.edge_near(556, 10) == 560);
    CHECK(row.edge_near(597, 10) == 600);
    CHECK(row.edge_near(580, 30) == 560); // as near as 600: the first
    CHECK_FALSE(row.edge_near(530, 10));
    CHECK(row.edge_near(-5, 10) == 0);
    CHECK(row.edge_near(9'965, 10) == 9'960);
    CHECK_FALSE(TimelineRow{}.edge_near(5, 100));
}
