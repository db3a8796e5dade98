#include "profiler/explain/memory_history.h"
#include "profiler/session/session_builder.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_all.hpp>

#include <algorithm>

using namespace moescope;
using Catch::Approx;

namespace {

class Ledger {
  public:
    Ledger() : builder_("t") {
        run.device.id = "cuda:0";
        run.started_ns = 100;
        run.finished_ns = 1000;
        id = builder_.add_run(run);
    }
    void add(std::int64_t time, std::int64_t bytes, std::uint64_t address, const char *label) {
        builder_.add(
            MemoryRecord{time, bytes, address, label ? builder_.intern(label) : NameId{}, Tag{}});
    }
    const Session &session() { return builder_.current(); }
    SessionBuilder &builder() { return builder_; }

    RunRecord run;
    RunId id;

  private:
    SessionBuilder builder_;
};

} // namespace

TEST_CASE("a history holds what every group has after each event", "[memory]") {
    Ledger ledger;
    ledger.add(50, 999, 0x10, "before the run");
    ledger.add(200, 100, 0x1000, "gate_up weights");
    ledger.add(300, 30, 0x2000, "gate_up workspace");
    ledger.add(400, -30, 0x2000, nullptr);  // a free needs no label of its own
    ledger.add(500, -777, 0x9000, nullptr); // of something the run did not allocate
    ledger.add(600, 20, 0x2000, "gate_up output");
    const MemoryHistory h = memory_history(ledger.session(), ledger.id, MemoryGrouping::Label);
    REQUIRE(h.steps.size() == 4);
    CHECK(h.groups ==
          std::vector<std::string>{"gate_up weights", "gate_up workspace", "gate_up output"});
    CHECK(h.steps[h.peak].total == 130);
    CHECK(h.steps[h.peak].time_ns == 300);
    CHECK(h.of(1, 1) == 30);
    CHECK(h.of(2, 1) == 0);
    CHECK(h.of(3, 2) == 20);
    CHECK(h.steps[3].total == 120);
    CHECK(h.at(0) == 0);
    CHECK(h.at(399) == 1);
    CHECK(h.at(400) == 2);
    CHECK(h.start_ns == 100);
    CHECK(h.end_ns == 1000);
}

TEST_CASE("what every group holds adds up to the total, however many are gathered", "[memory]") {
    const SessionPtr session = test::sample_session();
    const auto grouping =
        GENERATE(MemoryGrouping::Label, MemoryGrouping::Operator, MemoryGrouping::Purpose);
    const std::size_t most = GENERATE(2, 3, 8);
    const MemoryHistory h = memory_history(*session, RunId{0}, grouping, most);
    REQUIRE_FALSE(h.empty());
    CHECK(h.groups.size() <= most);
    for (std::size_t step = 0; step < h.steps.size(); ++step) {
        std::int64_t sum = 0;
        for (std::size_t group = 0; group < h.groups.size(); ++group) {
            CHECK(h.of(step, group) >= 0);
            sum += h.of(step, group);
        }
        CHECK(sum == h.steps[step].total);
        CHECK(h.steps[step].total <= h.steps[h.peak].total);
    }
}

TEST_CASE("groups too small to see are gathered, but not one alone", "[memory]") {
    Ledger ledger;
    ledger.add(200, 1'000'000, 0x100000, "big");
    ledger.add(210, 10, 0x1000, "small");
    const auto groups = [&] {
        return memory_history(ledger.session(), ledger.id, MemoryGrouping::Label).groups;
    };
    CHECK(groups() == std::vector<std::string>{"big", "small"});
    ledger.add(220, 20, 0x2000, "little");
    CHECK(groups() == std::vector<std::string>{"big", kOtherGroup});
    ledger.add(230, 400'000, 0x3000000, "half");
    CHECK(groups() == std::vector<std::string>{"big", "half", kOtherGroup});
}

TEST_CASE("labels tell what an allocation is for and whose it is", "[memory]") {
    CHECK(purpose_of("gate_up weights") == "weights");
    CHECK(purpose_of("gate_up LoRA A") == "LoRA matrices");
    CHECK(purpose_of("gate_up tile schedule") == "routing");
    CHECK(purpose_of("routing weights") == "routing");
    CHECK(purpose_of("dequantised weights") == "outputs");
    CHECK(purpose_of("quantised weights") == "weights");
    CHECK(purpose_of("routing workspace") == "workspace");
    CHECK(purpose_of("") == "library");
    CHECK(operator_in("gate_up weights") == "gate_up");
    CHECK(operator_in("gate_up_dx output") == "gate_up_dx");
    CHECK(operator_in("counts").empty());
}

TEST_CASE("an allocation without an operator's name belongs to what is measured next", "[memory]") {
    Ledger ledger;
    Measurement m{.run = ledger.id, .op = OperatorId::SelectiveDequant, .variant = "full"};
    const MeasurementId id = ledger.builder().add_measurement(m);
    KernelRecord kernel{.start_ns = 400, .end_ns = 500};
    kernel.tag = {id, 0};
    ledger.builder().add(kernel);
    ledger.add(200, 100, 0x1000, "quantised weights");
    ledger.add(600, 50, 0x2000, "quantised weights"); // nothing is measured after it
    const auto blocks = live_blocks(ledger.session(), ledger.id, 700);
    REQUIRE(blocks.size() == 2);
    CHECK(blocks[0].bytes == 100);
    CHECK(blocks[0].operator_name == "selective_dequant");
    CHECK(blocks[0].since_ns == 200);
    CHECK(blocks[1].operator_name.empty());
    CHECK(live_blocks(ledger.session(), ledger.id, 300).size() == 1);
    CHECK(live_blocks(ledger.session(), RunId{7}, 300).empty());
}

TEST_CASE("a column of a picture shows the most that was held in it", "[memory]") {
    Ledger ledger;
    ledger.add(200, 10, 0x1000, "a");
    ledger.add(300, 50, 0x2000, "b");
    ledger.add(310, -50, 0x2000, "b");
    ledger.add(700, 5, 0x3000, "c");
    const MemoryHistory h = memory_history(ledger.session(), ledger.id, MemoryGrouping::Label);
    const auto columns = highest_steps(h, 100, 1000, 9); // 100 ns each
    CHECK(columns == std::vector<std::size_t>{kNoStep, 0, 1, 2, 2, 2, 3, 3, 3});
    CHECK(highest_steps(h, 305, 400, 1) == std::vector<std::size_t>{1}); // still in force at first
    CHECK(highest_steps({}, 0, 10, 2) == std::vector<std::size_t>{kNoStep, kNoStep});
}

TEST_CASE("free addresses are counted in connected pieces", "[memory]") {
    Ledger ledger;
    ledger.add(200, 0x100, 0x1000, "a");
    ledger.add(210, 0x100, 0x1100, "b");
    ledger.add(220, 0x100, 0x1200, "c");
    ledger.add(230, 0x300, 0x9000, "d");
    CHECK(fragmentation(ledger.session(), ledger.id, 230).free == 0);
    CHECK(fragmentation(ledger.session(), ledger.id, 230).scattered() == 0);
    ledger.add(240, -0x100, 0x1000, "a");
    ledger.add(250, -0x300, 0x9000, "d");
    ledger.add(260, -0x100, 0x1200, "c");
    const Fragmentation f = fragmentation(ledger.session(), ledger.id, 300);
    CHECK(f.live == 0x100);
    CHECK(f.free == 0x500);
    CHECK(f.largest_free == 0x300);
    CHECK(f.pieces == 3);
    CHECK(f.scattered() == Approx(0.4));
    ledger.add(310, -0x100, 0x1100, "b"); // joins its neighbours
    const Fragmentation joined = fragmentation(ledger.session(), ledger.id, 400);
    CHECK(joined.pieces == 2);
    CHECK(joined.free == 0x600);
    CHECK(joined.largest_free == 0x300);
    ledger.add(320, 0x80, 0x1080, "e"); // in the middle of the freed piece
    const Fragmentation reused = fragmentation(ledger.session(), ledger.id, 400);
    CHECK(reused.pieces == 3);
    CHECK(reused.live == 0x80);
    CHECK(reused.free == 0x600 - 0x80);
}
