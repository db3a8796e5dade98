#include "profiler/session/session_builder.h"
#include "profiler/session/session_file.h"
#include "tests/app/cli/program.h"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

using namespace moescope;
using nlohmann::json;

namespace {

bool has(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

// The first run's session with every time made `factor` times as long.
void save_slowed(const std::string &from, const std::string &to, float factor) {
    const auto read = read_session(from);
    REQUIRE(read.ok());
    SessionBuilder builder(*read);
    for (std::uint32_t i = 0; i < read->measurements.size(); ++i) {
        Measurement m = read->measurements[i];
        for (float &sample : m.samples_ns)
            sample *= factor;
        m.time = summarize(m.samples_ns);
        builder.update(MeasurementId{i}, m);
    }
    REQUIRE(save_session(*builder.snapshot(), to).ok());
}

Answer run_tiny(const std::string &out, std::vector<std::string> more) {
    std::vector<std::string> words{"run", "--experts", "8", "--hidden", "64", "--intermediate", "32",
                                   "--top-k", "2", "--tokens", "32", "--device", "cpu", "--out", out,
                                   "--min-samples", "20", "--max-samples", "20"};
    words.insert(words.end(), more.begin(), more.end());
    return run_moescope(words);
}

} // namespace

TEST_CASE("compare finds a slower session, says so and exits 1; the other way round it exits 0") {
    const TemporaryFolder folder;
    const std::string a = folder / "a.moescope", b = folder / "b.moescope";
    REQUIRE(run_tiny(a, {"--ops", "gate_up,down", "--variants", "fused,split"}).code == 0);
    save_slowed(a, b, 1000.0f); // beyond what a busy machine does to its samples

    const Answer worse = run_moescope({"compare", a, b});
    CAPTURE(worse.out, worse.err);
    CHECK(worse.code == 1);
    CHECK(worse.err.empty());
    CHECK(has(worse.out, "4 slower, 0 faster, 0 the same, 0 unclear; geometric mean 1000.0"));
    CHECK(has(worse.out, "B takes 1,000× the time"));
    CHECK(run_moescope({"compare", b, a}).code == 0);

    const json document = json::parse(run_moescope({"compare", a, b, "--ops", "down", "--json"}).out);
    CHECK(document.at("format") == "moescope.compare");
    CHECK(document.at("regressed") == true);
    CHECK(document.at("counts").at("slower") == 2);
    REQUIRE(document.at("rows").size() == 2);
    for (const json &row : document.at("rows")) {
        CHECK(row.at("operator") == "down");
        CHECK(row.at("verdict") == "slower");
        CHECK(row.at("ratio_95").at(0).get<double>() <= row.at("ratio").get<double>());
    }
}

TEST_CASE("two runs and two variants of one session are compared") {
    const TemporaryFolder folder;
    const std::string a = folder / "a.moescope";
    REQUIRE(run_tiny(a, {"--ops", "gate_up", "--variants", "fused,split"}).code == 0);
    REQUIRE(run_moescope({"run", "--append", a, "--experts", "8", "--hidden", "64", "--intermediate",
                          "32", "--top-k", "2", "--tokens", "2048", "--device", "cpu", "--ops", "gate_up",
                          "--variants", "fused", "--max-seconds", "0.3"})
                .code == 0);
    const Answer runs = run_moescope({"compare", a, "--run", "1,2"});
    CAPTURE(runs.out, runs.err);
    CHECK(runs.code != 2);
    CHECK(has(runs.out, "tokens 32 → 2,048"));
    CHECK(has(runs.out, "Only in A: gate_up/split, B has not measured it."));
    const Answer variants = run_moescope({"compare", a, "--run", "1", "--variants", "fused,split"});
    CHECK(variants.code != 2);
    CHECK(has(variants.out, "fused → split"));
}

TEST_CASE("a comparison that cannot be made is refused in one sentence") {
    const TemporaryFolder folder;
    const std::string a = folder / "a.moescope", b = folder / "b.moescope";
    REQUIRE(run_tiny(a, {"--ops", "gate_up", "--variants", "fused"}).code == 0);
    REQUIRE(run_tiny(b, {"--ops", "softmax_topk"}).code == 0);
    const auto refusal = [](const std::vector<std::string> &arguments) {
        const Answer answer = run_moescope(arguments);
        CHECK(answer.code == 2);
        CHECK(answer.out.empty());
        return answer.err;
    };
    CHECK(has(refusal({"compare"}), "compare was given 0 sessions"));
    CHECK(has(refusal({"compare", a}), "would be compared with itself"));
    CHECK(has(refusal({"compare", a, folder / "none.moescope"}), "none.moescope"));
    CHECK(has(refusal({"compare", a, b}), "nothing was measured in both"));
    CHECK(has(refusal({"compare", a, b, "--threshold", "3"}), "--threshold is \"3\""));
    CHECK(has(refusal({"compare", a, b, "--run", "2"}), "has 1 run, counted from 1"));
    CHECK(has(refusal({"compare", a, b, "--run", "1,1,1"}), "one for both sides, or two"));
    CHECK(has(refusal({"compare", a, b, "--ops", "gateup"}), "--ops: "));
}
