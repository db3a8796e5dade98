// How well a text answers what somebody began to type.
#pragma once

#include <optional>
#include <string_view>

namespace moescope {

// Every word of the query must be in the text, its letters in order though not side by side, ignoring
// case; none where one is not. Higher is better: letters side by side and at the start of words count
// most, and of equals the shorter text is better. An empty query fits everything alike.
std::optional<int> fuzzy_score(std::string_view query, std::string_view text);

// The same where every word of the query begins a word of the text; else none.
std::optional<int> words_score(std::string_view query, std::string_view text);

} // namespace moescope
