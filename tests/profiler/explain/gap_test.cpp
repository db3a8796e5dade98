#include "profiler/explain/gap.h"
#include "profiler/explain/repetition.h"
#include "profiler/session/session_builder.h"
#include "profiler/session/session_file.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_all.hpp>

using namespace moescope;
using Catch::Approx;
using Kind = GapPart::Kind;

namespace {

// 1 GB at 1 TB/s: a floor of 1 ms that the memory sets, 1.5 ms measured.
GapFacts memory_bound() {
    GapFacts facts{.time_ns = 1.5e6, .cost = {1e9, 1e11}, .ceilings = {1e12, 1e15, true, false}};
    facts.kernels = 1;
    return facts;
}

double sum(const Gap &gap) {
    double ns = 0;
    for (const GapPart &part : gap.parts)
        ns += part.ns;
    return ns;
}

double part(const Gap &gap, Kind kind) {
    for (const GapPart &one : gap.parts)
        if (one.kind == kind)
            return one.ns;
    return 0;
}

bool noted(const Gap &gap, const char *words) {
    for (const std::string &note : gap.notes)
        if (note.find(words) != std::string::npos)
            return true;
    return false;
}

} // namespace

TEST_CASE("without counters or tiles the gap is all rest", "[gap]") {
    const Gap gap = explain_gap(memory_bound());
    CHECK(gap.by == Bound::Memory);
    CHECK_FALSE(gap.counted);
    CHECK(part(gap, Kind::Floor) == Approx(1e6));
    CHECK(part(gap, Kind::Rest) == Approx(0.5e6));
    CHECK(gap.main_part()->kind == Kind::Rest);
    CHECK(headline(gap).find("1.50×") == 0);
}

TEST_CASE("what moves next to nothing has the launch for its floor", "[gap]") {
    GapFacts facts{.time_ns = 2600, .cost = {64e3, 0}, .ceilings = {4.67e12, 830e12, true, true}};
    facts.kernels = 2;
    facts.shortest_kernel_ns = 1600;
    facts.launch_gap_ns = 100;
    CHECK(explain_gap(facts).floor_ns < 15); // 64 kB take 14 ns
    facts.ceilings.launch_ns = 1450;
    facts.ceilings.launch_measured_ns = 1;
    const Gap gap = explain_gap(facts);
    CHECK(gap.by == Bound::Launch);
    CHECK(gap.floor_ns == 1450);
    CHECK(gap.parts[0].evidence == Evidence::Measured);
    CHECK(part(gap, Kind::Launches) == Approx(1050)); // the second one, as far as there is time
    CHECK(sum(gap) == Approx(2600));
    CHECK(headline(gap).find("1.79× its floor, which one launch sets.") == 0);
    facts.ceilings.launch_measured_ns = 0;
    CHECK(explain_gap(facts).parts[0].evidence == Evidence::Modelled);
    facts.cost.bytes = 4.67e6; // 1 us
    CHECK(explain_gap(facts).by == Bound::Launch);
    facts.cost.bytes = 9.34e6; // 2 us
    CHECK(explain_gap(facts).by == Bound::Memory);
}

TEST_CASE("bytes read again take the time they take at the ceiling", "[gap]") {
    GapFacts facts = memory_bound();
    facts.dram_bytes = 1.2e9;
    const Gap gap = explain_gap(facts);
    CHECK(part(gap, Kind::ReReads) == Approx(0.2e6));
    CHECK(part(gap, Kind::Rest) == Approx(0.3e6));
    CHECK(gap.parts[1].evidence == Evidence::Estimated); // the ceiling is assumed
    CHECK(gap.parts[1].words.find("1.20 GB") != std::string::npos);
}

TEST_CASE("re-reads that the matrix units hide cost nothing and are noted", "[gap]") {
    GapFacts facts = memory_bound();
    facts.cost.flops = 1.4e12; // 1.4 ms
    facts.dram_bytes = 1.2e9;
    const Gap gap = explain_gap(facts);
    CHECK(gap.by == Bound::MatrixUnits);
    CHECK(part(gap, Kind::ReReads) == 0);
    CHECK(noted(gap, "1.20 GB through DRAM"));
}

TEST_CASE("fewer bytes than the least are noted, not subtracted", "[gap]") {
    GapFacts facts = memory_bound();
    facts.dram_bytes = 0.9e9;
    const Gap gap = explain_gap(facts);
    CHECK(part(gap, Kind::ReReads) == 0);
    CHECK(noted(gap, "stayed there"));
    CHECK(sum(gap) == Approx(1.5e6));
}

TEST_CASE("padding costs what it adds to the larger of memory and matrix time", "[gap]") {
    GapFacts facts = memory_bound();
    facts.slots = 1000, facts.rows = 1500, facts.tile = {64};
    CHECK(part(explain_gap(facts), Kind::Padding) == 0); // 0.1 ms x 1.5 behind 1 ms of memory
    CHECK(noted(explain_gap(facts), "1,500 rows for 1,000 slots"));
    facts.cost.flops = 0.8e12; // 0.8 ms, padded 1.2 ms
    CHECK(part(explain_gap(facts), Kind::Padding) == Approx(0.2e6));
    facts.dram_bytes = 1.1e9;
    CHECK(part(explain_gap(facts), Kind::Padding) == Approx(0.1e6));
}

TEST_CASE("idle multiprocessors come from the counter, else from the waves", "[gap]") {
    GapFacts facts = memory_bound();
    facts.waves = waves_of(140, 1, 1, 132, 1);
    facts.tail_ns = 0.2e6;
    facts.launch_gap_ns = 0.05e6;
    const Gap waves = explain_gap(facts);
    CHECK(part(waves, Kind::IdleSms) == Approx(0.2e6));
    CHECK(part(waves, Kind::LaunchGaps) == Approx(0.05e6));
    facts.sm_active = 0.9;
    const Gap counted = explain_gap(facts);
    CHECK(part(counted, Kind::IdleSms) == Approx(0.1e6)); // 10 % of 1.5 ms, without the gaps
    CHECK(counted.parts[1].evidence == Evidence::Estimated);
    CHECK(counted.parts[1].words.find("140 blocks in 2 waves of 132") != std::string::npos);
    facts.counted_ns = 1.6e6; // counting took longer, with nothing running: 1.44 ms were active
    CHECK(part(explain_gap(facts), Kind::IdleSms) == Approx(0.01e6));
    facts.counted_ns = 2e6; // active for longer than the median: lower clocks, not idle
    CHECK(part(explain_gap(facts), Kind::IdleSms) == 0);
}

TEST_CASE("the last wave idles the multiprocessors it does not reach", "[gap]") {
    CHECK(idle_share(waves_of(132, 1, 1, 132, 1), 132) == 0);
    CHECK(idle_share(waves_of(66, 1, 1, 132, 1), 132) == Approx(0.5));
    CHECK(idle_share(waves_of(133, 1, 1, 132, 1), 132) == Approx(131.0 / 132 / 2));
    // Two blocks a multiprocessor: half a wave still reaches all of them.
    CHECK(idle_share(waves_of(132, 1, 1, 132, 2), 132) == 0);
    CHECK(idle_share({}, 132) == 0);
}

TEST_CASE("the parts never take more than the time there is", "[gap]") {
    GapFacts facts = memory_bound();
    facts.dram_bytes = 5e9;
    facts.sm_active = 0.1;
    facts.launch_gap_ns = 1e6;
    facts.shortest_kernel_ns = 1e6;
    facts.slots = 1, facts.rows = 128;
    const Gap gap = explain_gap(facts);
    CHECK(sum(gap) == Approx(1.5e6));
    for (const GapPart &one : gap.parts)
        CHECK(one.ns > 0);
}

TEST_CASE("a measurement at its floor or below it has no gap", "[gap]") {
    GapFacts facts = memory_bound();
    facts.time_ns = 0.8e6;
    facts.warm = true;
    const Gap gap = explain_gap(facts);
    CHECK(gap.main_part() == nullptr);
    CHECK(sum(gap) == Approx(0.8e6));
    CHECK(headline(gap).find("At the limit") == 0);
    CHECK(noted(gap, "warm"));
    facts.ceilings = {};
    CHECK(explain_gap(facts).parts.empty());
    CHECK(headline(explain_gap(facts)).find("not known") != std::string::npos);
}

TEST_CASE("facts are gathered from a session's routing, kernels and counters", "[gap]") {
    const SessionPtr session = test::sample_session();
    KernelsByMeasurement kernels;
    kernels.update(*session);
    CountersByMeasurement counters;
    counters.update(*session);
    MeasurementId fused;
    for (std::uint32_t i = 0; i < session->measurements.size(); ++i)
        if (session->measurements[i].run == RunId{0} &&
            session->measurements[i].op == OperatorId::GateUp &&
            session->measurements[i].variant == "fused")
            fused = {i};
    REQUIRE(fused.valid());
    const Measurement &m = session->measurements[fused.value];
    const GapFacts facts = gap_facts(*session, fused, kernels.of(fused), counters.whole(fused),
                                     shortest_kernel_ns(*session, m.run, kernels));
    CHECK(facts.slots == 8192 * 8);
    CHECK(facts.rows % 128 == 0);
    CHECK(facts.rows >= facts.slots);
    CHECK(facts.waves.blocks == facts.rows / 128 * 8); // 1024 columns in tiles of 128
    CHECK(facts.waves.capacity == 132); // 12.5 % of 2048 threads are one block of 256
    CHECK(facts.sm_active == Approx(0.875));
    CHECK(*facts.dram_bytes == Approx(1.1 * m.cost.bytes));
    CHECK(facts.shortest_kernel_ns > 0);
    const Gap gap = explain_gap(facts);
    CHECK(gap.counted);
    CHECK(sum(gap) == Approx(m.time.median));
}

TEST_CASE("Hopper's tiles are not padded to their size in the recorded sessions", "[gap]") {
    int wgmma = 0;
    for (const char *name : {"Mixtral-8x7B", "OLMoE-1B-7B", "Qwen3-30B-A3B", "Qwen3.5-35B-A3B"}) {
        const auto session = read_session(std::string(MOESCOPE_ASSETS "/sessions/") + name + ".moescope");
        REQUIRE(session.ok());
        for (std::uint32_t i = 0; i < session->measurements.size(); ++i) {
            const Measurement &m = session->measurements[i];
            if (m.op != OperatorId::GateUp && m.op != OperatorId::Down)
                continue;
            const GapFacts facts = gap_facts(*session, {i}, {}, nullptr, 0);
            CAPTURE(name, i, m.variant, m.config.text());
            CHECK(facts.tile.wgmma == m.config.is_wgmma());
            if (!facts.tile.wgmma) {
                CHECK(facts.rows % facts.tile.block_m == 0);
                continue;
            }
            ++wgmma;
            CHECK(facts.rows >= facts.slots);
            CHECK(facts.rows % 8 == 0);
            // At most a step and a dealt-out eight a tile.
            CHECK(double(facts.rows) < 1.15 * double(facts.slots));
            const Gap gap = explain_gap(facts);
            const auto longest = gap.main_part();
            CHECK((!longest || longest->kind != Kind::Padding));
        }
    }
    CHECK(wgmma > 0);
}
