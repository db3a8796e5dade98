// Numbers as a person types them after an option; errors name the option, the value and the range.
#pragma once

#include "profiler/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::cli {

// "2048", "-1": within low..high.
Result<std::int64_t> parse_integer(std::string_view option, std::string_view text, std::int64_t low,
                                   std::int64_t high);
Result<std::uint64_t> parse_unsigned(std::string_view option, std::string_view text);
// "0.5", "1e-3": finite and within low..high.
Result<double> parse_real(std::string_view option, std::string_view text, double low, double high);
// "a,b,c"; an empty part is an error.
Result<std::vector<std::string>> parse_list(std::string_view option, std::string_view text);
// "128x64x32 w4 s3", as tiles are printed; a comma may stand for a blank.
// "wgmma 128x256x64 w12 s4" for Hopper's own family; a colon may stand for the blank behind it.
struct Tile {
    std::int32_t block_m, block_n, block_k, warps, stages;
};
Result<Tile> parse_tile(std::string_view option, std::string_view text);

} // namespace moescope::cli
