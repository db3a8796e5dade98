// Completions and the manual page come from the table of options.
#include "app/cli/option_table.h"
#include "tests/app/cli/program.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

TEST_CASE("every option whose values are known is an option of some command, and has values") {
    const std::string bash = run_moescope({"completions", "bash"}).out;
    for (const cli::KnownValues &known : cli::known_values()) {
        INFO(known.option);
        CHECK_FALSE(known.values.empty());
        const bool positional = !known.option.starts_with("--");
        CHECK((positional || bash.find(" " + known.option + "\"") != std::string::npos));
        CHECK(bash.find(known.values.front()) != std::string::npos);
    }
}

TEST_CASE("completions of an unknown shell are refused with the names of those there are") {
    for (const std::vector<std::string> &words : {std::vector<std::string>{"completions"}, {"completions", "tcsh"}}) {
        const Answer answer = run_moescope(words);
        CHECK(answer.code == 2);
        CHECK(answer.out.empty());
        CHECK(answer.err.find("bash, zsh or fish") != std::string::npos);
    }
}

TEST_CASE("the manual page names every command") {
    const Answer manual = run_moescope({"manual"});
    CHECK(manual.code == 0);
    for (const char *command : {"run", "tune", "sweep", "compare", "export", "completions"})
        CHECK(manual.out.find(std::string(".SS ") + command + "\n") != std::string::npos);
}
