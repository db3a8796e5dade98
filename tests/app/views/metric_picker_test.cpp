#include "app/views/capabilities.h"
#include "app/views/metric_picker.h"
#include "app/views/workload.h"

#include <catch2/catch_test_macros.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace moescope;

namespace {

MetricSets shipped() { return load_metric_sets(MOESCOPE_ASSETS "/metrics.json").value(); }

// A worker that answers when told to.
struct Lab {
    std::vector<MetricsRequest> asked;
    std::map<std::uint64_t, std::shared_ptr<const MetricsAnswer>> ready;
    MetricPickerActions actions{.ask =
                                    [this](MetricsRequest request) {
                                        asked.push_back(std::move(request));
                                        return std::uint64_t(asked.size());
                                    },
                                .take_answer =
                                    [this](std::uint64_t question) {
                                        const auto found = ready.extract(question);
                                        return found ? found.mapped() : nullptr;
                                    }};
    void answer(std::size_t question, std::int32_t passes) {
        MetricsAnswer answer;
        answer.chip = "GH100";
        answer.passes = passes;
        answer.readable = asked[question - 1].metrics;
        ready[question] = std::make_shared<const MetricsAnswer>(answer);
    }
};

} // namespace

TEST_CASE("a choice of counters is named by its set, or counted") {
    const MetricSets sets = shipped();
    std::vector<std::string> chosen;
    CHECK(counters_summary(sets, chosen) == "none");
    chosen = sets.wanted(*sets.find_set("basic"));
    CHECK(counters_summary(sets, chosen) == "Basic");
    const MetricInfo more{"sm__inst_executed", MetricKind::Counter, "", "", "sm"};
    choose(chosen, more, true);
    choose(chosen, more, true);
    CHECK(counters_summary(sets, chosen) == "7 metrics");
    choose(chosen, more, false);
    CHECK(counters_summary(sets, chosen) == "Basic");
    CHECK(counters_summary(sets, {"a.sum"}) == "1 metric");
}

TEST_CASE("a metric is ticked under any of its names, and a tick taken away takes the alternatives too") {
    const MetricInfo hopper{"dram__bytes_read", MetricKind::Counter, "", "byte", "dram"};
    const MetricInfo blackwell{"dram__bytes_op_read", MetricKind::Counter, "", "byte", "dram"};
    const MetricInfo longer{"dram__bytes_read_more", MetricKind::Counter, "", "byte", "dram"};
    std::vector<std::string> chosen{"dram__bytes_read.sum|dram__bytes_op_read.sum", "lts__t_bytes.sum"};
    CHECK(is_chosen(chosen, hopper));
    CHECK(is_chosen(chosen, blackwell));
    CHECK_FALSE(is_chosen(chosen, longer));
    choose(chosen, blackwell, false);
    CHECK(chosen == std::vector<std::string>{"lts__t_bytes.sum"});
    chosen = {"dram__bytes_read.avg.per_second"}; // another suffix, from the command line
    CHECK(is_chosen(chosen, hopper));
}

TEST_CASE("the worker is asked once a wish: again when the choice, the chip or the device changes") {
    Lab lab;
    MetricPickerState state;
    const auto frame = [&](bool listing) { update_questions(state, "cuda:0", listing, lab.actions); };
    frame(false);
    CHECK(lab.asked.empty()); // nothing chosen, nothing listed
    frame(true);
    frame(true);
    REQUIRE(lab.asked.size() == 1);
    CHECK(lab.asked[0].catalogue);
    lab.answer(1, 0);
    frame(true);
    REQUIRE(state.catalogue.answer);

    state.chosen = {"a.sum"};
    frame(true);
    frame(true);
    REQUIRE(lab.asked.size() == 2);
    CHECK_FALSE(lab.asked[1].catalogue);
    CHECK(counters_cost(state).empty());
    state.chosen = {"a.sum", "b.sum"}; // changed while the answer is under way
    frame(true);
    CHECK(lab.asked.size() == 2);
    lab.answer(2, 1);
    frame(true);
    REQUIRE(lab.asked.size() == 3);
    CHECK(counters_cost(state).empty()); // that answer was of the last choice
    lab.answer(3, 2);
    frame(true);
    CHECK(counters_cost(state) == "2 passes on GH100");
    state.chip = "AD102";
    frame(true);
    CHECK(lab.asked.size() == 5); // catalogue and cost
    forget_questions(state);
    frame(true);
    CHECK(lab.asked.size() == 7);
}

TEST_CASE("without a worker nothing is asked, and the wish is asked once there is one") {
    MetricPickerState state;
    state.chosen = {"a.sum"};
    update_questions(state, "cpu", true, {});
    int asked = 0;
    bool there = false;
    const MetricPickerActions actions{.ask = [&](const MetricsRequest &) -> std::uint64_t { return there ? ++asked : 0; },
                                      .take_answer = [](std::uint64_t) { return nullptr; }};
    update_questions(state, "cpu", true, actions);
    CHECK(asked == 0);
    there = true;
    update_questions(state, "cpu", true, actions);
    CHECK(asked == 2);
}

TEST_CASE("Run reads the chosen counters, Live does not, and a session's plan brings its own") {
    WorkloadState state;
    state.counters.chosen = {"a.sum"};
    CHECK(make_plan(state, false)->counters == state.counters.chosen);
    CHECK(make_plan(state, true)->counters.empty());
    Plan plan = make_plan(state, false).value();
    plan.counters = {"b.sum"};
    take_over(state, plan);
    CHECK(state.counters.chosen == std::vector<std::string>{"b.sum"});
}

TEST_CASE("a device that gives no counters says so beside the choice, with the remedy") {
    DeviceInfo device;
    device.id = "cuda:0";
    CHECK(counters_refusal(nullptr).empty());
    CHECK(counters_refusal(&device).empty());
    device.capabilities = {{"hardware counters", "refused", "administrators only", "run as root"}};
    CHECK(counters_refusal(&device) == "cuda:0 reads none: administrators only; run as root.");
    device.capabilities[0].state = "ok";
    CHECK(counters_refusal(&device).empty());
}

TEST_CASE("every collector a worker reports has a word on what it is for") {
    for (const char *collector : {"cuda events", "cupti activity", "hardware counters", "pm sampling", "pc sampling", "nvml", "host clock"})
        CHECK(std::string(collector_purpose(collector)).size() > 20);
}
