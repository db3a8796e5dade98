#include "app/lessons/expression.h"

#include "app/lessons/facts.h"
#include "profiler/base/try.h"
#include "profiler/base/units.h"
#include "profiler/compare/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace moescope::lessons {

namespace {

// Over what an operator or a function works: its arguments' values.
using Compute = double (*)(double, double);

struct Operation {
    std::string_view word;
    Compute compute;
};

constexpr Operation kComparisons[] = {
    {"<=", [](double a, double b) { return double(a <= b); }}, {">=", [](double a, double b) { return double(a >= b); }},
    {"==", [](double a, double b) { return double(a == b); }}, {"!=", [](double a, double b) { return double(a != b); }},
    {"<", [](double a, double b) { return double(a < b); }},   {">", [](double a, double b) { return double(a > b); }},
};
constexpr Operation kSums[] = {{"+", [](double a, double b) { return a + b; }},
                               {"-", [](double a, double b) { return a - b; }}};
constexpr Operation kProducts[] = {{"*", [](double a, double b) { return a * b; }},
                                   {"/", [](double a, double b) { return a / b; }}};
constexpr Operation kFunctions[] = {{"min", [](double a, double b) { return std::min(a, b); }},
                                    {"max", [](double a, double b) { return std::max(a, b); }}};

enum class Over { Any, Least, Most, Latest, Runs };
constexpr std::pair<std::string_view, Over> kAggregates[] = {
    {"any", Over::Any}, {"least", Over::Least}, {"most", Over::Most}, {"latest", Over::Latest}, {"runs", Over::Runs}};

constexpr int kMaxDepth = 64;

} // namespace

struct Expression::Node {
    enum class Kind { Number, Fact, Binary, And, Or, Not, Where, Aggregate, Change, Unclear } kind = Kind::Number;
    double number = 0;
    const lessons::Fact *fact = nullptr;
    FactArguments arguments = {};
    Compute compute = nullptr;
    Over over = Over::Any;
    std::shared_ptr<const Node> a = {}, b = {};
};

namespace {

using Node = Expression::Node;
using NodePtr = std::shared_ptr<const Node>;

NodePtr node(Node made) { return std::make_shared<const Node>(std::move(made)); }

class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text) {}

    Result<NodePtr> whole() {
        Result<NodePtr> root = either();
        MOESCOPE_TRY(root);
        skip();
        if (at_ < text_.size())
            return wrong(fmt::format("\"{}\" is not expected", text_.substr(at_)));
        return root;
    }

  private:
    Error wrong(std::string why) const {
        return {fmt::format("expression \"{}\", at character {}", text_, at_ + 1), std::move(why), ""};
    }
    void skip() {
        while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])))
            ++at_;
    }
    bool take(std::string_view sign) {
        skip();
        if (!text_.substr(at_).starts_with(sign))
            return false;
        at_ += sign.size();
        return true;
    }
    static bool in_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
    std::string_view peek_word() {
        skip();
        std::size_t end = at_;
        while (end < text_.size() && in_word(text_[end]))
            ++end;
        return text_.substr(at_, end - at_);
    }
    bool take_word(std::string_view word) {
        if (peek_word() != word)
            return false;
        at_ += word.size();
        return true;
    }

    Result<NodePtr> either() {
        Result<NodePtr> left = both();
        while (left && take_word("or")) {
            Result<NodePtr> right = both();
            MOESCOPE_TRY(right);
            left = node({.kind = Node::Kind::Or, .a = *left, .b = *right});
        }
        return left;
    }
    Result<NodePtr> both() {
        Result<NodePtr> left = negation();
        while (left && take_word("and")) {
            Result<NodePtr> right = negation();
            MOESCOPE_TRY(right);
            left = node({.kind = Node::Kind::And, .a = *left, .b = *right});
        }
        return left;
    }
    Result<NodePtr> negation() {
        if (!take_word("not"))
            return comparison();
        Result<NodePtr> inner = comparison();
        MOESCOPE_TRY(inner);
        return node({.kind = Node::Kind::Not, .a = *inner});
    }
    Result<NodePtr> comparison() {
        Result<NodePtr> left = sum();
        MOESCOPE_TRY(left);
        for (const Operation &each : kComparisons)
            if (take(each.word)) {
                Result<NodePtr> right = sum();
                MOESCOPE_TRY(right);
                return node({.kind = Node::Kind::Binary, .compute = each.compute, .a = *left, .b = *right});
            }
        return left;
    }
    template <class Next> Result<NodePtr> chain(std::span<const Operation> operations, Next next) {
        Result<NodePtr> left = (this->*next)();
        for (bool more = true; left && more;) {
            more = false;
            for (const Operation &each : operations)
                if (take(each.word)) {
                    Result<NodePtr> right = (this->*next)();
                    MOESCOPE_TRY(right);
                    left = node({.kind = Node::Kind::Binary, .compute = each.compute, .a = *left, .b = *right});
                    more = true;
                    break;
                }
        }
        return left;
    }
    Result<NodePtr> sum() { return chain(kSums, &Parser::product); }
    Result<NodePtr> product() { return chain(kProducts, &Parser::primary); }

    Result<NodePtr> primary() {
        if (++depth_ > kMaxDepth)
            return wrong("it is nested too deeply");
        Result<NodePtr> made = primary_of();
        --depth_;
        return made;
    }
    Result<NodePtr> primary_of() {
        skip();
        if (at_ >= text_.size())
            return wrong("something is missing at the end");
        if (take("("))
            return bracketed();
        if (std::isdigit(static_cast<unsigned char>(text_[at_])))
            return number();
        const std::string_view word = peek_word();
        if (word.empty())
            return wrong(fmt::format("\"{}\" is not expected", text_.substr(at_, 1)));
        at_ += word.size();
        if (word == "where")
            return where();
        if (word == "change")
            return of_change(Node::Kind::Change);
        if (word == "unclear")
            return of_change(Node::Kind::Unclear);
        for (const auto &[name, over] : kAggregates)
            if (word == name)
                return aggregate(over);
        for (const Operation &each : kFunctions)
            if (word == each.word)
                return function(each.compute);
        return named(word);
    }
    Result<NodePtr> bracketed() {
        Result<NodePtr> inner = either();
        MOESCOPE_TRY(inner);
        if (!take(")"))
            return wrong("a closing bracket is missing");
        return inner;
    }
    Result<double> digits() {
        skip();
        double value = 0;
        const auto [end, problem] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
        if (problem != std::errc())
            return wrong("a number is expected");
        at_ = std::size_t(end - text_.data());
        return value;
    }
    Result<NodePtr> number() {
        Result<double> value = digits();
        MOESCOPE_TRY(value);
        return node({.kind = Node::Kind::Number, .number = *value});
    }
    Result<std::pair<NodePtr, NodePtr>> pair() {
        if (!take("("))
            return wrong("an opening bracket is expected");
        Result<NodePtr> first = either();
        MOESCOPE_TRY(first);
        if (!take(","))
            return wrong("a comma is expected");
        Result<NodePtr> second = bracketed();
        MOESCOPE_TRY(second);
        return std::pair(*first, *second);
    }
    Result<NodePtr> where() {
        auto both = pair();
        MOESCOPE_TRY(both);
        return node({.kind = Node::Kind::Where, .a = both->first, .b = both->second});
    }
    Result<NodePtr> of_change(Node::Kind kind) {
        if (!take("("))
            return wrong("an opening bracket is expected");
        Result<NodePtr> time = either();
        MOESCOPE_TRY(time);
        if (!take(","))
            return wrong("a comma is expected");
        Result<NodePtr> base = either();
        MOESCOPE_TRY(base);
        if (!take(","))
            return wrong("a comma is expected, and what difference counts");
        Result<double> threshold = digits();
        MOESCOPE_TRY(threshold);
        if (!take(")"))
            return wrong("a closing bracket is missing");
        for (const NodePtr &each : {*time, *base})
            if (!names_time(*each))
                return wrong("two times of measurements are held against each other, as they are");
        return node({.kind = kind, .number = *threshold, .a = *time, .b = *base});
    }
    // A measurement's time, of one run or of one among several.
    static bool names_time(const Node &node) {
        switch (node.kind) {
        case Node::Kind::Fact:
            return node.fact->name == "time" || node.fact->name == "fastest";
        case Node::Kind::Where:
            return names_time(*node.b);
        case Node::Kind::Aggregate:
            return node.over != Over::Any && node.over != Over::Runs && names_time(*node.a);
        default:
            return false;
        }
    }
    Result<NodePtr> function(Compute compute) {
        auto both = pair();
        MOESCOPE_TRY(both);
        return node({.kind = Node::Kind::Binary, .compute = compute, .a = both->first, .b = both->second});
    }
    Result<NodePtr> aggregate(Over over) {
        if (!take("("))
            return wrong("an opening bracket is expected");
        Result<NodePtr> inner = bracketed();
        MOESCOPE_TRY(inner);
        return node({.kind = Node::Kind::Aggregate, .over = over, .a = *inner});
    }
    Result<NodePtr> named(std::string_view word) {
        const Fact *fact = find_fact(word);
        if (!fact) {
            std::string names;
            for (const Fact &each : facts())
                names += fmt::format("{}{}", names.empty() ? "" : ", ", each.name);
            return wrong(fmt::format("\"{}\" is not known; the facts are {}", word, names));
        }
        Node made{.kind = Node::Kind::Fact, .fact = fact};
        if (fact->takes == Takes::Nothing)
            return node(std::move(made));
        if (!take("("))
            return wrong(fmt::format("{} is told what of, in brackets", word));
        if (fact->takes == Takes::Number) {
            Result<double> value = digits();
            MOESCOPE_TRY(value);
            made.arguments.number = *value;
        } else {
            MOESCOPE_TRY(measurement(fact->takes, made.arguments));
        }
        if (!take(")"))
            return wrong("a closing bracket is missing");
        return node(std::move(made));
    }
    Status measurement(Takes takes, FactArguments &arguments) {
        const std::string_view name = peek_word();
        const Result<OperatorId> op = find_operator(name);
        if (!op)
            return wrong(op.error().sentence());
        arguments.op = *op;
        at_ += name.size();
        if (takes == Takes::Operator)
            return {};
        if (!take("."))
            return wrong(fmt::format("a variant is expected: {}.VARIANT", name));
        arguments.variant = std::string(peek_word());
        at_ += arguments.variant.size();
        if (!find_variant(*op, arguments.variant))
            return wrong(fmt::format("{} has no variant \"{}\"", name, arguments.variant));
        return {};
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

Answer value_of(const Node &node, const Session &session, RunId run);

Answer over_runs(const Node &node, const Session &session) {
    Answer result;
    std::string missing = "nothing has been run";
    double held = 0;
    for (std::size_t i = 0; i < session.runs.size(); ++i) {
        const Answer here = value_of(*node.a, session, RunId{std::uint32_t(i)});
        if (!here.known()) {
            missing = here.missing;
            continue;
        }
        held += here.holds();
        const double value = *here.value, so_far = result.value.value_or(value);
        result.value = node.over == Over::Least  ? std::min(so_far, value)
                       : node.over == Over::Most ? std::max(so_far, value)
                                                 : value;
    }
    if (node.over == Over::Runs)
        return {held, {}};
    if (!result.known())
        return {std::nullopt, missing};
    if (node.over == Over::Any)
        result.value = held > 0;
    return result;
}

// The run whose value over_runs takes.
RunId chosen_run(const Node &node, const Session &session) {
    RunId chosen;
    double best = 0;
    for (std::size_t i = 0; i < session.runs.size(); ++i) {
        const RunId run{std::uint32_t(i)};
        const Answer here = value_of(*node.a, session, run);
        if (!here.known() || (chosen.valid() && ((node.over == Over::Least && *here.value >= best) ||
                                                 (node.over == Over::Most && *here.value <= best))))
            continue;
        chosen = run;
        best = *here.value;
    }
    return chosen;
}

void add_sources(const Node &node, const Session &session, RunId run, Origin &origin) {
    switch (node.kind) {
    case Node::Kind::Number:
        return;
    case Node::Kind::Fact:
        origin.sources.push_back({node.fact, &node.arguments, run});
        return;
    case Node::Kind::Where:
        return add_sources(*node.b, session, run, origin);
    case Node::Kind::Aggregate:
        if (node.over == Over::Any || node.over == Over::Runs)
            origin.computed = true;
        else
            add_sources(*node.a, session, chosen_run(node, session), origin);
        return;
    default:
        break;
    }
    origin.computed = true;
    add_sources(*node.a, session, run, origin);
    if (node.b)
        add_sources(*node.b, session, run, origin);
}

const Measurement *measurement_of(const Node &node, const Session &session, RunId run) {
    Origin origin;
    add_sources(node, session, run, origin);
    const Origin::Source &source = origin.sources.front();
    return find_measurement(session, source.run, source.arguments->op, source.arguments->variant);
}

std::string with_spread(const Summary &time) {
    return fmt::format("{} (10 % to 90 %: {} to {})", format_duration_ns(time.median), format_duration_ns(time.p10),
                       format_duration_ns(time.p90));
}

// 1, 0 or -1: longer, the same, less; nothing where the samples do not tell. Unclear: whether they do not.
Answer change_of(const Node &node, const Session &session, RunId run) {
    for (const NodePtr &each : {node.a, node.b})
        if (const Answer there = value_of(*each, session, run); !there.known())
            return there;
    const Measurement *time = measurement_of(*node.a, session, run), *base = measurement_of(*node.b, session, run);
    const TimeVerdict verdict = judge(*base, *time, node.number);
    if (node.kind == Node::Kind::Unclear && verdict.ratio)
        return {double(verdict.change == Change::Unclear), {}};
    if (verdict.change != Change::Unclear)
        return {double(verdict.change == Change::Slower) - double(verdict.change == Change::Faster), {}};
    return {std::nullopt,
            fmt::format("unclear, run both again: {} against {}, {}", with_spread(time->time), with_spread(base->time),
                        verdict.ratio ? fmt::format("a ratio that may be {} to {} (95 %)", format_ratio(verdict.ratio->low),
                                                    format_ratio(verdict.ratio->high))
                                      : fmt::format("and {} samples of each would be needed", kFewestForRatio))};
}

Answer both_of(const Node &node, const Session &session, RunId run) {
    const Answer a = value_of(*node.a, session, run);
    const bool conjunction = node.kind == Node::Kind::And;
    if (a.known() && a.holds() != conjunction) // decided: the other side may be unknown
        return {double(!conjunction), {}};
    const Answer b = value_of(*node.b, session, run);
    if (b.known() && b.holds() != conjunction)
        return {double(!conjunction), {}};
    return !a.known() ? a : !b.known() ? b : Answer{double(conjunction), {}};
}

Answer value_of(const Node &node, const Session &session, RunId run) {
    switch (node.kind) {
    case Node::Kind::Number:
        return {node.number, {}};
    case Node::Kind::Fact:
        return node.fact->value(session, run, node.arguments);
    case Node::Kind::Aggregate:
        return over_runs(node, session);
    case Node::Kind::Change:
    case Node::Kind::Unclear:
        return change_of(node, session, run);
    case Node::Kind::And:
    case Node::Kind::Or:
        return both_of(node, session, run);
    default:
        break;
    }
    const Answer a = value_of(*node.a, session, run);
    if (!a.known())
        return a;
    if (node.kind == Node::Kind::Not)
        return {double(!a.holds()), {}};
    if (node.kind == Node::Kind::Where && !a.holds())
        return {std::nullopt, "no run is of the kind that is asked for"};
    const Answer b = value_of(*node.b, session, run);
    if (!b.known() || node.kind == Node::Kind::Where)
        return b;
    const double value = node.compute(*a.value, *b.value);
    return std::isfinite(value) ? Answer{value, {}} : Answer{std::nullopt, "it divides by zero"};
}

// A value and its unit stay on one line.
std::string unbroken(const std::string &words) {
    std::string result;
    for (const char letter : words)
        result += letter == ' ' ? "\u00a0" : std::string(1, letter);
    return result;
}

constexpr std::pair<std::string_view, std::string (*)(double)> kFormats[] = {
    {"time", format_duration_ns},
    {"bytes", format_bytes},
    {"rate", format_bandwidth},
    {"flops", format_flops},
    {"ratio", format_ratio},
    {"percent", [](double value) { return fmt::format("{:.1f} %", 100 * value); }},
    {"count", [](double value) { return format_count(std::round(value)); }},
    {"number", [](double value) { return fmt::format("{:.3g}", value); }},
};

} // namespace

Result<Expression> Expression::parse(std::string_view text) {
    Result<NodePtr> root = Parser(text).whole();
    MOESCOPE_TRY(root);
    Expression made;
    made.text_ = std::string(text);
    made.root_ = *root;
    return made;
}

Answer Expression::evaluate(const Session &session, RunId run) const {
    return root_ ? value_of(*root_, session, run) : Answer{std::nullopt, "there is nothing to work out"};
}

Origin Expression::origin(const Session &session, RunId run) const {
    Origin origin;
    if (root_)
        add_sources(*root_, session, run, origin);
    return origin;
}

Result<Template> Template::parse(std::string_view text) {
    Template made;
    while (!text.empty()) {
        const std::size_t open = text.find('{');
        Part part;
        part.words = std::string(text.substr(0, open));
        if (open == text.npos) {
            made.parts_.push_back(std::move(part));
            break;
        }
        const std::size_t close = text.find('}', open), colon = text.rfind(':', close);
        if (close == text.npos || colon == text.npos || colon < open)
            return Error{fmt::format("text \"{}\"", text.substr(open, 40)),
                         "a value is written {expression:format}", ""};
        Result<Expression> value = Expression::parse(text.substr(open + 1, colon - open - 1));
        MOESCOPE_TRY(value);
        part.value = std::move(*value);
        part.format = std::string(text.substr(colon + 1, close - colon - 1));
        if (std::ranges::find(kFormats, part.format, &std::pair<std::string_view, std::string (*)(double)>::first) ==
            std::end(kFormats))
            return Error{fmt::format("text \"{}\"", text.substr(open, close - open + 1)),
                         "its format must be time, bytes, rate, flops, ratio, percent, count or number", ""};
        made.parts_.push_back(std::move(part));
        text.remove_prefix(close + 1);
    }
    return made;
}

Filled Template::fill(const Session &session, RunId run) const {
    Filled filled;
    for (const Part &part : parts_) {
        filled.text += part.words;
        if (part.value.empty())
            continue;
        const std::size_t begin = filled.text.size();
        const Answer answer = part.value.evaluate(session, run);
        filled.known &= answer.known();
        for (const auto &[name, format] : kFormats)
            if (name == part.format)
                filled.text += answer.known() ? unbroken(format(*answer.value)) : "–";
        filled.values.push_back({begin, filled.text.size(), part.value});
    }
    return filled;
}

} // namespace moescope::lessons
