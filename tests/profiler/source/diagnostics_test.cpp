#include "profiler/source/diagnostics.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;
using Severity = Diagnostic::Severity;

TEST_CASE("a compiler's log gives line, column, severity and message", "[source]") {
    const auto found = parse_diagnostics(R"(kernel.jit.cu(4): error: identifier "nope" is undefined
  	x[0]=nope;
  	     ^

tile(1).cuh(12): warning #177-D: variable "unused" was declared: but never referenced
    int unused;
        ^

Remark: The warnings can be suppressed with "-diag-suppress <warning-number>"

1 error detected in the compilation of "kernel.jit.cu".
)");
    REQUIRE(found.size() == 2);
    CHECK(found[0] == Diagnostic{"kernel.jit.cu", 4, 7, Severity::Error, "identifier \"nope\" is undefined"});
    CHECK(found[1] == Diagnostic{"tile(1).cuh", 12, 7, Severity::Warning, "variable \"unused\" was declared: but never referenced"});
}

TEST_CASE("a message without a quoted line has no column", "[source]") {
    const auto found = parse_diagnostics("a.cu(1): catastrophic error: cannot open source file \"b.cuh\"\n"
                                         "a.cu(3): error: expected a \";\"");
    REQUIRE(found.size() == 2);
    CHECK(found[0].message == "cannot open source file \"b.cuh\"");
    CHECK(found[0].column == 0);
    CHECK(found[1].line == 3);
}

TEST_CASE("the assembler's errors have no line, its report is none", "[source]") {
    const auto found = parse_diagnostics("ptxas info    : Used 40 registers, used 1 barriers\n"
                                         "ptxas error   : Entry function 'k' uses too much shared data\n");
    REQUIRE(found.size() == 1);
    CHECK(found[0].file.empty());
    CHECK(found[0].line == 0);
    CHECK(found[0].message == "Entry function 'k' uses too much shared data");
}

TEST_CASE("logs that are no diagnostics give none", "[source]") {
    for (const char *log : {"", "\n\n", "f(x): y", "(3): error: x", "a.cu(): error: x", "a.cu(b): error: x", "a.cu(3): errors: x", "  ^"})
        CHECK(parse_diagnostics(log).empty());
}

TEST_CASE("a diagnostic reads as compilers write it", "[source]") {
    CHECK(sentence({"a.cu", 4, 8, Severity::Warning, "odd"}) == "a.cu:4:8: warning: odd");
    CHECK(sentence({"", 0, 0, Severity::Error, "too large"}) == "error: too large");
}
