#include "app/views/autotune_landscape.h"
#include "profiler/session/session_builder.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_all.hpp>

#include <set>

using namespace moescope;
using Catch::Approx;

namespace {

Candidate candidate(TileConfig config, Candidate::Fate fate, double ns = 0) {
    Candidate c;
    c.run = {0};
    c.variant = "fused";
    c.config = config;
    c.fate = fate;
    c.time.median = ns;
    return c;
}

std::vector<CandidateId> all_of(const Session &session) {
    return candidates_of(session, {0}, OperatorId::GateUp, "fused");
}

} // namespace

TEST_CASE("every candidate is in exactly one cell of the landscape, whatever the pivot",
          "[autotune]") {
    const SessionPtr session = test::sample_session();
    const auto candidates = all_of(*session);
    REQUIRE(candidates.size() == 24);
    for (const TileField row : kTileFields)
        for (const TileField column : kTileFields) {
            if (row == column)
                continue;
            const Landscape landscape = pivot(*session, candidates, row, column);
            std::multiset<CandidateId> seen;
            for (const Landscape::Panel &panel : landscape.panels) {
                REQUIRE(panel.cells.size() == panel.rows.size() * panel.columns.size());
                for (std::size_t i = 0; i < panel.cells.size(); ++i) {
                    if (!panel.cells[i].valid())
                        continue;
                    seen.insert(panel.cells[i]);
                    const TileConfig &config = session->candidates[panel.cells[i].value].config;
                    CHECK(value_of(config, row) == panel.rows[i / panel.columns.size()]);
                    CHECK(value_of(config, column) ==
                          panel.columns[i % panel.columns.size()]);
                    for (std::size_t f = 0; f < 3; ++f)
                        CHECK(value_of(config, landscape.panel_fields[f]) == panel.key[f]);
                }
            }
            CHECK(seen == std::multiset<CandidateId>(candidates.begin(), candidates.end()));
        }
}

TEST_CASE("a panel has only rows and columns with a tile, and the panel of the fastest tile comes first", "[autotune]") {
    using enum Candidate::Fate;
    const auto made = [](Candidate::Fate last) {
        SessionBuilder builder("t");
        builder.add_run({});
        builder.add_candidate(candidate({.block_m = 16, .block_n = 32, .block_k = 16, .warps = 1, .stages = 2}, Timed, 900));
        builder.add_candidate(candidate({.block_m = 128, .block_n = 256, .block_k = 64, .warps = 8, .stages = 4}, Best, 100));
        builder.add_candidate(candidate({.block_m = 64, .block_n = 128, .block_k = 64, .warps = 8, .stages = 4}, Timed, 200));
        builder.add_candidate(candidate({.block_m = 64, .block_n = 64, .block_k = 32, .warps = 4, .stages = 3}, last, 0));
        return builder.snapshot();
    };
    const SessionPtr done = made(Pruned), waiting = made(Queued);
    const Landscape landscape = pivot(*done, all_of(*done), TileField::BlockM, TileField::BlockN);
    REQUIRE(landscape.panels.size() == 3);
    CHECK(landscape.panels[0].rows == std::vector<int>{64, 128});
    CHECK(landscape.panels[0].columns == std::vector<int>{128, 256});
    CHECK(landscape.panels[0].best_ns == 100);
    CHECK(landscape.panels[1].rows == std::vector<int>{16});
    CHECK(landscape.panels[1].best_ns == 900);
    CHECK(landscape.panels[2].best_ns == 0);
    CHECK(pivot(*waiting, all_of(*waiting), TileField::BlockM, TileField::BlockN).panels[0].best_ns == 900); // by key
}

TEST_CASE("a tile that was tuned again shows its last result", "[autotune]") {
    SessionBuilder builder("t");
    builder.add_candidate(candidate({64, 64, 32, 4, 3}, Candidate::Fate::Timed, 100));
    builder.add_candidate(candidate({128, 64, 32, 4, 3}, Candidate::Fate::Timed, 90));
    const auto again =
        builder.add_candidate(candidate({64, 64, 32, 4, 3}, Candidate::Fate::Timed, 80));
    const auto candidates = all_of(builder.current());
    REQUIRE(candidates.size() == 2);
    CHECK(candidates[0] == again);
}

TEST_CASE("fates are counted and the best found", "[autotune]") {
    SessionBuilder builder("t");
    builder.add_candidate(candidate({16, 64, 32, 4, 3}, Candidate::Fate::Timed, 200));
    const auto best =
        builder.add_candidate(candidate({32, 64, 32, 4, 3}, Candidate::Fate::Best, 100));
    builder.add_candidate(candidate({64, 64, 32, 4, 3}, Candidate::Fate::Pruned));
    builder.add_candidate(candidate({128, 64, 32, 4, 3}, Candidate::Fate::Failed));
    builder.add_candidate(candidate({256, 64, 32, 4, 3}, Candidate::Fate::Queued));
    builder.add_candidate(candidate({256, 128, 32, 4, 3}, Candidate::Fate::Compiling));
    const Tally counts = tally(builder.current(), all_of(builder.current()));
    CHECK(counts.timed == 2);
    CHECK(counts.pruned == 1);
    CHECK(counts.failed == 1);
    CHECK(counts.waiting == 2);
    CHECK(counts.total() == 6);
    CHECK(counts.best == best);
    CHECK(heat_of(100, counts) == Approx(1));
    CHECK(heat_of(200, counts) == Approx(0));
    CHECK(heat_of(141.42136, counts) == Approx(0.5).epsilon(1e-4));
    CHECK(tally(builder.current(), {}).total() == 0);
    CHECK(heat_of(1, {}) == 0);
}

TEST_CASE("one very slow candidate does not take the whole colour scale", "[autotune]") {
    Tally counts;
    counts.best_ns = 100;
    counts.worst_ns = 1e6;
    CHECK(slowest_shown(counts) == 4);
    CHECK(heat_of(200, counts) == Approx(0.5));
    CHECK(heat_of(1e6, counts) == 0);
}

TEST_CASE("candidates without a time go last, whichever way times are sorted", "[autotune]") {
    SessionBuilder builder("t");
    const auto pruned =
        builder.add_candidate(candidate({16, 64, 32, 4, 3}, Candidate::Fate::Pruned));
    const auto slow =
        builder.add_candidate(candidate({64, 64, 32, 4, 3}, Candidate::Fate::Timed, 9));
    const auto fast =
        builder.add_candidate(candidate({32, 64, 32, 4, 3}, Candidate::Fate::Timed, 3));
    auto order = all_of(builder.current());
    sort_candidates(builder.current(), order, CandidateColumn::Median, false);
    CHECK(order == std::vector{fast, slow, pruned});
    sort_candidates(builder.current(), order, CandidateColumn::Median, true);
    CHECK(order == std::vector{slow, fast, pruned});
    sort_candidates(builder.current(), order, CandidateColumn::Tile, false);
    CHECK(order == std::vector{pruned, fast, slow});
}

TEST_CASE("a candidate's explanation says its reason", "[autotune]") {
    Candidate c = candidate({16, 64, 32, 4, 3}, Candidate::Fate::Pruned);
    c.reason = "spills 96 bytes a thread";
    CHECK_THAT(explain(c, 0),
               Catch::Matchers::ContainsSubstring("pruned: spills 96 bytes a thread"));
    c = candidate({16, 64, 32, 4, 3}, Candidate::Fate::Timed, 2000);
    CHECK_THAT(explain(c, 1000), Catch::Matchers::ContainsSubstring("2.00× the best"));
}
