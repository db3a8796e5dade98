#include "app/cli/compare_command.h"

#include "app/cli/compare_text.h"
#include "app/cli/numbers.h"
#include "app/cli/say.h"
#include "profiler/base/try.h"
#include "profiler/session/session_file.h"

#include <fmt/format.h>

namespace moescope::cli {

namespace {

// "3%": with its sign, as 3 alone might mean three times as long.
Result<double> parse_threshold(const std::optional<std::string> &text) {
    if (!text)
        return kDefaultThreshold;
    const Error wrong{fmt::format("--threshold is \"{}\"", *text), "it must be a percentage in 0%..1000%",
                      "write it as 3% or 0.5%"};
    if (!text->ends_with('%'))
        return wrong;
    const auto percent = parse_real("--threshold", text->substr(0, text->size() - 1), 0, 1000);
    return percent ? Result<double>(*percent / 100) : wrong;
}

// One or two words of an option: for both sides, or for A and B.
Result<std::pair<std::string, std::string>> parse_pair(std::string_view option, const std::string &text) {
    const auto words = parse_list(option, text);
    if (!words)
        return words.error();
    if (words->size() > 2)
        return Error{fmt::format("{} is \"{}\"", option, text), "it takes one for both sides, or two for A and B", {}};
    return std::pair{words->front(), words->back()};
}

struct Sides {
    Session a;
    std::optional<Session> b; // nothing: A's other runs or variants
    std::vector<RunId> a_runs, b_runs;
    std::string a_variant, b_variant;

    ComparedSide first() const { return {a, a_runs, a_variant}; }
    ComparedSide second() const { return {b ? *b : a, b_runs, b_variant}; }
};

Result<RunId> find_run(const std::string &number, const Session &session) {
    const auto run = parse_integer("--run", number, 1, std::int64_t(session.runs.size()));
    if (!run)
        return Error{run.error().what,
                     fmt::format("{} has {} run{}, counted from 1", session.path, session.runs.size(),
                                 session.runs.size() == 1 ? "" : "s"),
                     {}};
    return RunId{std::uint32_t(*run - 1)};
}

Result<Session> read(const std::string &file) {
    Result<Session> session = read_session(file);
    if (session && session->empty())
        return Error{fmt::format("{} has no run", file), "there is nothing in it to compare", {}};
    return session;
}

Status read_runs(const CompareArguments &arguments, Sides &sides) {
    if (!arguments.run)
        return {};
    const auto numbers = parse_pair("--run", *arguments.run);
    if (!numbers)
        return numbers.error();
    const auto a = find_run(numbers->first, sides.a);
    if (!a)
        return a.error();
    const auto b = find_run(numbers->second, sides.second().session);
    if (!b)
        return b.error();
    sides.a_runs = {*a};
    sides.b_runs = {*b};
    return {};
}

Result<Sides> read_sides(const CompareArguments &arguments) {
    if (arguments.files.empty() || arguments.files.size() > 2)
        return Error{fmt::format("compare was given {} sessions", arguments.files.size()),
                     "it takes two, or one whose runs or variants are compared",
                     "moescope compare A.moescope B.moescope"};
    Result<Session> a = read(arguments.files.front());
    if (!a)
        return a.error();
    Sides sides{.a = std::move(*a), .b = {}, .a_runs = {}, .b_runs = {}, .a_variant = {}, .b_variant = {}};
    if (arguments.files.size() == 2) {
        Result<Session> b = read(arguments.files.back());
        if (!b)
            return b.error();
        sides.b = std::move(*b);
    }
    MOESCOPE_TRY(read_runs(arguments, sides));
    if (arguments.variants) {
        auto variants = parse_pair("--variants", *arguments.variants);
        if (!variants)
            return variants.error();
        std::tie(sides.a_variant, sides.b_variant) = std::move(*variants);
    }
    if (!sides.b && sides.a_runs == sides.b_runs && sides.a_variant == sides.b_variant)
        return Error{fmt::format("{} would be compared with itself", arguments.files.front()),
                     "one session alone needs two of its runs or of its variants",
                     "give a second session, --run N,M or --variants X,Y"};
    return sides;
}

Result<std::vector<OperatorId>> parse_operators(const std::optional<std::string> &text) {
    std::vector<OperatorId> found;
    if (!text)
        return found;
    const auto words = parse_list("--ops", *text);
    if (!words)
        return words.error();
    for (const std::string &word : *words) {
        if (word == "all")
            return std::vector<OperatorId>{};
        if (const FamilyInfo *family = find_family(word)) {
            for (const OperatorInfo &each : operators())
                if (each.family == family->id)
                    found.push_back(each.id);
            continue;
        }
        const Result<OperatorId> op = find_operator(word);
        if (!op)
            return Error{"--ops: " + op.error().what, op.error().why, op.error().remedy};
        found.push_back(*op);
    }
    return found;
}

} // namespace

void add_compare_options(CLI::App &command, CompareArguments &arguments) {
    command.add_option("SESSIONS", arguments.files,
                       "A, what was before, and B, what is now; one alone: its runs or variants")
        ->type_name("A.moescope [B.moescope]");
    command
        .add_option("--threshold", arguments.threshold,
                    "A difference that matters: exit 1 where B is slower by more (3%)")
        ->type_name("P%");
    command.add_option("--run", arguments.run, "A's run and B's, counted from 1 (all)")->type_name("N[,M]");
    command.add_option("--ops", arguments.ops, "Only these operators or families of them (all)")
        ->type_name("A,B");
    command.add_option("--variants", arguments.variants, "A's variant against B's (each against itself)")
        ->type_name("X[,Y]");
    command.add_flag("--json", arguments.json, "Print one JSON document instead of the table");
}

int compare_command(const CompareArguments &arguments) {
    CompareOptions options;
    const Result<double> threshold = parse_threshold(arguments.threshold);
    if (!threshold)
        return complain(threshold.error(), kWrongRequest);
    options.threshold = *threshold;
    Result<std::vector<OperatorId>> operators = parse_operators(arguments.ops);
    if (!operators)
        return complain(operators.error(), kWrongRequest);
    options.operators = std::move(*operators);
    const Result<Sides> sides = read_sides(arguments);
    if (!sides)
        return complain(sides.error(), kWrongRequest);
    const ComparedSide a = sides->first(), b = sides->second();
    const Comparison comparison = compare_sessions(a, b, options);
    if (comparison.rows.empty() && !comparison.regressed())
        return complain({"nothing was measured in both",
                         "no operator and variant that was asked for is done in A and in B on the same workload",
                         "--run N,M compares two runs whatever their workloads"},
                        kWrongRequest);
    if (arguments.json)
        show(comparison_json(a, b, comparison));
    else
        show(comparison_headline(a, b, comparison) + comparison_table(a, b, comparison));
    return comparison.regressed() ? kFailed : kDone;
}

} // namespace moescope::cli
