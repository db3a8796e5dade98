// Tiles to choose among: what can be built of them, and the fastest of those that can.
#pragma once

#include "tests/benchmarks/device.h"
#include "tests/benchmarks/row.h"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace moescope::bench {

std::string text_of(const ms_tile_config &config); // "wgmma 64x128x64 w12 s4"

// Every tile gets a glance, and those near the fastest a look. Big inputs have many milliseconds a
// launch: a race that has taken this long leaves the remaining tiles out, which are less promising,
// and says so of each.
inline constexpr Timing kGlance{.warmups = 1, .samples = 1}, kLook{.warmups = 1, .samples = 7};
inline constexpr double kRaceSeconds = 2;

// Why each of these calls cannot run on this device, or ""; NVRTC compiles on every core.
std::vector<std::string> problems_of(const std::vector<ms_scatter2scatter_args> &calls);

struct Place {
    std::size_t tile; // index
    double ns;
};
// Times those of `tiles` that have no reason against them yet; the fastest first. What became of
// each stands in `tiles` afterwards. Throws where none can run.
std::vector<Place> race(std::vector<Choice> &tiles,
                        const std::function<double(std::size_t tile, const Timing &)> &time);

} // namespace moescope::bench
