#include "app/shell/settings.h"
#include "app/views/timeline_notes.h"
#include "tests/support/sample_session.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_all.hpp>

#include <set>

using namespace moescope;

namespace {

TimelineNotes notes_with(std::initializer_list<std::int64_t> times) {
    TimelineNotes notes{.session = "s"};
    for (const std::int64_t time : times)
        add_bookmark(notes, {time, time - 10, time + 10, {}});
    return notes;
}

} // namespace

TEST_CASE("bookmarks stay in the order of time and take the lowest free number", "[timeline]") {
    TimelineNotes notes = notes_with({300, 100, 200});
    REQUIRE(notes.bookmarks.size() == 3);
    CHECK(notes.bookmarks[0].time_ns == 100);
    CHECK(notes.bookmarks[2].time_ns == 300);
    CHECK(notes.bookmarks[2].label == "1"); // it came first
    std::erase_if(notes.bookmarks, [](const TimelineBookmark &each) { return each.label == "2"; });
    add_bookmark(notes, {150, 0, 1, {}});
    CHECK(notes.bookmarks[0].label == "2");
    add_bookmark(notes, {150, 5, 6, "mine"});
    CHECK(notes.bookmarks.size() == 3);
    CHECK(notes.bookmarks[0].label == "mine");
}

TEST_CASE("the next bookmark and the one before go round the end", "[timeline]") {
    const TimelineNotes notes = notes_with({100, 200, 300});
    CHECK(bookmark_after(notes, 100) == 1);
    CHECK(bookmark_after(notes, 250) == 2);
    CHECK(bookmark_after(notes, 300) == 0);
    CHECK(bookmark_before(notes, 300) == 1);
    CHECK(bookmark_before(notes, 100) == 2);
    CHECK_FALSE(bookmark_after(TimelineNotes{}, 5));
    CHECK_FALSE(bookmark_before(TimelineNotes{}, 5));
}

TEST_CASE("notes are kept by session, the newest first, and empty ones are forgotten", "[timeline]") {
    std::vector<TimelineNotes> all;
    for (int i = 0; i < int(kMostNotes) + 5; ++i) {
        TimelineNotes notes = notes_with({1});
        notes.session = std::to_string(i);
        keep_notes(all, notes);
    }
    REQUIRE(all.size() == kMostNotes);
    CHECK(all.front().session == std::to_string(kMostNotes + 4));
    keep_notes(all, notes_of(all, "10"));
    CHECK(all.front().session == "10");
    CHECK(all.size() == kMostNotes);
    keep_notes(all, TimelineNotes{.session = "10"});
    CHECK(all.size() == kMostNotes - 1);
    CHECK(notes_of(all, "10").empty());
    CHECK(notes_of(all, "10").session == "10");
}

TEST_CASE("each track of a session has an id of its own", "[timeline]") {
    const SessionPtr session = test::sample_session();
    TimelineBuilder model;
    model.update(*session);
    std::set<std::string> ids;
    for (const auto &[key, rows] : model.tracks())
        ids.insert(track_id(key));
    for (const auto &[key, series] : model.counters().series())
        ids.insert(track_id(*session, key));
    CHECK(ids.size() == model.tracks().size() + model.counters().series().size());
    CHECK(track_id({TrackKind::Kernels, 0, 7}) == "kernels 0 7");
}

TEST_CASE("a session's key holds for the file it is saved in", "[timeline]") {
    const SessionPtr session = test::sample_session();
    Session again = *session;
    again.path = "/elsewhere.moescope";
    again.origin = Origin::Recorded;
    CHECK(session_key(again) == session_key(*session));
    CHECK(session_key(*test::small_session()) != session_key(*session));
}

TEST_CASE("bookmarks, hidden and pinned tracks come back with the settings", "[timeline]") {
    const test::TemporaryFolder folder;
    Settings settings;
    TimelineNotes notes = notes_with({1'790'000'000'000'000'000, 1'790'000'000'000'000'123});
    notes.bookmarks[1].label = "where it stalls, \"ü\"";
    notes.hidden = {"calls 1 2"};
    notes.pinned = {"kernels 0 7", "clock 0"};
    keep_notes(settings.timeline_notes, notes);
    const auto path = folder / "settings.json";
    REQUIRE(save_settings(settings, path).ok());
    const auto loaded = load_settings(path);
    REQUIRE(loaded.ok());
    CHECK(loaded->timeline_notes == settings.timeline_notes);
    test::write_bytes(path, R"({"timeline_notes": [7, {"session": 3, "bookmarks": [{"start_ns": 9, "end_ns": 2}, 4], "hidden": [1, "x"]}]})");
    const auto odd = load_settings(path);
    REQUIRE(odd.ok());
    REQUIRE(odd->timeline_notes.size() == 1);
    CHECK(odd->timeline_notes[0].bookmarks.empty());
    CHECK(odd->timeline_notes[0].hidden == std::vector<std::string>{"x"});
}
