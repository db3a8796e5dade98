// What a person has noted on a session's timeline: bookmarks, and the tracks put out of sight or kept at
// the top. Kept in the settings, by session.
#pragma once

#include "app/views/timeline_model.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

struct TimelineBookmark {
    std::int64_t time_ns = 0;             // the flag
    std::int64_t start_ns = 0, end_ns = 0; // the stretch that was in sight
    std::string label;
    friend bool operator==(const TimelineBookmark &, const TimelineBookmark &) = default;
};

struct TimelineNotes {
    std::string session;                     // session_key()
    std::vector<TimelineBookmark> bookmarks; // by time
    std::vector<std::string> hidden, pinned; // track_id()s
    bool empty() const { return bookmarks.empty() && hidden.empty() && pinned.empty(); }
    friend bool operator==(const TimelineNotes &, const TimelineNotes &) = default;
};

// The same for a session and the file it was saved in.
std::string session_key(const Session &session);

std::string track_id(const TrackKey &key);                            // "kernels 0 7"
std::string track_id(const Session &session, const CounterKey &key); // "counter 0 dram__bytes_read.sum"

// The notes of a session among all there are; new ones where there are none.
TimelineNotes notes_of(const std::vector<TimelineNotes> &all, const std::string &session);
// Puts them first; forgets the oldest, and those that say nothing.
void keep_notes(std::vector<TimelineNotes> &all, const TimelineNotes &notes);
inline constexpr std::size_t kMostNotes = 32;

// Keeps the order; a second one at the same time replaces the first. Its label is "1", "2" … where none
// is given: the lowest number that is free.
void add_bookmark(TimelineNotes &notes, TimelineBookmark bookmark);
// Index of the next bookmark after, or the last one before, a time; around the end to the other side.
std::optional<std::size_t> bookmark_after(const TimelineNotes &notes, std::int64_t time_ns);
std::optional<std::size_t> bookmark_before(const TimelineNotes &notes, std::int64_t time_ns);

bool holds(const std::vector<std::string> &ids, std::string_view id);
void set_held(std::vector<std::string> &ids, const std::string &id, bool held);

} // namespace moescope
