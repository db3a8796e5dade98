// What a user does beside looking at one view: each must not hold the window up.
#pragma once

#include "tests/benchmarks/window/frames.h"

#include <filesystem>
#include <vector>

namespace moescope::bench {

// With a session open in the desk, which `file` holds.
std::vector<ViewCost> moments_of(FrameDesk &desk, const std::filesystem::path &file);

} // namespace moescope::bench
