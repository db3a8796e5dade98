#include "rank_threads.h"

#include <chrono>
#include <cstdlib>
#include <string>

using namespace moescope;

TEST_CASE("every rank learns what every other gave") {
    for (const std::int32_t size : {1, 2, 5}) {
        std::vector<std::vector<std::string>> learnt(static_cast<std::size_t>(size));
        as_ranks(size, [&](Meeting &meeting) {
            for (int round = 0; round < 3; ++round)
                if (const auto all = meeting.share(std::string(std::size_t(meeting.rank()), 'x') + std::to_string(round)))
                    learnt[std::size_t(meeting.rank())] = *all;
        });
        for (const auto &all : learnt) {
            REQUIRE(all.size() == std::size_t(size));
            for (std::size_t rank = 0; rank < all.size(); ++rank)
                CHECK(all[rank] == std::string(rank, 'x') + "2");
        }
    }
}

TEST_CASE("rank 0 collects what is large") {
    std::vector<std::string> collected;
    as_ranks(3, [&](Meeting &meeting) {
        const auto all = meeting.collect(std::string(5'000'000, char('a' + meeting.rank())));
        if (meeting.rank() == 0 && all)
            for (const Result<std::string> &one : *all)
                collected.push_back(one ? *one : "");
    });
    REQUIRE(collected.size() == 3);
    for (std::size_t rank = 0; rank < 3; ++rank)
        CHECK(collected[rank] == std::string(5'000'000, char('a' + rank)));
}

TEST_CASE("threads of one machine have one clock") {
    std::vector<ClockOffset> offsets;
    as_ranks(3, [&](Meeting &meeting) {
        const auto all = meeting.compare_clocks();
        if (meeting.rank() == 0 && all)
            for (const Result<ClockOffset> &one : *all)
                offsets.push_back(one ? *one : ClockOffset{});
    });
    REQUIRE(offsets.size() == 3);
    CHECK(offsets[0] == ClockOffset{});
    for (std::size_t rank = 1; rank < 3; ++rank) {
        CHECK(offsets[rank].round_trip_ns > 0);
        CHECK(std::abs(offsets[rank].offset_ns) <= offsets[rank].uncertainty_ns);
    }
}

TEST_CASE("a rank that leaves ends the calls of all others") {
    std::vector<int> ok(3, 1); // no bits: each thread writes its own
    as_ranks(3, [&](Meeting &meeting) {
        if (meeting.rank() == 2)
            return meeting.leave();
        Result<std::vector<std::string>> all = meeting.share("here");
        if (!all)
            meeting.leave();
        ok[std::size_t(meeting.rank())] = all.ok();
    });
    CHECK(ok[0] == 0);
    CHECK(ok[1] == 0);
}

TEST_CASE("the others learn which rank is gone, and rank 0 collects from those that are there") {
    std::vector<std::string> told(3), collected;
    as_ranks(3, [&](Meeting &meeting) {
        if (meeting.rank() == 1)
            return meeting.leave();
        const auto all = meeting.share("here");
        told[std::size_t(meeting.rank())] = all ? "" : all.error().what;
    });
    CHECK(told[0] == "rank 1 is gone");
    CHECK(told[2] == "rank 1 is gone");

    std::string heard;
    as_ranks(3, [&](Meeting &meeting) {
        if (meeting.rank() == 1)
            return meeting.leave();
        const auto clocks = meeting.compare_clocks();
        const auto all = meeting.collect("of " + std::to_string(meeting.rank()));
        const auto verdict = meeting.hear("well done");
        if (meeting.rank() == 2 && verdict)
            heard = *verdict;
        if (meeting.rank() == 0 && clocks && all)
            for (const Result<std::string> &one : *all)
                collected.push_back(one ? *one : one.error().what);
    });
    CHECK(collected == std::vector<std::string>{"of 0", "rank 1 is gone", "of 2"});
    CHECK(heard == "well done");
}

TEST_CASE("a rank that says nothing is left out once the others' patience is over") {
    std::vector<std::string> collected;
    const auto work = [&](Meeting &meeting) {
        if (meeting.rank() == 1) // longer than the patience
            return std::this_thread::sleep_for(std::chrono::milliseconds(600));
        const auto all = meeting.collect("here");
        if (meeting.rank() == 0 && all)
            for (const Result<std::string> &one : *all)
                collected.push_back(one ? *one : one.error().what);
    };
    as_ranks(3, work, 0.2);
    CHECK(collected == std::vector<std::string>{"here", "rank 1 is late", "here"});
}

TEST_CASE("those that came are told who did not") {
    const Result<std::int32_t> port = free_port();
    REQUIRE(port);
    std::string told;
    std::thread one([&] {
        const auto meeting = Meeting::join({1, 3, "127.0.0.1", *port, "test"}, 20);
        if (!meeting)
            return;
        if (const auto all = (*meeting)->share(""); !all)
            told = all.error().what;
    });
    const auto zero = Meeting::join({0, 3, "127.0.0.1", *port, "test"}, 1);
    one.join();
    CHECK_FALSE(zero);
    CHECK(told.starts_with("rank 2 did not come to 127.0.0.1:"));
}

TEST_CASE("a rank that does not come is named") {
    const Result<std::int32_t> port = free_port();
    REQUIRE(port);
    const auto meeting = Meeting::join({0, 3, "127.0.0.1", *port, "test"}, 0.2);
    REQUIRE_FALSE(meeting);
    CHECK(meeting.error().what.starts_with("rank 1, 2 did not come to 127.0.0.1:"));
}

TEST_CASE("a rank of another start is sent away, and the others meet") {
    const Result<std::int32_t> port = free_port();
    REQUIRE(port);
    Status stranger, first, second;
    const auto join = [&](MeetingPlace place, Status &to) {
        return std::thread([place, &to] {
            if (const auto joined = Meeting::join(place, 20); !joined)
                to = joined.error();
        });
    };
    std::thread zero = join({0, 2, "127.0.0.1", *port, "test"}, first);
    join({1, 2, "127.0.0.1", *port, "other"}, stranger).join();
    std::thread one = join({1, 2, "127.0.0.1", *port, "test"}, second);
    zero.join();
    one.join();
    CHECK(first);
    CHECK(second);
    REQUIRE_FALSE(stranger);
    CHECK(stranger.error().what.starts_with("rank 1 was sent away"));
}
