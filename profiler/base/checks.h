// Range checks whose errors name the field, its value and what it may be.
#pragma once

#include "profiler/base/result.h"

#include <cmath>
#include <concepts>
#include <fmt/format.h>
#include <string_view>

namespace moescope {

template <std::integral T> Status check_range(std::string_view field, T value, T low, T high) {
    if (value >= low && value <= high)
        return {};
    return Error{
        fmt::format("{} is {}", field, value), fmt::format("it must be {}..{}", low, high), {}};
}

template <std::integral T>
Status check_multiple(std::string_view field, T value, T low, T high, T step) {
    if (value >= low && value <= high && value % step == 0)
        return {};
    return Error{fmt::format("{} is {}", field, value),
                 fmt::format("it must be a multiple of {} in {}..{}", step, low, high),
                 {}};
}

// Also refuses NaN.
inline Status check_real(std::string_view field, double value, double low, double high) {
    if (value >= low && value <= high)
        return {};
    return Error{
        fmt::format("{} is {}", field, value), fmt::format("it must be {}..{}", low, high), {}};
}

} // namespace moescope
