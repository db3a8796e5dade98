#include "profiler/session/session_file.h"
#include "profiler/sweep/found_sweep.h"
#include "tests/app/cli/program.h"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>

using namespace moescope;
using nlohmann::json;

namespace {

bool has(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

Answer sweep(std::vector<std::string> more) {
    std::vector<std::string> words{"sweep", "--experts", "8", "--hidden", "64", "--intermediate", "32",
                                   "--top-k", "2", "--device", "cpu", "--max-samples", "12"};
    words.insert(words.end(), more.begin(), more.end());
    return run_moescope(words);
}

} // namespace

TEST_CASE("a sweep on the CPU makes one session with a run for each point") {
    const TemporaryFolder folder;
    const std::string out = folder / "s.moescope";
    const Answer answer = sweep({"--axis", "tokens=1..32:x4", "--axis", "rank=8,16", "--ops", "gate_up",
                                 "--variants", "base,fused", "--out", out, "--picture", folder / "p.png"});
    CAPTURE(answer.out, answer.err);
    REQUIRE(answer.code == 0);
    CHECK(answer.err == "session written to " + out + "\npicture written to " + (folder / "p.png") + "\n");
    CHECK(std::filesystem::file_size(folder / "p.png") > 1000);
    CHECK(has(answer.out, "6 points of tokens, rank"));
    CHECK(has(answer.out, "tokens 16, rank 8"));
    const auto session = read_session(out);
    REQUIRE(session.ok());
    CHECK(session->runs.size() == 6);
    CHECK(session->measurements.size() == 12);
    const auto sweeps = find_sweeps(*session);
    REQUIRE(sweeps.size() == 5); // tokens at 2 ranks, ranks at 3 tokens
    CHECK(sweeps[0].points.size() == 3);
    CHECK(sweep_lines(*session, sweeps[0]).size() == 2);
}

TEST_CASE("a point that fails is told, and the sweep goes on") {
    const TemporaryFolder folder;
    const Answer answer = sweep({"--axis", "rank=0,16,999", "--tokens", "16", "--ops", "gate_up", "--variants",
                                 "fused", "--json", "--out", folder / "s.moescope"});
    CAPTURE(answer.out, answer.err);
    CHECK(answer.code == 1);
    CHECK(has(answer.err, "moescope: rank 0: "));
    CHECK(has(answer.err, "moescope: rank 999: "));
    const json document = json::parse(answer.out);
    CHECK(document.at("format") == "moescope.sweep");
    CHECK(document.at("axes").at(0).at("parameter") == "rank");
    REQUIRE(document.at("points").size() == 3);
    CHECK(document.at("points").at(0).at("run").is_null());
    CHECK(document.at("points").at(1).at("run") == 1);
    CHECK(document.at("points").at(1).at("values").at("rank") == "16");
    CHECK(document.at("points").at(1).at("measurements").at(0).at("variant") == "fused");
    CHECK(document.at("points").at(2).at("problems").size() == 1);
}

TEST_CASE("a sweep that cannot be made is refused in one sentence before anything runs") {
    const TemporaryFolder folder;
    const std::string out = folder / "s.moescope";
    const auto refusal = [&](std::vector<std::string> words) {
        words.insert(words.end(), {"--out", out});
        const Answer answer = sweep(words);
        CHECK(answer.code == 2);
        CHECK(answer.out.empty());
        CHECK_FALSE(std::filesystem::exists(out));
        return answer.err;
    };
    CHECK(has(refusal({}), "--axis is missing"));
    CHECK(has(refusal({"--axis", "tokn=1"}), "--axis: axis \"tokn\" is unknown"));
    CHECK(has(refusal({"--axis", "tokens=1..9"}), "a range like"));
    CHECK(has(refusal({"--axis", "tokens=1..4096:+1"}), "more than 512 points"));
    CHECK(has(refusal({"--axis", "top_k=9,10"}), "top_k must be 1..8"));
    CHECK(has(refusal({"--axis", "tokens=1,2", "--ops", "gateup"}), "--ops: "));
}
