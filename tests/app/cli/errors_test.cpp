#include "tests/app/cli/program.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <fstream>

using namespace moescope;

namespace {

// The one sentence that a wrong request is answered with.
std::string refusal(std::vector<std::string> arguments) {
    const Answer answer = run_moescope(arguments);
    CAPTURE(arguments, answer.out, answer.err);
    CHECK(answer.code == 2);
    CHECK(answer.out.empty());
    CHECK(std::count(answer.err.begin(), answer.err.end(), '\n') == 1);
    REQUIRE(answer.err.starts_with("moescope: "));
    REQUIRE(answer.err.ends_with(".\n"));
    return answer.err.substr(10, answer.err.size() - 12);
}

std::string run_refusal(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"run", "--model", "Mixtral-8x7B"});
    return refusal(arguments);
}

bool has(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a wrong number is answered with option, value and range") {
    CHECK(run_refusal({"--tokens", "0"}) ==
          "--tokens is \"0\": it must be a whole number in 1..1048576");
    CHECK(run_refusal({"--tokens", "-5"}) ==
          "--tokens is \"-5\": it must be a whole number in 1..1048576");
    CHECK(run_refusal({"--tokens", "1e3"}) ==
          "--tokens is \"1e3\": it must be a whole number in 1..1048576");
    CHECK(run_refusal({"--tokens", "99999999999999999999"})
              .starts_with("--tokens is \"99999999999999999999\""));
    CHECK(run_refusal({"--rank", "300"}) ==
          "--rank is \"300\": it must be a whole number in 0..256");
    CHECK(run_refusal({"--seed", "-1"}).starts_with("--seed is \"-1\""));
    CHECK(run_refusal({"--hidden", "100"}) ==
          "--hidden is 100: it must be a multiple of 8 in 8..65536");
    CHECK(run_refusal({"--quant-block", "100"}) ==
          "--quant-block is 100: it must be a power of two in 32..4096");
    CHECK(run_refusal({"--max-seconds", "nan"}).starts_with("--max-seconds is \"nan\""));
    CHECK(run_refusal({"--warmup", "many"}).starts_with("--warmup is \"many\""));
    CHECK(run_refusal({"--min-samples", "20", "--max-samples", "10"}) ==
          "--max-samples is 10: it must be 20..100000");
}

TEST_CASE("a wrong choice is answered with what there is to choose") {
    CHECK(run_refusal({"--top-k", "9"}) ==
          "--top-k is 9: Mixtral-8x7B has 8 experts, so top_k must be 1..8");
    CHECK(run_refusal({"--quant", "int3"}) ==
          "--quant is \"int3\": it must be one of nf4, fp4, fp8_tensor, fp8_row, fp8_block, mxfp4");
    CHECK(run_refusal({"--dtype", "f8"}) == "--dtype is \"f8\": it must be one of f32, f16, bf16");
    CHECK(has(run_refusal({"--skew", "zipf:9"}),
              "--skew is \"zipf:9\": its exponent is out of range"));
    CHECK(run_refusal({"--device", "gpu"}) ==
          "--device is \"gpu\": it must be auto, cuda:N or cpu");
    CHECK(has(run_refusal({"--ops", "gateup"}),
              "operator \"gateup\" is unknown: the closest names are gate_up; moescope operators"));
    CHECK(run_refusal({"--ops", "gate_up,,down"}) ==
          "--ops is \"gate_up,,down\": it must be names separated by single commas");
    CHECK(has(run_refusal({"--ops", "gate_up", "--variants", "plain"}),
              "belongs to none of the chosen operators: gate_up has base, fused, split"));
    CHECK(has(run_refusal({"--ops", "gate_up", "--variants", "fused", "--rank", "0"}),
              "it needs LoRA and the rank is 0"));
    CHECK(run_refusal({"--tile", "48x64x32,w4,s3"}) ==
          "--tile: block_m is 48: it must be one of 16, 32, 64, 128");
    CHECK(has(run_refusal({"--tile", "64x64"}), "--tile is \"64x64\""));
    CHECK(has(run_refusal({"--tile", "64x64x32,w4,s3", "--ops", "router"}),
              "none of the chosen operators has tiles; only these have: gate_up, down"));
    for (const char *tile : {"64x64x32,w4,s3", "128x128x64,w12,s4"})
        CHECK(has(run_refusal({"--tile", tile, "--ops", "gate_up", "--device", "cpu"}),
                  "the reference implementations there have no tiles; leave the tile out"));
    CHECK(has(run_refusal({"--warm", "--cold"}), "they exclude each other"));
    CHECK(
        has(refusal({"tune", "--model", "mixtral", "--ops", "router"}), "router cannot be tuned"));
    CHECK(has(refusal({"tune", "--model", "mixtral", "--ops", "routing"}),
              "--ops is \"routing\": none of its operators has tiles"));
    CHECK(has(run_refusal({"--ops", "nonsense"}), "the families are routing, metadata, grouped"));
}

TEST_CASE("a model that is not there is answered with the closest names") {
    CHECK(has(refusal({"run", "--model", "Mixtrel-8x7B"}), "the closest names are Mixtral-8x7B"));
    CHECK(has(refusal({"run", "--model", "gpt-oss"}), "gpt-oss-20b, gpt-oss-120b"));
    CHECK(refusal({"run", "--model", "/nonexistent/config.json"}) ==
          "--model /nonexistent/config.json: there is no such file");
    CHECK(has(refusal({"run"}), "--model is missing"));
    CHECK(has(refusal({"run", "--experts", "8", "--hidden", "64"}), "--model is missing"));
}

TEST_CASE("a broken config.json is answered with its place") {
    const TemporaryFolder folder;
    const std::string path = folder / "config.json";
    std::ofstream(path) << "{\"num_experts\": 8,\n \"hidden_size\": }";
    CHECK(refusal({"run", "--model", path}) ==
          "--model " + path + ": it is not JSON at line 2, column 17");
    std::ofstream(path)
        << R"({"num_experts": 8, "num_experts_per_tok": 9, "hidden_size": 64, "moe_intermediate_size": 64})";
    CHECK(has(refusal({"run", "--model", path}), "top_k is 9"));
}

TEST_CASE("an option without a value, given twice or unknown is named") {
    CHECK(run_refusal({"--tokens"}).starts_with("--tokens has no value"));
    CHECK(run_refusal({"--tokens", "1", "--tokens", "2"})
              .starts_with("--tokens is given more than once"));
    CHECK(run_refusal({"--token", "1"})
              .starts_with("\"--token\" is not expected: run takes --help, --model"));
    CHECK(run_refusal({"extra"}).starts_with("\"extra\" is not expected"));
}

TEST_CASE("a misspelt command is answered with the commands") {
    CHECK(refusal({"rnu"}) == "\"rnu\" is neither a command nor a file: the commands are devices, "
                              "models, operators, metrics, run, "
                              "tune, export, import, schema, sweep, compare, source, remote, lessons, completions, "
                              "manual, ranks");
}

TEST_CASE("counters that are neither a set nor a metric's name are answered with the sets") {
    CHECK(has(run_refusal({"--counters=bsaic"}), "--counters: \"bsaic\" is no set of counters"));
    CHECK(has(run_refusal({"--counters=basic,"}), "--counters"));
    CHECK(has(refusal({"metrics", "--passes", "dram"}), "the sets are basic, memory, stalls, all, sampling"));
}

TEST_CASE("an output that cannot be written is refused before anything runs") {
    const TemporaryFolder folder;
    CHECK(has(run_refusal({"--out", folder / "missing/a.moescope"}), "there is no folder"));
    CHECK(has(run_refusal({"--out", folder / ""}), "that is a folder"));
    CHECK(has(run_refusal({"--out", "/dev/full"}), "that is not a plain file"));
    CHECK(has(run_refusal({"--picture", folder / "missing/a.png"}), "--picture is"));
    const std::string letter = folder / "letter.txt";
    std::ofstream(letter) << "Dear reader";
    CHECK(has(run_refusal({"--out", letter}), "a file that is no session is there"));
}

TEST_CASE("an export of nothing, to nothing or of a foreign file is refused") {
    const TemporaryFolder folder;
    CHECK(has(refusal({"export"}), "FILE is missing"));
    CHECK(has(refusal({"export", "a.moescope"}), "no format is named"));
    CHECK(has(refusal({"export", folder / "a.moescope", "--csv", folder / "csv"}),
              folder / "a.moescope"));
    const std::string letter = folder / "letter.moescope";
    std::ofstream(letter) << "Dear reader";
    CHECK(
        has(refusal({"export", letter, "--csv", folder / "csv"}), "it is not a MoEScope session"));
    CHECK(has(refusal({"export", letter, "--csv", letter}), "--csv is"));
}

TEST_CASE("an import of nothing, of what is no trace or over something else is refused") {
    const TemporaryFolder folder;
    CHECK(has(refusal({"import"}), "TRACE is missing"));
    CHECK(has(refusal({"import", folder / "none.json"}), "there is no such file"));
    const std::string letter = folder / "letter.json";
    std::ofstream(letter) << "Dear reader";
    CHECK(has(refusal({"import", letter, "--out", folder / "a.moescope"}), "it is not JSON"));
    CHECK(has(refusal({"import", letter, "--out", letter}), "a file that is no session is there"));
    CHECK(has(refusal({"import", letter, "--append", letter, "--out", folder / "a.moescope"}), "it is not a MoEScope session"));
}

TEST_CASE("wrong options of the window are refused without opening it") {
    CHECK(has(refusal({"--scale", "9"}), "--scale is \"9\": it must be a number in 0.5..4"));
    CHECK(has(refusal({"--size", "1440"}), "--size is \"1440\": it must be WIDTHxHEIGHT"));
    CHECK(has(refusal({"--size", "10x10"}), "each side must be 320..16384 pixels"));
    CHECK(has(refusal({"--frames", "0"}), "--frames is \"0\""));
    CHECK(has(refusal({"--run", "0"}), "--run is \"0\""));
    CHECK(has(refusal({"--run", "1"}), "no session is given"));
    for (const char *point : {"12", "12,", "a,b", "-1,5"})
        CHECK(has(refusal({"--point", point}), "it must be two numbers of pixels"));
}
