#include "profiler/ranks/merge.h"

#include "profiler/explain/parallel.h"
#include "profiler/export/trace_layout.h"
#include "profiler/session/session_builder.h"
#include "profiler/session/session_file.h"
#include "tests/profiler/client/small_plan.h"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include <filesystem>
#include <unistd.h>

using namespace moescope;
using namespace moescope::testing;
using Catch::Approx;

namespace {

constexpr std::int64_t kStart = 1'000'000'000;

// Rank 0 and 1 of two: 8 experts, 4 each; both see the same names in another order, and the same numbers.
Session rank_session(std::int32_t rank, std::int64_t clock_ns, std::int64_t exchange_ns) {
    SessionBuilder builder("rank");
    const NameId first = builder.intern(rank == 0 ? "ncclDevKernel_SendRecv" : "gather"),
                 second = builder.intern(rank == 0 ? "gather" : "ncclDevKernel_SendRecv");
    const NameId nccl = rank == 0 ? first : second, gather = rank == 0 ? second : first;
    RunRecord run;
    run.plan.workload = small_workload();
    run.plan.ranks = MeetingPlace{rank, 2, "node", 1, "word"};
    run.device.id = "cuda:0";
    run.device.name = "GPU";
    run.started_ns = kStart + clock_ns;
    const RunId id = builder.add_run(run);
    Measurement dispatch;
    dispatch.run = id;
    dispatch.op = OperatorId::EpDispatch;
    dispatch.variant = "known_counts";
    dispatch.state = Measurement::State::Done;
    dispatch.time.median = 5000 + 1000 * rank;
    const MeasurementId measurement = builder.add_measurement(dispatch);
    RoutingRecord routing;
    routing.run = id;
    routing.tokens = 24;
    routing.top_k = 2;
    routing.counts = rank == 0 ? std::vector<std::int32_t>{10, 0, 0, 0, 0, 30, 0, 8} : std::vector<std::int32_t>{6, 6, 6, 6, 6, 6, 6, 6};
    builder.add(routing);
    for (std::int32_t repetition = 0; repetition < 3; ++repetition) {
        const std::int64_t at = kStart + clock_ns + 100'000 * repetition;
        ApiRecord call{at - 50, at - 10, gather, 7, 4711, 4711, {measurement, repetition}};
        builder.add(call);
        KernelRecord kernel;
        kernel.start_ns = at;
        kernel.end_ns = at + 1000;
        kernel.name = gather;
        kernel.correlation = 7;
        kernel.stream = 13;
        kernel.tag = {measurement, repetition};
        builder.add(kernel);
        kernel.start_ns = at + 1000;
        kernel.end_ns = at + 1000 + exchange_ns;
        kernel.name = nccl;
        kernel.correlation = 8;
        builder.add(kernel);
    }
    return builder.current();
}

Session merged() {
    return merge_ranks({{rank_session(0, 0, 3000), {}, {}}, {rank_session(1, 777'000, 2000), {777'000, 40, 80}, {}}}, "both");
}

} // namespace

TEST_CASE("merged ranks are on one clock, and each on a device and in a process of its own") {
    const Session session = merged();
    REQUIRE(session.runs.size() == 2);
    CHECK(session.runs[0].started_ns == session.runs[1].started_ns);
    CHECK(session.runs[1].device.clock_offset_ns == 777'000);
    CHECK(session.runs[1].device.clock_uncertainty_ns == 40);
    REQUIRE(session.kernels.size() == 12);
    for (std::size_t at = 0; at < 6; ++at) {
        const KernelRecord &a = session.kernels[at], &b = session.kernels[at + 6];
        CHECK(a.start_ns == b.start_ns);
        CHECK(session.name(a.name) == session.name(b.name));
        CHECK(a.device == 0);
        CHECK(b.device == 1);
        CHECK(a.correlation != b.correlation);
        CHECK(session.measurements[b.tag.measurement.value].run == RunId{1});
    }
    CHECK(session.api_calls[0].process == 4711);
    CHECK(session.api_calls[3].process != 4711);
    CHECK(session.runs[0].device.worker_process == 4711);
    CHECK(session.runs[1].device.worker_process == session.api_calls[3].process);
    CHECK(session.api_calls[3].correlation == session.kernels[6].correlation);
    CHECK(session.names.size() == 2);
}

TEST_CASE("a merged session is a session file like any other") {
    const auto path = std::filesystem::temp_directory_path() / ("moescope-merge-test-" + std::to_string(getpid()) + ".moescope");
    Session late = merged();
    RunRecord behind = late.runs[1];
    behind.device.clock_offset_ns = -5;
    late.runs.set(1, behind);
    REQUIRE(save_session(late, path));
    REQUIRE(read_session(path));
    CHECK(read_session(path)->runs[1].device.clock_offset_ns == -5);
    REQUIRE(save_session(merged(), path));
    const Result<Session> read = read_session(path);
    std::filesystem::remove(path);
    REQUIRE(read);
    REQUIRE(read->runs[1].plan.ranks);
    CHECK(read->runs[1].plan.ranks->rank == 1);
    CHECK(read->runs[1].plan.ranks->size == 2);
    CHECK(read->runs[1].device.clock_offset_ns == 777'000);
    CHECK(ranks_of(*read, {1}) == std::vector{RunId{0}, RunId{1}});
}

TEST_CASE("each rank is a process of the trace") {
    const TraceLayout layout = lay_out_trace(merged());
    CHECK(layout.devices.at(0) == "rank 0: GPU (cuda:0)");
    CHECK(layout.devices.at(1) == "rank 1: GPU (cuda:0)");
    REQUIRE(layout.hosts.size() == 2);
    CHECK(layout.hosts.at(4711) == "rank 0: moescope-worker (process 4711)");
    CHECK(layout.hosts.at(4712) == "rank 1: moescope-worker (process 4712)");
}

TEST_CASE("ranks are found together or not at all") {
    const Session session = merged();
    CHECK(ranks_of(session, {0}).size() == 2);
    CHECK(ranks_of(session, {2}).empty());
    const Session half = merge_ranks({{rank_session(0, 0, 1), {}, {}}}, "half");
    CHECK(ranks_of(half, {0}).empty());
    CHECK_FALSE(rank_traffic(half, {}));
}

TEST_CASE("a rank that is lost leaves its place, the reason and what the others measured") {
    const Error gone{"rank 1 is gone", "its connection ended", {}};
    const Session session = merge_ranks({{rank_session(0, 0, 3000), {}, {}}, {{}, {}, gone}}, "one of two");
    const std::vector<RunId> ranks = ranks_of(session, {0});
    REQUIRE(ranks.size() == 2);
    CHECK_FALSE(is_absent(session.runs[0]));
    CHECK(is_absent(session.runs[1]));
    CHECK(session.runs[1].state == RunRecord::State::Failed);
    CHECK(lost_ranks(session, ranks) == std::vector<std::string>{"rank 1 is gone: its connection ended"});
    const std::vector<RankStep> steps = rank_steps(session, ranks);
    REQUIRE(steps.size() == 1);
    CHECK(steps[0].slowest_ns == 5000);
    CHECK(steps[0].fastest_ns == 5000);
    CHECK(steps[0].exchange_ns == 3000);
    CHECK(steps[0].bus_bytes_per_second == 0); // who sent how much is not known
    CHECK_FALSE(steps[0].measurements[1].valid());
}

TEST_CASE("what a lost rank had measured is merged with the rest") {
    Session part = rank_session(1, 0, 2000);
    RunRecord run = part.runs[0];
    run.state = RunRecord::State::Running; // as its file says after it was killed
    part.runs.set(0, run);
    const Error gone{"rank 1 is gone", "its connection ended", {}};
    const Session session = merge_ranks({{rank_session(0, 0, 3000), {}, {}}, {part, {}, gone}}, "both");
    const std::vector<RunId> ranks = ranks_of(session, {0});
    REQUIRE(ranks.size() == 2);
    CHECK_FALSE(is_absent(session.runs[1]));
    CHECK(session.runs[1].state == RunRecord::State::Failed);
    CHECK(lost_ranks(session, ranks).size() == 1);
    REQUIRE(rank_steps(session, ranks).size() == 1);
    CHECK(rank_steps(session, ranks)[0].slowest_ns == 6000);
}

TEST_CASE("who sends whom how much follows from the routings") {
    const Session session = merged();
    const auto traffic = rank_traffic(session, ranks_of(session, {0}));
    REQUIRE(traffic);
    CHECK(traffic->rows == std::vector<std::int64_t>{10, 38, 24, 24});
    CHECK(traffic->row_bytes == 128); // 64 of bf16
    CHECK(traffic->arriving(0) == 34);
    CHECK(traffic->arriving(1) == 62);
    CHECK(traffic->link_bytes(0) == 38 * 128);
    CHECK(traffic->link_bytes(1) == 38 * 128);
    CHECK(traffic->mean_bytes() == 48 * 128);
    CHECK(traffic->imbalance() == Approx(62.0 / 48.0));
}

TEST_CASE("an exchange takes as long as on the rank that came last") {
    const Session session = merged();
    const std::vector<RankStep> steps = rank_steps(session, ranks_of(session, {0}));
    REQUIRE(steps.size() == 1);
    CHECK(steps[0].slowest_ns == 6000);
    CHECK(steps[0].fastest_ns == 5000);
    CHECK(steps[0].exchange_alone);
    CHECK(steps[0].exchange_ns == 2000);
    CHECK(steps[0].bus_bytes_per_second == Approx(38 * 128 / 2e-6));
    CHECK(steps[0].algorithm_bytes_per_second == Approx(48 * 128 / 2e-6));
}

TEST_CASE("with even counts the bus bandwidth is nccl-tests' for all-to-all") {
    RankTraffic even{4, std::vector<std::int64_t>(16, 100), 4096};
    CHECK(even.busiest_link_bytes() == Approx(even.mean_bytes() * 3 / 4));
    CHECK(even.imbalance() == 1);
}
