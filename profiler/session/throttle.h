// Why a GPU's clocks were held back, in words.
#pragma once

#include <cstdint>
#include <string>

namespace moescope {

// reasons: the bits of NVML's nvmlClocksEventReasons. "power cap, thermal slowdown (hardware)"; "" for
// none. An idle GPU and clocks chosen by an application are no reason.
std::string throttle_text(std::uint64_t reasons);

} // namespace moescope
