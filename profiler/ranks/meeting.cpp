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

constexpr double kPatienceSeconds = 600; // a rank may compile, or measure alone, meanwhile
constexpr double kGreetingSeconds = 10;
constexpr int kRoundTrips = 64;
constexpr char kGreeting = 'H', kShared = 'S', kCollected = 'C', kTime = 'T';
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

Error of_rank(std::int32_t rank, const Error &error) {
    return {fmt::format("rank {}: {}", rank, error.what), error.why, error.remedy};
}

} // namespace

Result<std::unique_ptr<Meeting>> Meeting::join(const MeetingPlace &place, double seconds) {
    std::unique_ptr<Meeting> made(new Meeting(place));
    if (place.size == 1)
        return made;
    MOESCOPE_TRY(place.rank == 0 ? made->listen_for_all(seconds) : made->reach_rank_0(seconds));
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

Status Meeting::listen_for_all(double seconds) {
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
        Result<Socket> caller = door->accept(std::max(0.0, left.count()));
        if (!caller)
            return Error{fmt::format("rank {} did not come to {}:{}", fmt::join(missing(), ", "), place_.host, place_.port),
                         fmt::format("rank 0 waited for {:.0f} s", seconds), "start all ranks, with the same address"};
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

Status Meeting::send_to(std::int32_t rank, char kind, std::string_view bytes) {
    Socket *to = peer(rank);
    if (!to)
        return Error{"the ranks have parted", "one of them failed before", "its own output says why"};
    const Status sent = to->send(std::string(1, kind).append(bytes));
    return sent ? sent : Status(of_rank(rank, sent.error()));
}

Result<std::string> Meeting::receive_from(std::int32_t rank, char kind) {
    Socket *from = peer(rank);
    if (!from)
        return Error{"the ranks have parted", "one of them failed before", "its own output says why"};
    Result<std::string> got = from->receive(kPatienceSeconds);
    if (!got)
        return of_rank(rank, got.error());
    if (got->empty() || got->front() != kind)
        return Error{fmt::format("rank {} does something else", rank), "the ranks are out of step",
                     "start all ranks with the same options"};
    return got->substr(1);
}

Result<std::vector<std::string>> Meeting::collect(std::string_view mine) {
    std::vector<std::string> all;
    if (place_.rank != 0) {
        MOESCOPE_TRY(send_to(0, kCollected, mine));
        return all;
    }
    all.emplace_back(mine);
    for (std::int32_t rank = 1; rank < place_.size; ++rank) {
        Result<std::string> one = receive_from(rank, kCollected);
        MOESCOPE_TRY(one);
        all.push_back(std::move(*one));
    }
    return all;
}

Result<std::vector<std::string>> Meeting::share(std::string_view mine) {
    Result<std::vector<std::string>> all = collect(mine);
    MOESCOPE_TRY(all);
    if (place_.rank != 0) {
        const Result<std::string> told = receive_from(0, kShared);
        MOESCOPE_TRY(told);
        return parted(*told);
    }
    const std::string told = joined(*all);
    for (std::int32_t rank = 1; rank < place_.size; ++rank)
        MOESCOPE_TRY(send_to(rank, kShared, told));
    return all;
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

Result<std::vector<ClockOffset>> Meeting::compare_clocks() {
    std::vector<ClockOffset> offsets;
    if (place_.rank != 0) {
        for (int i = 0; i < kRoundTrips; ++i) {
            MOESCOPE_TRY(receive_from(0, kTime));
            MOESCOPE_TRY(send_to(0, kTime, std::to_string(now_ns())));
        }
        return offsets;
    }
    offsets.push_back({});
    for (std::int32_t rank = 1; rank < place_.size; ++rank) {
        const Result<ClockOffset> one = compare_with(rank);
        MOESCOPE_TRY(one);
        offsets.push_back(*one);
    }
    return offsets;
}

} // namespace moescope
