#include "profiler/session/session_file.h"
#include "tests/app/cli/program.h"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace moescope;
using nlohmann::json;

namespace {

// A shape that the references run in milliseconds.
std::vector<std::string> tiny(const std::string &command, const std::string &out,
                              std::vector<std::string> more) {
    std::vector<std::string> words{command, "--experts", "8", "--hidden", "64", "--intermediate",
                                   "32",    "--top-k",   "2", "--tokens", "64", "--max-samples",
                                   "12",    "--out",     out};
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

bool has(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

// The worker that the program starts, for the time of one test.
class OtherWorker {
  public:
    explicit OtherWorker(const char *program) { setenv("MOESCOPE_WORKER", program, 1); }
    ~OtherWorker() { unsetenv("MOESCOPE_WORKER"); }
    OtherWorker(const OtherWorker &) = delete;
    OtherWorker &operator=(const OtherWorker &) = delete;
};

} // namespace

TEST_CASE("devices lists the CPU last, with what it can collect") {
    const Answer text = run_moescope({"devices"});
    CHECK(text.code == 0);
    CHECK(has(text.out, "cpu  "));
    const json document = json::parse(run_moescope({"devices", "--json"}).out);
    CHECK(document.at("format") == "moescope.devices");
    CHECK(document.at("devices").back().at("id") == "cpu");
}

TEST_CASE("a run on the CPU measures every operator, writes the session and says where") {
    const TemporaryFolder folder;
    const std::string out = folder / "a.moescope";
    const Answer answer = run_moescope(tiny("run", out, {"--device", "cpu"}));
    CAPTURE(answer.out, answer.err);
    REQUIRE(answer.code == 0);
    CHECK(answer.err == "session written to " + out + "\n");
    for (const char *row : {"\nsoftmax_topk ", "\nrouter ", "\nroute_metadata ", "\ngate_up ",
                            "\ndown ", "\nselective_dequant ", "\nselect_lora "})
        CHECK(has(answer.out, row));
    CHECK(has(answer.out, "64 tokens, top 2 of 8 experts"));
    CHECK(has(answer.out, "(reference implementations)"));
    CHECK(std::filesystem::file_size(out) > 0);
    CHECK_FALSE(std::filesystem::exists(out + "-wal"));

    const Answer exported =
        run_moescope({"export", out, "--chrome-trace", folder / "t.json", "--csv", folder / "csv",
                      "--telemetry", folder / "tiles.json", "--picture", folder / "p.png"});
    CAPTURE(exported.err);
    CHECK(exported.code == 0);
    CHECK(exported.out.empty());
    std::ifstream trace(folder / "t.json");
    CHECK(json::parse(trace).contains("traceEvents"));
    CHECK(std::filesystem::exists(folder / "csv/measurements.csv"));
    CHECK(std::filesystem::file_size(folder / "p.png") > 1000);
}

TEST_CASE("run --json prints one document whose numbers agree with each other") {
    const TemporaryFolder folder;
    const Answer answer = run_moescope(
        tiny("run", folder / "a.moescope",
             {"--device", "cpu", "--ops", "gate_up", "--variants", "fused,split", "--json"}));
    REQUIRE(answer.code == 0);
    const json document = json::parse(answer.out);
    CHECK(document.at("format") == "moescope.run");
    CHECK(document.at("state") == "done");
    CHECK(document.at("session") == folder / "a.moescope");
    CHECK(document.at("device").at("id") == "cpu");
    CHECK(document.at("plan").at("workload").at("tokens") == 64);
    CHECK(document.at("problems").empty());
    int slots = 0;
    for (const json &count : document.at("routing").at("counts"))
        slots += count.get<int>();
    CHECK(slots == 128);
    REQUIRE(document.at("measurements").size() == 2);
    for (const json &m : document.at("measurements")) {
        CHECK(m.at("operator") == "gate_up");
        CHECK(m.at("timer") == "host_clock");
        CHECK(m.at("samples").get<int>() >= 10);
        CHECK(m.at("p10_ns").get<double>() <= m.at("median_ns").get<double>());
        CHECK(m.at("median_ns").get<double>() <= m.at("p90_ns").get<double>());
        CHECK(m.at("flops") == 2.0 * 128 * (64 * 64 + 16 * (64 + 64)));
        CHECK(m.at("failure").is_null());
    }
    CHECK(document.at("measurements").at(1).at("reference") == "fused");
    CHECK(document.at("measurements").at(1).at("relative_error").get<double>() < 1e-2);
}

TEST_CASE("a picture is drawn with the run, without a display") {
    const TemporaryFolder folder;
    const Answer answer = run_moescope(
        tiny("run", folder / "a.moescope",
             {"--device", "cpu", "--ops", "route_metadata", "--picture", folder / "p.png"}));
    CHECK(answer.code == 0);
    CHECK(std::filesystem::file_size(folder / "p.png") > 1000);
}

TEST_CASE("a device that is not there is answered with those that are") {
    const TemporaryFolder folder;
    const Answer answer = run_moescope(tiny("run", folder / "a.moescope", {"--device", "cuda:63"}));
    CHECK(answer.code == 2);
    CHECK(has(answer.err, "--device is \"cuda:63\": the worker has "));
    CHECK_FALSE(std::filesystem::exists(folder / "a.moescope"));
}

TEST_CASE("tiles are not tuned on the CPU") {
    const TemporaryFolder folder;
    const Answer answer = run_moescope(tiny("tune", folder / "a.moescope", {"--device", "cpu"}));
    CHECK(answer.code == 2);
    CHECK(has(answer.err, "no tiles to tune"));
}

TEST_CASE("a shape that does not fit is refused with the bytes it needs and the bytes there are") {
    const TemporaryFolder folder;
    const Answer answer =
        run_moescope({"run", "--model", "kimi-k3", "--tokens", "1048576", "--ops", "gate_up",
                      "--device", "cpu", "--out", folder / "a.moescope"});
    CAPTURE(answer.err);
    CHECK(answer.code == 2);
    CHECK(has(answer.err,
              "--tokens is 1048576 and too many for Kimi-K3 on cpu: gate_up/base needs up to 2"));
    CHECK(has(answer.err, "are free; choose fewer tokens"));
}

TEST_CASE("a worker that dies or is none is told of, and the exit code is 1") {
    const TemporaryFolder folder;
    {
        const OtherWorker dies("/bin/false");
        const Answer answer = run_moescope(tiny("run", folder / "a.moescope", {}));
        CHECK(answer.code == 1);
        CHECK(has(answer.err, "moescope: the worker on this machine exited with status 1"));
    }
    const OtherWorker none("/nonexistent");
    const Answer answer = run_moescope({"devices"});
    CHECK(answer.code == 1);
    CHECK(has(answer.err, "MOESCOPE_WORKER is \"/nonexistent\""));
}

TEST_CASE("a run appended to a session leaves the first run's measurements in place") {
    const TemporaryFolder folder;
    const std::string out = folder / "a.moescope";
    REQUIRE(run_moescope(tiny("run", out, {"--device", "cpu", "--ops", "softmax_topk"})).code == 0);
    const Result<Session> first = read_session(out);
    REQUIRE(first.ok());

    const Answer answer = run_moescope(
        {"run", "--append", out, "--experts", "8", "--hidden", "64", "--intermediate", "32",
         "--top-k", "2", "--tokens", "32", "--device", "cpu", "--ops", "route_metadata"});
    CAPTURE(answer.err);
    REQUIRE(answer.code == 0);
    CHECK_FALSE(has(answer.out, "\nsoftmax_topk ")); // the table is the new run's
    const Result<Session> both = read_session(out);
    REQUIRE(both.ok());
    REQUIRE(both->runs.size() == 2);
    CHECK(both->runs[0] == first->runs[0]);
    CHECK(both->measurements[0] == first->measurements[0]);
    CHECK(both->runs[1].plan.workload.tokens == 32);
}

TEST_CASE("appending to a file that is no session is refused and leaves it alone") {
    const TemporaryFolder folder;
    const std::string out = folder / "notes.txt";
    std::ofstream(out) << "not a session";
    const Answer answer = run_moescope({"run", "--append", out, "--model", "Mixtral-8x7B", "--device", "cpu"});
    CHECK(answer.code == 2);
    CHECK(has(answer.err, "notes.txt"));
    std::ifstream in(out);
    CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == "not a session");
}

TEST_CASE("a run on the CPU steps down from counters to times, says so and succeeds") {
    const TemporaryFolder folder;
    const Answer answer =
        run_moescope({"run", "--model", "OLMoE-1B-7B", "--tokens", "4", "--ops", "softmax_topk", "--device", "cpu",
                      "--max-samples", "5", "--min-samples", "2", "--counters", "--json", "--out", folder / "a.moescope"});
    CHECK(answer.code == 0);
    const json document = json::parse(answer.out);
    REQUIRE(document.at("steps_down").size() == 1);
    CHECK(document.at("steps_down")[0].get<std::string>().starts_with("hardware counters were not read: "));
    CHECK(document.at("plan").at("counters").size() == 6);
    for (const json &measurement : document.at("measurements")) {
        CHECK(measurement.at("counters").empty());
        CHECK(measurement.at("state") == "done");
    }
    CHECK(answer.err.find("hardware counters were not read") != std::string::npos);
}

TEST_CASE("a trace is imported beside itself, and put after what a session holds") {
    const TemporaryFolder folder;
    const std::string trace = folder / "step.json";
    std::filesystem::copy_file(MOESCOPE_TEST_DATA "/profiler/import/gpu_step.json", trace);
    const Answer alone = run_moescope({"import", trace});
    CAPTURE(alone.err);
    REQUIRE(alone.code == 0);
    CHECK(has(alone.err, "step.moescope written: 2 kernels, 4 calls and operators, 2 copies"));
    const Result<Session> first = read_session(folder / "step.moescope");
    REQUIRE(first.ok());
    CHECK(first->runs.size() == 1);
    const std::string both = folder / "both.moescope";
    REQUIRE(run_moescope({"import", trace, "--append", folder / "step.moescope", "--out", both})
                .code == 0);
    const Result<Session> second = read_session(both);
    REQUIRE(second.ok());
    CHECK(second->runs.size() == 2);
    CHECK(second->kernels.size() == 2 * first->kernels.size());
    CHECK(run_moescope({"export", trace, "--csv", folder / "csv"}).code == 0);
}
