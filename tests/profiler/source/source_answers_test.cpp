#include "profiler/source/sass.h"
#include "profiler/worker/source_answers.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

using namespace moescope;

namespace {

SourceRequest gate_up_request() {
    SourceRequest request;
    request.workload.model.hidden = 256;
    request.workload.model.intermediate = 256;
    request.workload.tokens = 128;
    request.item = {OperatorId::GateUp, "base", {64, 64, 32, 4, 3}};
    request.arch = "sm_80";
    return request;
}

} // namespace

#ifdef MOESCOPE_CUDA

TEST_CASE("a tile kernel's source comes with what it includes and its defines", "[source]") {
    const SourceAnswer answer = answer_source(gate_up_request());
    REQUIRE(answer.error == Error{});
    REQUIRE(answer.kernels.size() == 1);
    CHECK(answer.kernel.find("64x64x32_w4_s3") != std::string::npos);
    CHECK(answer.files.front().name == "scatter2scatter.jit.cu");
    CHECK(answer.files.size() > 1);
    CHECK(answer.files.front().text.find(answer.files[1].name) != std::string::npos);
    CHECK(!answer.defines.empty());
    CHECK(!answer.original.ok); // was not asked for
}

TEST_CASE("an operator without tile kernels says so", "[source]") {
    SourceRequest request = gate_up_request();
    request.item = {OperatorId::SoftmaxTopk, std::string(info(OperatorId::SoftmaxTopk).variants.front().name), {}};
    CHECK(answer_source(request).error.why.find("not at run time") != std::string::npos);
}

TEST_CASE("a tile that cannot be built, a kernel and a file that are not there are errors", "[source]") {
    SourceRequest request = gate_up_request();
    request.item.config.block_n = 48;
    CHECK(answer_source(request).error.why.find("block_n is 48") != std::string::npos);
    request = gate_up_request();
    request.kernel = "other";
    CHECK(answer_source(request).error.what == "kernel \"other\"");
    request = gate_up_request();
    request.edits = {{"other.cu", "int x;"}};
    CHECK(answer_source(request).error.what == "the file \"other.cu\"");
}

TEST_CASE("an edited kernel is compiled beside the original and its errors carry their line", "[source]") {
    SourceRequest request = gate_up_request();
    const SourceFile file = answer_source(request).files.front();
    request.compile = true;
    request.edits = {{file.name, "\n" + file.text}}; // the same, one line down
    SourceAnswer answer = answer_source(request);
    REQUIRE(answer.error == Error{});
    REQUIRE(answer.original.ok);
    REQUIRE(answer.edited.ok);
    CHECK(answer.original.registers > 0);
    CHECK(answer.edited.registers == answer.original.registers);
    CHECK(answer.original.ptx.find(answer.kernel) != std::string::npos);
    if (answer.original.sass.empty()) {
        CHECK(!answer.original.sass_missing.empty());
    } else {
        const auto lines = parse_sass(answer.original.sass);
        CHECK(std::ranges::count(lines, file.name, &SassLine::file) > 0);
    }

    const auto line = std::int32_t(std::ranges::count(file.text, '\n')) + 1;
    request.compile = false;
    request.edits = {{file.name, file.text + "__device__ int x = nope;\n"}};
    answer = answer_source(request);
    CHECK(answer.error == Error{});
    CHECK(!answer.edited.ok);
    const auto error = std::ranges::find(answer.edited.diagnostics, Diagnostic::Severity::Error, &Diagnostic::severity);
    REQUIRE(error != answer.edited.diagnostics.end());
    CHECK(error->file.ends_with(file.name));
    CHECK(error->line == line);
    CHECK(error->column == 20);
}

#else

TEST_CASE("without CUDA there is no source, in one sentence", "[source]") {
    CHECK(answer_source(gate_up_request()).error.why.find("without CUDA") != std::string::npos);
}

#endif
