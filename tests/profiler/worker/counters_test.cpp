// The counter passes' decisions, with counters by script.
#include "profiler/worker/counters.h"
#include "profiler/worker/runner.h"
#include "tests/profiler/client/small_plan.h"
#include "tests/profiler/worker/fake_device.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace moescope;
using namespace moescope::testing;

namespace {

// What happened, and what is to happen, across all sources of a test.
struct Script {
    std::vector<std::string> offered = {"a.sum", "b.sum", "fallback.sum"};
    int passes = 3;
    std::size_t kernels = 2;
    bool never_ends = false;
    std::function<void()> on_begin;
    std::function<void(int pass)> on_pass; // before it ends
    int opened = 0, begun = 0, passed = 0, finished = 0, closed = 0;
};

class ScriptedSource final : public CounterSource {
  public:
    ScriptedSource(Script &script, NameTable &names) : script_(script), names_(names) { ++script_.opened; }
    ~ScriptedSource() override { ++script_.closed; }

    bool offers(const std::string &metric) override { return std::ranges::find(script_.offered, metric) != script_.offered.end(); }
    NameId intern(std::string_view name) override { return names_.intern(name); }
    Result<std::int32_t> begin(const std::vector<std::string> &metrics, Ranges ranges, std::size_t) override {
        ++script_.begun;
        metrics_ = metrics;
        ranges_ = ranges;
        pass_ = 0;
        return script_.passes;
    }
    Status begin_pass() override {
        ++script_.passed;
        if (script_.on_begin)
            script_.on_begin();
        return {};
    }
    Result<bool> end_pass() override {
        if (script_.on_pass)
            script_.on_pass(pass_);
        return ++pass_ >= script_.passes && !script_.never_ends;
    }
    // The whole is 100 and more, kernels are 0, 1, ...; the second metric ten times that.
    Result<std::vector<Range>> finish() override {
        ++script_.finished;
        std::vector<Range> ranges;
        for (std::size_t i = 0; i < (ranges_ == Ranges::Whole ? 1 : script_.kernels); ++i) {
            Range range{std::to_string(i), {}};
            for (std::size_t metric = 0; metric < metrics_.size(); ++metric)
                range.values.push_back((ranges_ == Ranges::Whole ? 100 : double(i)) * (metric == 0 ? 1 : 10));
            ranges.push_back(range);
        }
        return ranges;
    }

  private:
    Script &script_;
    NameTable &names_;
    std::vector<std::string> metrics_;
    Ranges ranges_ = Ranges::Whole;
    int pass_ = 0;
};

Plan counting_plan() {
    Plan plan = small_plan({"softmax_topk"});
    plan.device = "cuda:0";
    plan.items.resize(1);
    plan.counters = {"missing.sum|fallback.sum", "a.sum", "nowhere.sum"};
    return plan;
}

struct Run {
    Script script;
    FakeDevice device;
    CollectedEvents events;
    TunedConfigs tuned{""};
    std::atomic<bool> cancelled = false;

    Run() {
        device.make_counters = [this]() -> Result<std::unique_ptr<CounterSource>> {
            return std::unique_ptr<CounterSource>(std::make_unique<ScriptedSource>(script, device.names));
        };
    }
    RunOutcome operator()(const Plan &plan) { return run_plan(device, plan, events, tuned, cancelled); }
    bool logged(std::string_view text) const {
        return std::ranges::any_of(events.logs, [&](const std::string &log) { return log.find(text) != log.npos; });
    }
};

} // namespace

TEST_CASE("counters are read over the repetition, then kernel by kernel, by name and place") {
    Run run;
    CHECK(run(counting_plan()).state == RunRecord::State::Done);
    CHECK(run.events.failures.empty());
    REQUIRE(run.events.counters.size() == 2 * (1 + 2));
    const auto name = [&](NameId id) { return id.valid() ? run.device.names.all()[id.value] : ""; };
    const CounterRecord &whole = run.events.counters[0], &first = run.events.counters[2], &last = run.events.counters[5];
    CHECK(whole.kernel == -1);
    CHECK_FALSE(whole.range.valid());
    CHECK(name(whole.metric) == "fallback.sum");
    CHECK(whole.value == 100);
    CHECK(first.kernel == 0);
    CHECK(name(first.range) == "fake_kernel");
    CHECK(last.kernel == 1);
    CHECK(name(last.metric) == "a.sum");
    CHECK(last.value == 10);
    CHECK(run.script.passed == 2 * run.script.passes);
    CHECK(run.script.finished == 2);
    CHECK(run.logged("6 counter passes"));
    CHECK(run.logged("the result unchanged bit for bit"));
    CHECK(run.logged("not offered by this chip: nowhere.sum"));
}

TEST_CASE("counter passes add nothing to the times, and a source is closed again") {
    Plan plan = counting_plan();
    Run with, without;
    with(plan);
    plan.counters.clear();
    without(plan);
    CHECK(with.events.measurements.back().samples_ns == without.events.measurements.back().samples_ns);
    CHECK(without.script.opened == 0);
    CHECK(with.script.opened == 2); // once to see whether it may, once to read
    CHECK(with.script.closed == 2);
}

TEST_CASE("kernels other than the captured ones are numbered rather than misnamed") {
    Run run;
    run.script.kernels = 3;
    run(counting_plan());
    REQUIRE(run.events.counters.size() == 2 * (1 + 3));
    CHECK(run.device.names.all()[run.events.counters.back().range.value] == "kernel 3");
}

TEST_CASE("whoever may not read counters learns it once, and is measured all the same") {
    Run run;
    run.device.make_counters = []() -> Result<std::unique_ptr<CounterSource>> {
        return Error{"hardware counters", "no leave", "ask the administrator"};
    };
    CHECK(run(counting_plan()).state == RunRecord::State::Done);
    CHECK(run.events.counters.empty());
    CHECK(run.events.failures.empty());
    CHECK(std::ranges::count_if(run.events.logs, [](const std::string &log) { return log.find("no leave") != log.npos; }) == 1);
    CHECK(run.events.measurements.back().state == Measurement::State::Done);
}

TEST_CASE("a pass that changes the result fails its counters and not the measurement") {
    static bool in_pass; // the kernel table holds plain functions
    static ms_status (*kernel)(const ms_topk_args *, ms_stream);
    in_pass = false;
    Run run;
    kernel = run.device.table.topk;
    run.device.table.topk = [](const ms_topk_args *args, ms_stream stream) {
        const ms_status status = kernel(args, stream);
        if (in_pass)
            static_cast<std::int32_t *>(args->ids)[0] ^= 1;
        return status;
    };
    run.script.on_begin = [] { in_pass = true; };
    run.script.on_pass = [](int) { in_pass = false; };
    CHECK(run(counting_plan()).state == RunRecord::State::Done);
    REQUIRE(run.events.failures.size() == 1);
    CHECK(run.events.failures[0].second.why.find("from the one before") != std::string::npos);
    CHECK(run.events.counters.empty());
    CHECK(run.events.measurements.back().state == Measurement::State::Done);
}

TEST_CASE("passes that do not come to an end are given up, and what was begun is ended") {
    Run run;
    run.script.never_ends = true;
    run(counting_plan());
    REQUIRE(run.events.failures.size() == 1);
    CHECK(run.events.failures[0].second.why == "the passes do not come to an end");
    CHECK(run.script.finished == run.script.begun);
    CHECK(run.script.closed == run.script.opened);
}

TEST_CASE("a plan that is cancelled stops between passes") {
    Run run;
    run.script.on_pass = [&](int pass) { run.cancelled = pass == 1; };
    CHECK(run(counting_plan()).state == RunRecord::State::Cancelled);
    CHECK(run.script.passed == 2);
    CHECK(run.script.closed == run.script.opened);
    CHECK(run.logged("stopped before the last"));
}
