#include "profiler/ranks/meeting.h"

#include "profiler/base/clock.h"
#include "profiler/base/try.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>
#include <utility>

namespace moescope {

namespace {

constexpr double kGreetingSeconds = 10;
constexpr double kTellingSeconds = 5; // between two looks at who has not come
constexpr int kRoundTrips = 64;
constexpr char kGreeting = 'H', kShared = 'S', kCollected = 'C', kTime = 'T', kHeard = 'R', kParted = 'P';
constexpr std::string_view kWelcome = "welcome";

// One message of several texts.
std::string joined(const std::vector<std::string> &texts) {
    std::string all;
    for (const std::string &text : texts)
        all += fmt::format("{}:{}", text.size(), text);
    return all;
}

Result<std::vector<std::string>> parted(std::string_view all) {
    std::vector<std::string> texts;
    while (!all.empty()) {
        std::size_t size = 0;
        const auto [end, failed] = std::from_chars(all.data(), all.data() + all.size(), size);
        const auto digits = std::size_t(end - all.data());
        if (failed != std::errc() || digits >= all.size() || all[digits] != ':' || size > all.size() - digits - 1)
            return Error{"a message cannot be read", "rank 0 may be of another version", "start all ranks in the same version"};
        texts.emplace_back(all.substr(digits + 1, size));
        all.remove_prefix(digits + 1 + size);
    }
    return texts;
}

Result<std::int64_t> time_in(std::string_view text) {
    std::int64_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc())
        return Error{"a clock's time cannot be read", std::string(text), {}};
    return value;
}

Error error_in(std::string_view bytes) {
    const Result<std::vector<std::string>> parts = parted(bytes);
    if (!parts || parts->size() != 3)
        return {"the ranks have parted", "rank 0 ended the meeting", "its own output says why"};
    return {(*parts)[0], (*parts)[1], (*parts)[2]};
}

} // namespace

Error of_rank(std::int32_t rank, const Error &error) {
    const std::string_view what = error.what;
    const std::string name = fmt::format("rank {}", rank);
    return {what.starts_with(kOtherEnd) ? name + std::string(what.substr(kOtherEnd.size())) : name + ": " + error.what,
            error.why, error.remedy};
}

Result<std::unique_ptr<Meeting>> Meeting::join(const MeetingPlace &place, double seconds, const Missing &missing) {
    std::unique_ptr<Meeting> made(new Meeting(place));
    if (place.size == 1)
        return made;
    made->lost_.resize(place.rank == 0 ? std::size_t(place.size) : 1);
    const Status joined = place.rank == 0 ? made->listen_for_all(seconds, missing) : made->reach_rank_0(seconds);
    if (!joined)
        made->tell_all(joined.error());
    MOESCOPE_TRY(joined);
    return made;
}

void Meeting::leave() {
    for (Socket &each : peers_)
        if (each.is_open())
            each.shut_down();
}

bool Meeting::someone_left() const {
    return std::ranges::any_of(peers_, [](const Socket &each) { return each.other_end_is_gone(); });
}

std::string Meeting::own_host() const {
    return place_.rank == 0 || peers_.empty() ? place_.host : peers_.front().own_host();
}

Socket *Meeting::peer(std::int32_t rank) {
    const std::size_t at = place_.rank == 0 ? std::size_t(rank) : 0;
    return at < peers_.size() && peers_[at].is_open() ? &peers_[at] : nullptr;
}

Status Meeting::listen_for_all(double seconds, const Missing &tell_missing) {
    Result<Socket> door = Socket::listen(place_.host, place_.port);
    MOESCOPE_TRY(door);
    peers_.resize(std::size_t(place_.size));
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    const auto missing = [&] {
        std::vector<std::int32_t> ranks;
        for (std::int32_t rank = 1; rank < place_.size; ++rank)
            if (!peers_[std::size_t(rank)].is_open())
                ranks.push_back(rank);
        return ranks;
    };
    while (!missing().empty()) {
        const std::chrono::duration<double> left = until - std::chrono::steady_clock::now();
        Result<Socket> caller = door->accept(std::clamp(left.count(), 0.0, kTellingSeconds));
        if (!caller && left.count() > kTellingSeconds) {
            if (tell_missing)
                tell_missing(missing());
            continue;
        }
        if (!caller)
            return Error{fmt::format("rank {} did not come to {}:{}", fmt::join(missing(), ", "), place_.host, place_.port),
                         fmt::format("rank 0 waited for {:.0f} s", seconds), "start all ranks, with the same address; --wait gives them more time"};
        MOESCOPE_TRY(welcome(std::move(*caller)));
    }
    return {};
}

// Who does not belong here is told so and sent away; a rank that comes twice ends the meeting.
Status Meeting::welcome(Socket caller) {
    const Result<std::string> greeting = caller.receive(kGreetingSeconds);
    const std::string wanted = fmt::format("{}{} {} ", kGreeting, place_.word, place_.size);
    if (!greeting || !greeting->starts_with(wanted)) {
        (void)caller.send(fmt::format("rank 0 is of another start, version or number of ranks ({})", place_.size));
        return {};
    }
    const Result<std::int64_t> rank = time_in(std::string_view(*greeting).substr(wanted.size()));
    if (!rank || *rank < 1 || *rank >= place_.size || peers_[std::size_t(*rank)].is_open()) {
        (void)caller.send("its rank is taken or not among those expected");
        return Error{fmt::format("two processes are rank {}", rank ? *rank : -1), "each rank is one process",
                     "give each start a port of its own"};
    }
    MOESCOPE_TRY(caller.send(kWelcome));
    peers_[std::size_t(*rank)] = std::move(caller);
    return {};
}

Status Meeting::reach_rank_0(double seconds) {
    Result<Socket> made = Socket::connect(place_.host, place_.port, seconds);
    MOESCOPE_TRY(made);
    MOESCOPE_TRY(made->send(fmt::format("{}{} {} {}", kGreeting, place_.word, place_.size, place_.rank)));
    const Result<std::string> answer = made->receive(seconds);
    MOESCOPE_TRY(answer);
    if (*answer != kWelcome)
        return Error{fmt::format("rank {} was sent away from {}:{}", place_.rank, place_.host, place_.port), *answer,
                     "start all ranks together, with a port of their own"};
    peers_.push_back(std::move(*made));
    return {};
}

// The first reason counts, also for every later call.
Error Meeting::lose(std::int32_t rank, const Error &error) {
    std::optional<Error> &lost = lost_[place_.rank == 0 ? std::size_t(rank) : 0];
    if (!lost)
        lost = error;
    if (Socket *to = peer(rank))
        to->shut_down();
    return *lost;
}

void Meeting::tell_all(const Error &error) {
    if (place_.rank == 0)
        for (std::int32_t rank = 1; rank < place_.size; ++rank)
            (void)send_to(rank, kParted, joined({error.what, error.why, error.remedy}));
}

Status Meeting::send_to(std::int32_t rank, char kind, std::string_view bytes) {
    const std::optional<Error> &lost = lost_[place_.rank == 0 ? std::size_t(rank) : 0];
    Socket *to = peer(rank);
    if (!to || lost)
        return lost ? *lost : Error{fmt::format("rank {} is gone", rank), "it never came", {}};
    const Status sent = to->send(std::string(1, kind).append(bytes));
    return sent ? sent : Status(lose(rank, of_rank(rank, sent.error())));
}

Result<std::string> Meeting::receive_from(std::int32_t rank, char kind) {
    const std::optional<Error> &lost = lost_[place_.rank == 0 ? std::size_t(rank) : 0];
    Socket *from = peer(rank);
    if (!from || lost)
        return lost ? *lost : Error{fmt::format("rank {} is gone", rank), "it never came", {}};
    // Rank 0 itself may wait for each of the others, one after the other.
    Result<std::string> got = from->receive(place_.patience_seconds * (place_.rank == 0 ? 1 : place_.size));
    if (!got)
        return lose(rank, of_rank(rank, got.error()));
    if (!got->empty() && got->front() == kParted)
        return lose(rank, error_in(std::string_view(*got).substr(1)));
    if (got->empty() || got->front() != kind)
        return lose(rank, {fmt::format("rank {} does something else", rank), "the ranks are out of step",
                           "start all ranks with the same options"});
    return got->substr(1);
}

Result<Meeting::ByRank<std::string>> Meeting::collect(std::string_view mine) {
    ByRank<std::string> all;
    if (place_.rank != 0) {
        MOESCOPE_TRY(send_to(0, kCollected, mine));
        return all;
    }
    all.emplace_back(std::string(mine));
    for (std::int32_t rank = 1; rank < place_.size; ++rank)
        all.push_back(receive_from(rank, kCollected));
    return all;
}

Result<std::vector<std::string>> Meeting::share(std::string_view mine) {
    Result<ByRank<std::string>> given = collect(mine);
    MOESCOPE_TRY(given);
    if (place_.rank != 0) {
        const Result<std::string> told = receive_from(0, kShared);
        MOESCOPE_TRY(told);
        return parted(*told);
    }
    std::vector<std::string> all;
    for (Result<std::string> &one : *given) {
        if (!one)
            tell_all(one.error());
        MOESCOPE_TRY(one);
        all.push_back(std::move(*one));
    }
    const std::string told = joined(all);
    for (std::int32_t rank = 1; rank < place_.size; ++rank)
        MOESCOPE_TRY(send_to(rank, kShared, told));
    return all;
}

Result<std::string> Meeting::hear(std::string_view rank_0_says) {
    if (place_.rank != 0)
        return receive_from(0, kHeard);
    for (std::int32_t rank = 1; rank < place_.size; ++rank)
        (void)send_to(rank, kHeard, rank_0_says); // who is gone needs no answer
    return std::string(rank_0_says);
}

Result<ClockOffset> Meeting::compare_with(std::int32_t rank) {
    std::vector<RoundTrip> trips;
    for (int i = 0; i < kRoundTrips; ++i) {
        RoundTrip trip;
        trip.sent_ns = now_ns();
        MOESCOPE_TRY(send_to(rank, kTime, ""));
        const Result<std::string> answer = receive_from(rank, kTime);
        trip.received_ns = now_ns();
        MOESCOPE_TRY(answer);
        const Result<std::int64_t> answered = time_in(*answer);
        MOESCOPE_TRY(answered);
        trip.answered_ns = *answered;
        trips.push_back(trip);
    }
    return clock_offset(trips);
}

Result<Meeting::ByRank<ClockOffset>> Meeting::compare_clocks() {
    ByRank<ClockOffset> offsets;
    if (place_.rank != 0) {
        for (int i = 0; i < kRoundTrips; ++i) {
            MOESCOPE_TRY(receive_from(0, kTime));
            MOESCOPE_TRY(send_to(0, kTime, std::to_string(now_ns())));
        }
        return offsets;
    }
    offsets.emplace_back(ClockOffset{});
    for (std::int32_t rank = 1; rank < place_.size; ++rank)
        offsets.push_back(compare_with(rank));
    return offsets;
}

} // namespace moescope
