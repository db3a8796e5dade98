// What a lost connection does to a run, message by message.
#include "profiler/client/session_feed.h"
#include "profiler/protocol/codec.h"
#include "profiler/protocol/record_columns.h"
#include "tests/profiler/client/small_plan.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;
using State = Measurement::State;

namespace {

// A run of the four variants of gate_up, tuned first, as a worker tells it.
class Told {
  public:
    explicit Told(bool sampling = false) {
        plan = testing::small_plan({"gate_up"});
        plan.pc_sampling = sampling;
        plan.tune = {plan.items[0], plan.items[1]};
        DeviceInfo device;
        device.id = "cuda:0";
        feed.begin_run(1, plan, device, 1000);
        name("gate_up_kernel");
    }

    void name(const std::string &text) {
        wire::FromWorker message;
        message.mutable_names()->add_names(text);
        REQUIRE(feed.apply(message));
    }
    void measurement(std::uint32_t item, State state, std::vector<float> samples) {
        Measurement told;
        told.op = plan.items[0].op;
        told.variant = asked[item].variant;
        told.state = state;
        told.time = summarize(samples);
        told.samples_ns = std::move(samples);
        wire::FromWorker message;
        message.mutable_measurement()->set_request(feed.request());
        message.mutable_measurement()->set_item(item);
        to_wire(told, message.mutable_measurement()->mutable_measurement());
        REQUIRE(feed.apply(message));
    }
    void kernel(std::uint32_t item, std::int32_t repetition) {
        KernelRecord record;
        record.name = NameId{0};
        record.correlation = 7;
        record.tag = {MeasurementId{item}, repetition};
        wire::FromWorker message;
        message.mutable_records()->set_request(feed.request());
        to_wire(std::vector{record}, message.mutable_records()->mutable_kernels());
        REQUIRE(feed.apply(message));
    }
    void counter(std::uint32_t item) {
        CounterRecord record;
        record.measurement = MeasurementId{item};
        record.metric = NameId{0};
        wire::FromWorker message;
        message.mutable_records()->set_request(feed.request());
        to_wire(std::vector{record}, message.mutable_records()->mutable_counters());
        REQUIRE(feed.apply(message));
    }
    void candidate(std::uint32_t number, const PlanItem &item, Candidate::Fate fate) {
        Candidate told;
        told.op = item.op;
        told.variant = item.variant;
        told.config.block_m = 64;
        told.fate = fate;
        wire::FromWorker message;
        message.mutable_candidate()->set_request(feed.request());
        message.mutable_candidate()->set_number(number);
        to_wire(told, message.mutable_candidate()->mutable_candidate());
        REQUIRE(feed.apply(message));
    }
    // The next worker is asked for what is left.
    void reconnect() {
        const std::optional<Plan> rest = feed.rest_after_loss();
        REQUIRE(rest);
        asked = rest->items;
        tuned = rest->tune;
        feed.suspend_run(2000);
        feed.worker_started();
        feed.continue_run(++request);
        name("gate_up_kernel");
    }
    const Session &session() const { return builder.current(); }

    Plan plan;
    SessionBuilder builder{"test"};
    SessionFeed feed{builder};
    std::vector<PlanItem> asked = testing::small_plan({"gate_up"}).items, tuned;
    std::uint64_t request = 1;
};

} // namespace

TEST_CASE("after a lost connection an item's new samples follow those that were received, and so do its repetitions") {
    Told told;
    told.measurement(0, State::Done, {1, 2, 3});
    told.measurement(1, State::Running, {10, 20});
    told.kernel(1, 0);
    told.kernel(1, 1);
    told.kernel(1, 2); // its sample had not come yet
    told.counter(1);
    told.reconnect();
    REQUIRE(told.asked.size() == 3);
    CHECK(told.tuned.empty()); // that was before the first item

    told.measurement(0, State::Running, {});
    CHECK(told.session().measurements[1].samples_ns == std::vector<float>{10, 20});
    told.kernel(0, -1);
    told.kernel(0, 0);
    told.counter(0);
    told.measurement(0, State::Done, {30, 40});
    told.measurement(1, State::Done, {5});
    const Session &session = told.session();
    CHECK(session.measurements[0].samples_ns == std::vector<float>{1, 2, 3});
    CHECK(session.measurements[1].samples_ns == std::vector<float>{10, 20, 30, 40});
    CHECK(session.measurements[1].time == summarize(session.measurements[1].samples_ns));
    CHECK(session.measurements[2].samples_ns == std::vector<float>{5});
    CHECK(session.measurements.size() == 4);
    std::vector<std::int32_t> repetitions;
    for (const KernelRecord &record : session.kernels) {
        CHECK(record.tag.measurement == MeasurementId{1});
        repetitions.push_back(record.tag.repetition);
    }
    CHECK(repetitions == std::vector<std::int32_t>{0, 1, 2, -1, 3});
    CHECK(session.counters.size() == 1);
    CHECK(session.kernels[0].correlation != session.kernels[4].correlation);
}

TEST_CASE("a tuning that a lost connection broke off goes on where no best tile is known, and no candidate is there twice") {
    Told told;
    told.candidate(0, told.plan.items[0], Candidate::Fate::Best);
    told.candidate(1, told.plan.items[1], Candidate::Fate::Timed);
    told.reconnect();
    CHECK(told.asked.size() == 4);
    REQUIRE(told.tuned.size() == 1);
    CHECK(told.tuned[0].variant == told.plan.items[1].variant);
    told.candidate(0, told.plan.items[1], Candidate::Fate::Queued);
    CHECK(told.session().candidates[1].fate == Candidate::Fate::Timed); // what was known stays
    told.candidate(0, told.plan.items[1], Candidate::Fate::Best);
    CHECK(told.session().candidates[1].fate == Candidate::Fate::Best);
    CHECK(told.session().candidates.size() == 2);
}

TEST_CASE("a run that had everything when its connection was lost is done, and its sampling is said to be missing") {
    for (const bool sampling : {false, true}) {
        Told told(sampling);
        for (std::uint32_t item = 0; item < 4; ++item)
            told.measurement(item, State::Done, {1});
        CHECK_FALSE(told.feed.rest_after_loss());
        told.feed.end_lost_run({"the connection was lost", "", ""}, 3000);
        CHECK(told.session().runs[0].state == RunRecord::State::Done);
        CHECK(told.session().failures.size() == std::size_t(sampling));
    }
}

TEST_CASE("a worker that dies after a lost connection is followed by one that leaves out what killed it") {
    Told told;
    told.measurement(0, State::Done, {1});
    told.measurement(1, State::Running, {2});
    told.reconnect();
    told.measurement(0, State::Done, {3});
    told.measurement(1, State::Running, {4});
    const auto rest = told.feed.rest_of_run();
    REQUIRE(rest);
    REQUIRE(rest->plan.items.size() == 1);
    CHECK(rest->plan.items[0].variant == told.plan.items[3].variant);
    CHECK(rest->without == "gate_up/" + told.plan.items[2].variant);
}
