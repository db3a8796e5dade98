// Several ranks as a launcher starts them: processes of this machine, on its CPU.
#include "profiler/explain/parallel.h"
#include "profiler/ranks/socket.h"
#include "profiler/session/session_file.h"
#include "tests/app/cli/program.h"

#include <catch2/catch_test_macros.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

using namespace moescope;
using nlohmann::json;

namespace {

std::vector<std::string> tiny_ranks(const std::vector<std::string> &more, const std::string &samples = "12") {
    std::vector<std::string> words{"ranks",          "--experts", "8", "--hidden", "64", "--intermediate",
                                   "32",             "--top-k",   "2", "--tokens", "70", "--max-samples",
                                   samples,          "--device",  "cpu"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

// Half a second an operator: long enough to be killed meanwhile.
std::vector<std::string> slow_ranks(const std::string &out) {
    return tiny_ranks({"--out", out, "--min-samples", "100000", "--max-seconds", "0.5"}, "100000");
}

// As torchrun sets them; its own store listens on MASTER_PORT.
std::vector<Start> torchrun(std::int32_t size, std::int32_t port, const std::vector<std::string> &arguments) {
    std::vector<Start> starts;
    for (std::int32_t rank = 0; rank < size; ++rank)
        starts.push_back({{{"RANK", std::to_string(rank)},
                           {"WORLD_SIZE", std::to_string(size)},
                           {"LOCAL_RANK", std::to_string(rank)},
                           {"LOCAL_WORLD_SIZE", std::to_string(size)},
                           {"MASTER_ADDR", "localhost"},
                           {"MASTER_PORT", std::to_string(port - 1)},
                           {"TORCHELASTIC_RUN_ID", "none"}},
                          arguments});
    return starts;
}

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("four ranks of a launcher write one session, and each agrees with one device") {
    const TemporaryFolder folder;
    const std::string out = folder / "ranks.moescope", trace = folder / "ranks.json";
    const Result<std::int32_t> port = free_port();
    REQUIRE(port);
    const std::vector<Answer> answers = run_together(torchrun(4, *port, tiny_ranks({"--out", out})));
    for (const Answer &answer : answers) {
        INFO(answer.err);
        CHECK(answer.code == 0);
    }
    CHECK(has(answers[0].out, "70 tokens on 4 ranks, 2 experts each"));
    CHECK(has(answers[0].out, "TCP between the hosts' memories"));
    CHECK(has(answers[0].out, "(reference implementations)"));
    CHECK(answers[1].out.empty());

    const Result<Session> session = read_session(out);
    REQUIRE(session);
    const std::vector<RunId> ranks = ranks_of(*session, {0});
    REQUIRE(ranks.size() == 4);
    for (const RankStep &step : rank_steps(*session, ranks))
        if (step.op == OperatorId::EpCombine || step.op == OperatorId::EpLayer)
            CHECK(step.worst_error == 0);
    CHECK(rank_steps(*session, ranks).size() == 6);
    const auto traffic = rank_traffic(*session, ranks);
    REQUIRE(traffic);
    std::int64_t rows = 0;
    for (const std::int64_t one : traffic->rows)
        rows += one;
    CHECK(rows == 140);
    for (const RunId run : ranks) {
        const DeviceInfo &device = session->runs[run.value].device;
        CHECK(device.is_cpu());
        CHECK(std::abs(device.clock_offset_ns) <= device.clock_uncertainty_ns); // one machine, one clock
    }

    REQUIRE(run_moescope({"export", out, "--chrome-trace", trace}).code == 0);
    std::ifstream file(trace);
    const json document = json::parse(file);
    std::set<std::string> processes;
    std::set<int> with_dispatch;
    for (const json &event : document.at("traceEvents")) {
        if (event.value("name", "") == "process_name")
            processes.insert(event.at("args").at("name").get<std::string>().substr(0, 7));
        if (event.value("name", "") == "dispatch")
            with_dispatch.insert(event.at("pid").get<int>());
    }
    for (const char *rank : {"rank 0:", "rank 1:", "rank 2:", "rank 3:"})
        CHECK(processes.contains(rank));
    CHECK(with_dispatch.size() == 4);
}

TEST_CASE("one rank alone needs no launcher") {
    const TemporaryFolder folder;
    const Answer answer = run_moescope(tiny_ranks({"--out", folder / "one.moescope", "--json"}));
    INFO(answer.err);
    REQUIRE(answer.code == 0);
    const json document = json::parse(answer.out);
    CHECK(document.at("ranks").size() == 1);
    CHECK(document.at("steps").at(0).at("operator") == "ep_dispatch");
}

TEST_CASE("the ranks run their experts with LoRA where its rank is asked for") {
    const TemporaryFolder folder;
    const Result<std::int32_t> port = free_port();
    REQUIRE(port);
    const std::string out = folder / "lora.moescope";
    for (const Answer &answer : run_together(torchrun(2, *port, tiny_ranks({"--out", out, "--lora-rank", "4"})))) {
        INFO(answer.err);
        CHECK(answer.code == 0);
    }
    const Result<Session> session = read_session(out);
    REQUIRE(session);
    std::size_t with_lora = 0;
    for (const RankStep &step : rank_steps(*session, ranks_of(*session, {0})))
        if (step.variant == "extra_k") {
            ++with_lora;
            CHECK(step.worst_error == (step.op == OperatorId::EpLayer ? 0 : -1));
        }
    CHECK(with_lora == 2);
}

TEST_CASE("experts that cannot be shared evenly are refused by every rank") {
    const Result<std::int32_t> port = free_port();
    REQUIRE(port);
    for (const Answer &answer : run_together(torchrun(3, *port, tiny_ranks({})))) {
        CHECK(answer.code == 2);
        CHECK(has(answer.err, "8 experts cannot be shared evenly by 3 ranks"));
    }
}

TEST_CASE("ranks offer no option that they refuse") {
    const Answer help = run_moescope({"ranks", "--help"});
    REQUIRE(has(help.out, "--max-samples"));
    for (const char *option : {"--ops", "--variants", "--tile", "--counters", "--sample", "--sample-interval", "--pc-sampling"}) {
        INFO(option);
        CHECK_FALSE(has(help.out, std::string(option) + " "));
        const Answer answer = run_moescope(tiny_ranks({option, "20"}));
        CHECK(answer.code == 2);
        CHECK(has(answer.err, fmt::format("\"{}\" is not expected", option)));
    }
}

TEST_CASE("ranks that were asked for different things do not begin") {
    const TemporaryFolder folder;
    const Result<std::int32_t> port = free_port();
    REQUIRE(port);
    std::vector<Start> starts = torchrun(2, *port, tiny_ranks({"--out", folder / "none.moescope"}));
    starts[1].arguments.insert(starts[1].arguments.end(), {"--seed", "2"});
    for (const Answer &answer : run_together(starts)) {
        CHECK(answer.code == 1);
        CHECK(has(answer.err, "rank 1 was asked for something else than rank 0"));
    }
    CHECK_FALSE(std::filesystem::exists(folder / "none.moescope"));
}

TEST_CASE("a rank that is killed is named, and what all had measured is in one session") {
    const TemporaryFolder folder;
    const std::string out = folder / "ranks.moescope";
    const Result<std::int32_t> port = free_port();
    REQUIRE(port);
    std::vector<Start> starts = torchrun(4, *port, slow_ranks(out));
    for (Start &start : starts)
        start.environment.emplace_back("TMPDIR", folder / "");
    const std::vector<Answer> answers = run_together(starts, {.which = 2, .who_says = 0, .what = "ep_combine"});
    CHECK(answers[2].code == 128 + SIGKILL);
    for (const std::size_t rank : {0, 1, 3}) {
        INFO(answers[rank].err);
        CHECK(answers[rank].code == 1);
    }
    INFO(answers[0].err);
    CHECK(has(answers[0].err, "moescope: rank 2 is gone: its connection ended; its own output says why."));
    CHECK(has(answers[0].out, "rank 2 is gone: its connection ended: the others are shown"));
    CHECK_FALSE(has(answers[0].err, "moescope: rank 1: ")); // what came of it is not told again
    const Result<Session> session = read_session(out);
    REQUIRE(session);
    const std::vector<RunId> ranks = ranks_of(*session, {0});
    REQUIRE(ranks.size() == 4);
    CHECK(lost_ranks(*session, ranks).size() == 1);
    CHECK_FALSE(is_absent(session->runs[2])); // its own file was on this machine
    std::set<OperatorId> steps;
    for (const RankStep &step : rank_steps(*session, ranks))
        steps.insert(step.op);
    CHECK(steps.contains(OperatorId::EpDispatch));
    for (const auto &left : std::filesystem::directory_iterator(folder / ""))
        CHECK(left.path() == out); // nobody's temporary file
}

TEST_CASE("what a rank measured is kept where rank 0 is killed") {
    const TemporaryFolder folder;
    const Result<std::int32_t> port = free_port();
    REQUIRE(port);
    const std::vector<Start> starts = torchrun(2, *port, slow_ranks(folder / "ranks.moescope"));
    const std::vector<Answer> answers = run_together(starts, {.which = 0, .who_says = 0, .what = "ep_combine"});
    INFO(answers[1].err);
    CHECK(answers[1].code == 1);
    CHECK(has(answers[1].err, "rank 0 is gone"));
    CHECK(has(answers[1].err, "what rank 1 measured is in"));
    const Result<Session> session = read_session(folder / "ranks.rank1.moescope");
    REQUIRE(session);
    REQUIRE_FALSE(session->measurements.empty());
    CHECK(session->measurements[0].state == Measurement::State::Done);
}

TEST_CASE("ranks wait for a late one as long as they are told, and name it") {
    const Result<std::int32_t> port = free_port();
    REQUIRE(port);
    std::vector<Start> starts = torchrun(4, *port, tiny_ranks({"--wait", "1"}));
    starts.erase(starts.begin() + 2);
    for (const Answer &answer : run_together(starts)) {
        CHECK(answer.code == 1);
        CHECK(has(answer.err, "rank 2 did not come to localhost:"));
    }
    const Answer wrong = run_moescope(tiny_ranks({"--wait", "soon"}));
    CHECK(wrong.code == 2);
    CHECK(has(wrong.err, "--wait is \"soon\""));
}

TEST_CASE("rank 0 says what the ranks are doing, and one rank is one") {
    const TemporaryFolder folder;
    const Answer answer = run_moescope(tiny_ranks({"--out", folder / "one.moescope"}));
    CHECK(has(answer.out, "70 tokens on 1 rank, 8 experts each"));
    CHECK(has(answer.err, "s: starting its worker\n"));
    CHECK(has(answer.err, "s: collecting what the ranks measured\n"));
}

TEST_CASE("an operator of several ranks is refused by run, which says who runs it") {
    const Answer answer = run_moescope({"run", "--model", "OLMoE-1B-7B", "--ops", "ep_layer", "--device", "cpu"});
    CHECK(answer.code == 2);
    CHECK(has(answer.err, "several ranks run it together"));
    CHECK(has(answer.err, "moescope ranks"));
}

TEST_CASE("every GPU is asked for where there is none") {
    const Answer answer = run_moescope({"run", "--ops", "gate_up", "--experts", "8", "--hidden", "64", "--intermediate", "32",
                                        "--top-k", "2", "--tokens", "8", "--device", "cuda:all"});
    if (answer.code == 0)
        SKIP("this machine has one");
    CHECK(answer.code == 2);
    CHECK(has(answer.err, "the worker has no CUDA device"));
}
