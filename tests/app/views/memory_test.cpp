#include "app/colour.h"
#include "app/views/memory_parts.h"
#include "app/views/memory_words.h"
#include "profiler/session/session_builder.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_all.hpp>

using namespace moescope;

namespace {

Measurement holding(RunId run, OperatorId op, const char *variant, std::int64_t in,
                    std::int64_t out) {
    Measurement m{.run = run, .op = op, .variant = variant, .state = Measurement::State::Done};
    m.input_bytes = in;
    m.output_bytes = out;
    return m;
}

} // namespace

TEST_CASE("selective dequantisation is held against full with the reason", "[memory]") {
    SessionBuilder builder("t");
    const RunId run = builder.add_run({});
    CHECK(selective_verdict(builder.current(), run).empty());
    CHECK(missing_for_selective(builder.current(), run).size() == 2);
    builder.add_measurement(holding(run, OperatorId::SelectiveDequant, "full", 1000, 8000));
    CHECK(selective_verdict(builder.current(), run).empty());
    CHECK(missing_for_selective(builder.current(), run).size() == 2);
    builder.add_measurement(holding(run, OperatorId::SelectiveDequant, "selective", 1000, 2000));
    RoutingRecord routing{.run = run};
    routing.counts = {4, 0, 0, 0};
    builder.add(routing);
    CHECK(selective_verdict(builder.current(), run) ==
          "Selective holds 6.00 kB less than full (3.00 kB against 9.00 kB): 1 of 4 experts have a "
          "token.");
    CHECK(missing_for_selective(builder.current(), run).empty());
    const auto rows = memory_rows(builder.current(), run, OperatorId::SelectiveDequant);
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].id == MeasurementId{1}); // selective is listed first
    CHECK(rows[0].total() == 3000);
}

TEST_CASE("variants that hold the same are said to", "[memory]") {
    const SessionPtr session = test::sample_session(); // all experts active
    CHECK(selective_verdict(*session, RunId{0}).find("hold the same") != std::string::npos);
    CHECK(layer_verdict(*session, RunId{0}).empty());
    CHECK(selective_verdict(*session, RunId{9}).empty());
}

TEST_CASE("groups of memory have colours that can be told apart, and the rest is grey", "[memory]") {
    const Theme theme = built_in_theme(GENERATE(true, false));
    MemoryHistory history;
    history.groups = {"a", "b", "c", "d", "e", "f", "g", kOtherGroup};
    for (const Vision vision : {Vision::Usual, Vision::Protanopia, Vision::Deuteranopia, Vision::Tritanopia})
        for (std::size_t i = 0; i + 1 < history.groups.size(); ++i)
            for (std::size_t k = 0; k < i; ++k) {
                INFO("vision " << int(vision) << ", groups " << k << " and " << i);
                CHECK(distance(as_seen(group_colour(theme, history, i), vision),
                               as_seen(group_colour(theme, history, k), vision)) >= 0.085f);
            }
    CHECK(distance(group_colour(theme, history, 7), theme.muted) == 0);
}
