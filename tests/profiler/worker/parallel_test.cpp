// An expert-parallel layer over ranks that are threads here, each with a CPU device of its own, against
// the same layer of one device.
#include "profiler/base/try.h"
#include "profiler/worker/check.h"
#include "profiler/worker/cpu_device.h"
#include "profiler/worker/cpu_info.h"
#include "profiler/worker/operators/operator.h"
#include "profiler/worker/ranks/rank_group.h"
#include "profiler/worker/runner.h"
#include "tests/profiler/client/small_plan.h"
#include "tests/profiler/worker/fake_device.h"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace moescope;
using namespace moescope::testing;

namespace {

Workload workload_of(std::int64_t tokens, Skew skew = {}) {
    Workload workload = small_workload();
    workload.model.experts = 12;
    workload.tokens = tokens;
    workload.skew = skew;
    return workload;
}

using Bytes = std::vector<std::uint8_t>;

Status output_of(Device &device, const Workload &workload, const PreparedRouting &routing, OperatorId op,
                 std::string_view variant, Bytes &out) {
    const std::unique_ptr<Operator> bound = make_operator(op);
    MOESCOPE_TRY(bound->prepare(device, workload, routing));
    MOESCOPE_TRY(bound->select(variant, {}));
    for (const OutputView &view : bound->outputs())
        MOESCOPE_TRY(device.fill_byte(view.data, 0xff, view.bytes()));
    MOESCOPE_TRY(bound->launch());
    for (const OutputView &view : bound->outputs()) {
        out.resize(std::size_t(view.bytes()));
        MOESCOPE_TRY(device.download(out.data(), view.data, view.bytes()));
    }
    return {};
}

Bytes alone(const Workload &workload, std::string_view variant = "base") {
    NameTable names;
    const std::unique_ptr<Device> device = make_cpu_device(describe_cpu(), names);
    Result<PreparedRouting> routing = prepare_routing(*device, workload);
    REQUIRE(routing);
    Bytes out;
    REQUIRE(output_of(*device, workload, *routing, OperatorId::MoeMlp, variant, out));
    return out;
}

Status one_rank(const MeetingPlace &place, const Workload &workload, OperatorId op, std::string_view variant, Bytes &out) {
    NameTable names;
    const std::unique_ptr<Device> device = make_cpu_device(describe_cpu(), names);
    Result<std::unique_ptr<RankGroup>> group = RankGroup::join(place, *device);
    MOESCOPE_TRY(group);
    Result<PreparedRouting> routing = prepare_routing(*device, workload, share_of(workload.tokens, place.rank, place.size));
    MOESCOPE_TRY(routing);
    routing->ranks = group->get();
    return output_of(*device, workload, *routing, op, variant, out);
}

void on_ranks(std::int32_t size, const std::function<Status(const MeetingPlace &)> &work) {
    const Result<std::int32_t> port = free_port();
    REQUIRE(port);
    std::vector<Status> done(static_cast<std::size_t>(size));
    std::vector<std::thread> threads;
    for (std::int32_t rank = 0; rank < size; ++rank)
        threads.emplace_back([&, rank] { done[std::size_t(rank)] = work({rank, size, "127.0.0.1", *port, "test"}); });
    for (std::thread &thread : threads)
        thread.join();
    for (const Status &status : done) {
        INFO((status ? "" : status.error().sentence()));
        CHECK(status);
    }
}

Bytes together(std::int32_t size, const Workload &workload, OperatorId op, std::string_view variant) {
    std::vector<Bytes> parts(static_cast<std::size_t>(size));
    on_ranks(size, [&](const MeetingPlace &place) {
        return one_rank(place, workload, op, variant, parts[std::size_t(place.rank)]);
    });
    Bytes all;
    for (const Bytes &part : parts)
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

Plan rank_plan(const MeetingPlace &place, std::int64_t tokens) {
    Plan plan = small_plan();
    plan.workload = workload_of(tokens);
    plan.items = {{OperatorId::EpDispatch, "counts_first", {}}, {OperatorId::EpDispatch, "known_counts", {}},
                  {OperatorId::EpExperts, "base", {}},          {OperatorId::EpCombine, "base", {}},
                  {OperatorId::EpLayer, "counts_first", {}},    {OperatorId::EpLayer, "known_counts", {}},
                  {OperatorId::EpExperts, "extra_k", {}},       {OperatorId::EpLayer, "extra_k", {}}};
    plan.ranks = place;
    return plan;
}

} // namespace

TEST_CASE("ranks together give bit for bit what one device gives") {
    for (const std::int32_t size : {1, 2, 3, 4})
        for (const Skew &skew : {Skew{}, Skew{Skew::Kind::Zipf, 2.0}, Skew{Skew::Kind::Hot, 1.0}}) {
            INFO(size << " ranks, " << skew.text());
            const Workload workload = workload_of(50, skew); // shares of 17, 17 and 16
            const Bytes expected = alone(workload);
            CHECK(together(size, workload, OperatorId::EpLayer, "counts_first") == expected);
            CHECK(together(size, workload, OperatorId::EpLayer, "known_counts") == expected);
            CHECK(together(size, workload, OperatorId::EpCombine, "base") == expected);
        }
}

TEST_CASE("ranks with LoRA give bit for bit what one device with LoRA gives") {
    for (const std::int32_t size : {1, 3, 4}) {
        INFO(size << " ranks");
        const Workload workload = workload_of(50);
        const Bytes expected = alone(workload, "extra_k");
        CHECK(together(size, workload, OperatorId::EpLayer, "extra_k") == expected);
        CHECK(expected != alone(workload)); // it is not nothing
    }
}

TEST_CASE("ranks without tokens or without rows take part all the same") {
    for (const std::int64_t tokens : {1, 2, 3}) {
        INFO(tokens << " tokens");
        const Workload workload = workload_of(tokens, {Skew::Kind::Hot, 1.0});
        CHECK(together(4, workload, OperatorId::EpLayer, "counts_first") == alone(workload));
    }
}

TEST_CASE("a dispatched row arrives once for each slot of its token") {
    const Workload workload = workload_of(40);
    const Bytes rows = together(3, workload, OperatorId::EpDispatch, "counts_first");
    CHECK(rows.size() == std::size_t(workload.slots() * workload.model.hidden * 2));
}

TEST_CASE("a plan of several ranks is carried out in step, and checked against one device") {
    constexpr std::int32_t kSize = 3;
    std::vector<CollectedEvents> events(kSize);
    std::vector<RunOutcome> outcomes(kSize);
    on_ranks(kSize, [&](const MeetingPlace &place) -> Status {
        const auto rank = std::size_t(place.rank);
        NameTable names;
        TunedConfigs tuned("");
        const std::atomic<bool> cancelled = false;
        const std::unique_ptr<Device> device = make_cpu_device(describe_cpu(), names);
        const Plan plan = rank_plan(place, 31);
        MOESCOPE_TRY(validate(plan));
        outcomes[rank] = run_plan(*device, plan, events[rank], tuned, cancelled);
        return {};
    });
    std::vector<std::size_t> samples;
    for (std::size_t rank = 0; rank < kSize; ++rank) {
        CHECK(outcomes[rank].state == RunRecord::State::Done);
        CHECK(events[rank].failures.empty());
        std::vector<std::size_t> mine;
        for (const Measurement &measurement : events[rank].measurements) {
            if (measurement.state != Measurement::State::Done)
                continue;
            mine.push_back(measurement.samples_ns.size());
            const bool whole = measurement.op == OperatorId::EpCombine || measurement.op == OperatorId::EpLayer;
            CHECK(measurement.relative_error == (whole ? 0 : -1));
            CHECK(measurement.reference == (whole ? "one device's layer" : ""));
        }
        CHECK(mine.size() == 8);
        if (rank == 0)
            samples = mine;
        CHECK(mine == samples);
    }
}

TEST_CASE("a rank that fails ends the waiting of all others") {
    std::vector<Status> ended(3);
    on_ranks(3, [&](const MeetingPlace &place) -> Status {
        NameTable names;
        const std::unique_ptr<Device> device = make_cpu_device(describe_cpu(), names);
        Result<std::unique_ptr<RankGroup>> group = RankGroup::join(place, *device);
        MOESCOPE_TRY(group);
        if (place.rank == 2)
            (*group)->leave();
        else if (const auto answer = (*group)->as_rank_0(1); !answer)
            ended[std::size_t(place.rank)] = answer.error();
        return {};
    });
    CHECK_FALSE(ended[0]);
    CHECK_FALSE(ended[1]);
}

TEST_CASE("what ranks cannot do is said before anything runs") {
    const MeetingPlace five{0, 5, "127.0.0.1", 1, ""};
    const Status uneven = validate(rank_plan(five, 48));
    REQUIRE_FALSE(uneven);
    CHECK(uneven.error().why == "12 experts cannot be shared evenly by 5 ranks");

    Plan plan = rank_plan({0, 2, "127.0.0.1", 1, ""}, 48);
    CHECK(validate(plan));
    plan.counters = {"dram__bytes_read.sum"};
    CHECK_FALSE(validate(plan));

    Plan single = rank_plan({0, 2, "127.0.0.1", 1, ""}, 48);
    single.ranks.reset();
    REQUIRE_FALSE(validate(single));
    CHECK(validate(single).error().why == "several ranks run it together");
    CHECK_FALSE(can_run(workload_of(48), OperatorId::GateUp, "base", 2));
}
