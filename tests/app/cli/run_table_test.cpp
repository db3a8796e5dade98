#include "app/cli/run_table.h"
#include "profiler/session/session_builder.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_all.hpp>

#include <sstream>

using namespace moescope;

namespace {

std::string line_with(const std::string &table, const std::string &words) {
    std::istringstream lines(table);
    for (std::string line; std::getline(lines, line);)
        if (line.find(words) != std::string::npos)
            return line;
    return "";
}

} // namespace

TEST_CASE("the table of a run with counters shows what went through DRAM") {
    const SessionPtr session = test::sample_session(); // 1.1 times the least bytes, made up
    const std::string counted = cli::measurement_table(*session, RunId{0});
    CHECK(line_with(counted, "operator").find("DRAM  x least") != std::string::npos);
    const std::string row = line_with(counted, "gate_up");
    CHECK(row.find("1.40 GB    1.10×") != std::string::npos);
    CHECK(line_with(counted, "tuned").ends_with("tuned")); // the remarks stay last
}

TEST_CASE("the table of a run without counters has no columns for them") {
    const SessionPtr session = test::sample_session();
    CHECK(cli::measurement_table(*session, RunId{1}).find("x least") == std::string::npos);
    CHECK(cli::measurement_table(Session{}, RunId{0}).empty());
}

TEST_CASE("an operator that was not counted has a dash beside those that were") {
    SessionBuilder builder("t");
    const RunId run = builder.add_run({});
    for (const char *variant : {"fused", "split"}) {
        Measurement m{.run = run, .op = OperatorId::GateUp, .variant = variant};
        m.state = Measurement::State::Done;
        m.cost.bytes = 1000;
        builder.add_measurement(m);
    }
    builder.add(CounterRecord{{0}, -1, {}, builder.intern("dram__bytes.sum"), 2500});
    const std::string table = cli::measurement_table(builder.current(), run);
    CHECK(line_with(table, "fused").find("2.50 kB    2.50×") != std::string::npos);
    CHECK(line_with(table, "split").find("–        –") != std::string::npos);
}
