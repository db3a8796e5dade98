// A number and how it came about: the one way in which views show what was measured, modelled or estimated.
#pragma once

#include "app/theme.h"
#include "profiler/explain/evidence.h"

#include <span>
#include <string>
#include <string_view>

namespace moescope::ui {

struct Number {
    std::string text;
    Evidence evidence = Evidence::Measured;
    std::string words; // what it is, how it was measured, and from how many samples
};

// At the right edge of the current table column or window, with its hover. A dash is muted.
void number(const Theme &theme, const Number &number);
void number(const Theme &theme, const Number &number, const ImVec4 &colour);

// The last item's hover: how it came about as a badge, then the words.
void explain(const Theme &theme, Evidence evidence, std::string_view words);
// The same for a hover that the caller found out.
void tooltip(const Theme &theme, Evidence evidence, std::string_view words);

// A hover about several numbers of one thing: its title, then what is said of each behind its badge.
struct Fact {
    Evidence evidence = Evidence::Measured;
    std::string words;
};
void tooltip(const Theme &theme, std::string_view title, std::span<const Fact> facts);
// The same as text.
std::string text_of(std::string_view title, std::span<const Fact> facts);

// Wrapped words at the cursor with values in them, each underlined in its kind's colour and explained on hover.
struct ProseValue {
    std::size_t begin = 0, end = 0; // in the words
    Fact fact;
};
void prose(const Theme &theme, const std::string &words, std::span<const ProseValue> values, float width);

// The badge's shape alone, as an item of a line's height: for heads of columns and labels of rows.
void mark(const Theme &theme, Evidence evidence);

// What every measured number's hover adds while the session shown is a recording ("Recorded on NVIDIA H200,
// 2026-11-20 11:05"); "" while it is live.
void numbers_are_recorded(std::string when_and_where);

// The shapes and colours with what they mean.
void legend(const Theme &theme);

} // namespace moescope::ui
