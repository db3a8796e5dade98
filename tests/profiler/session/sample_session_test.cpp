#include "tests/support/sample_session.h"

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <numeric>
#include <set>

using namespace moescope;

TEST_CASE("the sample session is rich enough to draw every view from") {
    const SessionPtr session = test::sample_session();
    REQUIRE(session->runs.size() == 2);
    CHECK(session->kernels.size() > 400);
    CHECK(session->api_calls.size() > session->kernels.size());
    CHECK(session->candidates.size() == 40);
    CHECK(session->runs[0].state == RunRecord::State::Done);
    CHECK(session->runs[1].state == RunRecord::State::Failed);

    std::set<Candidate::Fate> fates;
    for (const Candidate &candidate : session->candidates)
        fates.insert(candidate.fate);
    CHECK(fates.size() == 6);

    const RoutingRecord &routing = session->routings[0];
    REQUIRE(routing.counts.size() == 256);
    CHECK(std::accumulate(routing.counts.begin(), routing.counts.end(), std::int64_t{0}) ==
          routing.tokens * routing.top_k);

    std::int64_t live_bytes = 0;
    for (const MemoryRecord &record : session->memory)
        live_bytes += record.bytes;
    CHECK(live_bytes == 0);
}

TEST_CASE("the sample sessions are the same bits on every call") {
    const SessionPtr a = test::sample_session(), b = test::sample_session();
    REQUIRE(a->kernels.size() == b->kernels.size());
    for (std::size_t i = 0; i < a->kernels.size(); ++i)
        REQUIRE(a->kernels[i] == b->kernels[i]);
    for (std::size_t i = 0; i < a->measurements.size(); ++i)
        REQUIRE(a->measurements[i] == b->measurements[i]);
}
