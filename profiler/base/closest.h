// Names that a mistyped one may have meant.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

// Letters to insert, delete or replace.
std::size_t edit_distance(std::string_view a, std::string_view b);

// Names within `distance` edits of the wanted one or that contain it, nearest first, at most four.
std::vector<std::string> closest_names(const std::vector<std::string> &names,
                                       std::string_view wanted, std::size_t distance);

} // namespace moescope
