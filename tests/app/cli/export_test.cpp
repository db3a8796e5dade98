#include "profiler/session/session_file.h"
#include "tests/app/cli/program.h"
#include "tests/support/grid_session.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <string>

using namespace moescope;
using nlohmann::json;

TEST_CASE("export writes the crossover map of the variants that are named") {
    const test::TemporaryFolder folder;
    const std::string session = folder / "grid.moescope", rule = folder / "rule.json";
    REQUIRE(save_session(*test::grid_session(), session).ok());
    REQUIRE(run_moescope({"export", session, "--heuristic", rule, "--variants", "split,fused"}).code == 0);
    const json document = json::parse(test::read_bytes(rule));
    CHECK(document["variants"] == json::array({"fused", "split"}));
    for (const json &cell : document["cells"]) {
        CHECK((cell["fastest"] == "fused" || cell["fastest"] == "split"));
        CHECK(cell["tiles"].size() == 2);
    }
    CHECK(run_moescope({"export", session, "--plot", "crossover", "--out", folder / "a.csv", "--operator", "gate_up",
                        "--variants", "fused,split"})
              .code == 0);

    const Answer other = run_moescope({"export", session, "--heuristic", rule, "--variants", "fused,extra_k"});
    CHECK(other.code == 1);
    CHECK(other.err.find("the session has gate_up fused,split") != std::string::npos);
    CHECK(run_moescope({"export", session, "--plot", "crossover", "--out", folder / "a.csv", "--variants",
                        "fused,extra_k"})
              .code == 1);
    for (const char *wrong : {"fused", "fused,fused", "fused,split,extra_k"})
        CHECK(run_moescope({"export", session, "--heuristic", rule, "--variants", wrong}).code == 2);
    CHECK(run_moescope({"export", session, "--csv", folder / "csv", "--variants", "fused,split"}).code == 2);
}
