// moescope source. Where the worker was built without CUDA there is nothing to show, and it says so.
#include "tests/app/cli/program.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

using namespace moescope;

namespace {

Answer source(std::vector<std::string> arguments) {
    const std::vector<std::string> which = {"source",   "--experts", "8",   "--hidden", "256",    "--intermediate", "256",
                                            "--top-k",  "2",         "--ops", "gate_up", "--variants", "base",
                                            "--tokens", "128"};
    arguments.insert(arguments.begin(), which.begin(), which.end());
    Answer answer = run_moescope(arguments);
    if (answer.err.find("without CUDA") != std::string::npos)
        SKIP("the worker was built without CUDA");
    return answer;
}

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

std::string read(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::string &path, const std::string &text) { std::ofstream(path, std::ios::binary) << text; }

} // namespace

TEST_CASE("the source of a kernel is written as it is compiled, and compiles again unchanged", "[source]") {
    const TemporaryFolder folder;
    const std::string path = folder / "kernel.cu";
    const Answer written = source({"--arch", "sm_80", "--out", path});
    REQUIRE(written.code == 0);
    CHECK(has(read(path), "__global__"));
    const Answer compiled = source({"--arch", "sm_80", "--edited", path});
    INFO(compiled.out << compiled.err);
    CHECK(compiled.code == 0);
    CHECK(has(compiled.out, "original: "));
    CHECK(has(compiled.out, "edited:   "));
    // The same text gives the same resources.
    const auto of = [&](const std::string &name) {
        const std::size_t at = compiled.out.find(name) + name.size();
        return compiled.out.substr(at, compiled.out.find('\n', at) - at);
    };
    CHECK(of("original: ") == of("edited:   "));
}

TEST_CASE("an edited text that does not compile is answered with its line and exit code 1", "[source]") {
    const TemporaryFolder folder;
    const std::string path = folder / "kernel.cu";
    REQUIRE(source({"--arch", "sm_80", "--out", path}).code == 0);
    const std::string text = read(path);
    write(path, text + "__device__ int x = nope;\n");
    const Answer answer = source({"--arch", "sm_80", "--compile", path});
    CHECK(answer.code == 1);
    CHECK(has(answer.out, "scatter2scatter.jit.cu:" + std::to_string(std::count(text.begin(), text.end(), '\n') + 1) + ":"));
    CHECK(has(answer.out, "nope"));

    const Answer json = source({"--arch", "sm_80", "--compile", path, "--json"});
    CHECK(json.code == 1);
    const auto document = nlohmann::json::parse(json.out);
    CHECK(document["edited"]["ok"] == false);
    CHECK(document["original"]["ok"] == true);
}

TEST_CASE("on the cpu an edited kernel is not timed, and why is said", "[source]") {
    const TemporaryFolder folder;
    const std::string path = folder / "kernel.cu";
    write(path, "int x;\n");
    const Answer answer = source({"--device", "cpu", "--edited", path, "--time"});
    CHECK(answer.code == 2);
    CHECK(answer.out.empty());
    CHECK(has(answer.err, "--time on cpu: it runs reference implementations"));
    CHECK(has(answer.err, "choose a CUDA device"));
}

TEST_CASE("timing an edited kernel needs one, and no other architecture than the device's", "[source]") {
    const Answer none = source({"--time"});
    CHECK(none.code == 2);
    CHECK(has(none.err, "--time: it times an edited kernel, and none is given; add --edited FILE"));
    const Answer arch = source({"--time", "--edited", "x.cu", "--arch", "sm_80"});
    CHECK(arch.code == 2);
    CHECK(has(arch.err, "--arch is \"sm_80\": --time compiles for the device that it runs on"));
    const Answer missing = source({"--edited", "/no/such/file.cu"});
    CHECK(missing.code == 2);
    CHECK(has(missing.err, "--edited is \"/no/such/file.cu\": no text could be read from it"));
    CHECK(source({"--file", "nothing.cu"}).code == 2);
}
