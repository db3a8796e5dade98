#include "app/views/timeline_notes.h"

#include <fmt/format.h>

#include <algorithm>

namespace moescope {

std::string session_key(const Session &session) {
    return fmt::format("{} {}", session.created_ns, session.title);
}

std::string track_id(const TrackKey &key) {
    constexpr const char *kKinds[] = {"measurements", "repetitions", "calls", "kernels", "copies", "overhead"};
    return fmt::format("{} {} {}", kKinds[std::size_t(key.kind)], key.a, key.b);
}

std::string track_id(const Session &session, const CounterKey &key) {
    constexpr const char *kKinds[] = {"", "clock", "power", "temperature", "allocated"};
    return key.kind == CounterKind::Sampled ? fmt::format("counter {} {}", key.device, session.name(key.metric))
                                            : fmt::format("{} {}", kKinds[std::size_t(key.kind)], key.device);
}

TimelineNotes notes_of(const std::vector<TimelineNotes> &all, const std::string &session) {
    const auto found = std::ranges::find(all, session, &TimelineNotes::session);
    return found != all.end() ? *found : TimelineNotes{.session = session};
}

void keep_notes(std::vector<TimelineNotes> &all, const TimelineNotes &notes) {
    const TimelineNotes kept = notes; // may be one of them
    std::erase_if(all, [&](const TimelineNotes &each) { return each.session == kept.session; });
    if (!kept.empty())
        all.insert(all.begin(), kept);
    if (all.size() > kMostNotes)
        all.resize(kMostNotes);
}

void add_bookmark(TimelineNotes &notes, TimelineBookmark bookmark) {
    auto &all = notes.bookmarks;
    std::erase_if(all, [&](const TimelineBookmark &each) { return each.time_ns == bookmark.time_ns; });
    for (int number = 1; bookmark.label.empty(); ++number)
        if (const std::string label = fmt::format("{}", number);
            std::ranges::find(all, label, &TimelineBookmark::label) == all.end())
            bookmark.label = label;
    all.insert(std::ranges::upper_bound(all, bookmark.time_ns, {}, &TimelineBookmark::time_ns), std::move(bookmark));
}

std::optional<std::size_t> bookmark_after(const TimelineNotes &notes, std::int64_t time_ns) {
    const auto &all = notes.bookmarks;
    if (all.empty())
        return std::nullopt;
    const auto next = std::ranges::upper_bound(all, time_ns, {}, &TimelineBookmark::time_ns);
    return next == all.end() ? 0 : std::size_t(next - all.begin());
}

std::optional<std::size_t> bookmark_before(const TimelineNotes &notes, std::int64_t time_ns) {
    const auto &all = notes.bookmarks;
    if (all.empty())
        return std::nullopt;
    const auto at = std::ranges::lower_bound(all, time_ns, {}, &TimelineBookmark::time_ns);
    return at == all.begin() ? all.size() - 1 : std::size_t(at - all.begin()) - 1;
}

bool holds(const std::vector<std::string> &ids, std::string_view id) {
    return std::ranges::find(ids, id) != ids.end();
}

void set_held(std::vector<std::string> &ids, const std::string &id, bool held) {
    std::erase(ids, id);
    if (held)
        ids.push_back(id);
}

} // namespace moescope
