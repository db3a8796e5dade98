// What the hovers of a lesson's values say: of its prose, its pictures and its questions.
#pragma once

#include "app/lessons/expression.h"
#include "app/lessons/figure.h"
#include "app/views/number.h"

#include <span>
#include <string>
#include <vector>

namespace moescope {

// How a value of the text came about, in the session's run.
ui::Fact explain_value(const lessons::Expression &value, const Session &session, RunId run);
std::vector<ui::ProseValue> values_of(const lessons::Filled &filled, const Session &session, RunId run);

// The same of a picture's value. about: of all that has no note of its own.
struct Explained {
    std::string title;
    std::vector<ui::Fact> facts;
};
Explained explain_note(const lessons::Note &note, const Session &session, RunId run, const ui::Fact &about);

} // namespace moescope
