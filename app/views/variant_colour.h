// One colour means one variant, in every view.
#pragma once

#include "app/theme.h"
#include "profiler/workload/operators.h"

#include <string_view>

namespace moescope {

// Place of a variant's colour among the theme's series: its place in the first operator that has a
// variant of this name, so that "fused" looks the same in gate_up and down, or the next free one where an
// operator would have two of one colour. A name that no operator
// has (a session of a newer version) still gets a steady place.
std::size_t variant_series(OperatorId op, std::string_view variant);

ImVec4 variant_colour(const Theme &theme, OperatorId op, std::string_view variant);

} // namespace moescope
