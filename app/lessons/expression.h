// The language in which a lesson speaks of results: numbers, comparisons, and facts of a session's
// runs. A lesson's checks and the numbers in its text are written in it, as data.
//
//   time(softmax_topk.scalar) / fastest(softmax_topk) > 2 and tokens >= 1024
//   any(padded(128) < 0.1)
//   latest(where(groups_kept < groups, time(sigmoid_topk.scalar)))
//
// Names are facts of one run (facts.h lists them); operator.variant names a measurement. any, least,
// most, latest and runs look at every run of the session; where(condition, value) has a value only
// where the condition holds. change(time, base, threshold) holds the samples of two times against each
// other: 1 for longer, 0 for the same, -1 for less, and no value where they do not tell; unclear, told the
// same, is 1 there and else 0. True is 1 and false is 0.
#pragma once

#include "profiler/base/result.h"
#include "profiler/session/session.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::lessons {

// A value, or what would have to be measured to have one.
struct Answer {
    std::optional<double> value;
    std::string missing; // "gate_up (fused) has not been measured"; "" where there is a value

    bool known() const { return value.has_value(); }
    bool holds() const { return value && *value != 0; }
};

struct Fact;          // facts.h
struct FactArguments;

// What a value was made of.
struct Origin {
    struct Source {
        const Fact *fact = nullptr;
        const FactArguments *arguments = nullptr; // the expression's own
        RunId run;                                // whose fact it is
    };
    std::vector<Source> sources; // conditions left out
    bool computed = false;       // more than one fact as it is
};

class Expression {
  public:
    Expression() = default;
    // Errors: a word that is not known, a name that is none, brackets that do not match; each with the
    // text and the place.
    static Result<Expression> parse(std::string_view text);

    // In a run of a session; the run may be invalid, and the session empty.
    Answer evaluate(const Session &session, RunId run) const;
    Origin origin(const Session &session, RunId run) const;
    const std::string &text() const { return text_; }
    bool empty() const { return !root_; }

    struct Node;

  private:
    std::string text_;
    std::shared_ptr<const Node> root_;
};

// A template's words in a run, and where its values stand in them.
struct Filled {
    std::string text;
    struct Value {
        std::size_t begin = 0, end = 0;
        Expression expression;
    };
    std::vector<Value> values = {};
    bool known = true; // every value
};

// Text with {expression:format} in it: time, bytes, rate (bytes a second), flops (a second), ratio,
// percent, count or number. What is not known yet reads "–".
class Template {
  public:
    Template() = default;
    static Result<Template> parse(std::string_view text);
    Filled fill(const Session &session, RunId run) const;
    bool empty() const { return parts_.empty(); }

  private:
    struct Part {
        std::string words; // before the value
        Expression value;  // may be empty: at the end
        std::string format;
    };
    std::vector<Part> parts_;
};

} // namespace moescope::lessons
