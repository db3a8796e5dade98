#include "profiler/base/units.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <ctime>
#include <string_view>

namespace moescope {

namespace {

// Three significant digits without an exponent: 4.21, 42.1, 421.
std::string three_digits(double value) {
    const double magnitude = std::fabs(value);
    if (magnitude == 0)
        return "0";
    const int decimals = magnitude < 9.995 ? 2 : magnitude < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f}", value, decimals);
}

template <std::size_t kUnits>
std::string scaled(double value, const std::array<std::string_view, kUnits> &units) {
    std::size_t unit = 0;
    while (std::fabs(value) >= 999.5 && unit + 1 < kUnits) {
        value /= 1000;
        ++unit;
    }
    return fmt::format("{} {}", three_digits(value), units[unit]);
}

} // namespace

std::string format_duration_ns(double ns) {
    return scaled(ns, std::array<std::string_view, 4>{"ns", "µs", "ms", "s"});
}
std::string format_bytes(double bytes) {
    if (std::fabs(bytes) < 999.5)
        return fmt::format("{:.0f} B", bytes);
    return scaled(bytes, std::array<std::string_view, 5>{"B", "kB", "MB", "GB", "TB"});
}
std::string format_bandwidth(double bytes_per_second) {
    return scaled(bytes_per_second, std::array<std::string_view, 5>{"B/s", "kB/s", "MB/s", "GB/s", "TB/s"});
}
std::string format_flops(double flops_per_second) {
    return scaled(flops_per_second,
                  std::array<std::string_view, 5>{"FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s"});
}
std::string format_date(std::int64_t unix_ns) {
    const std::time_t seconds = std::time_t(unix_ns / 1'000'000'000);
    std::tm local{};
    localtime_r(&seconds, &local);
    std::array<char, 32> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &local)};
}

std::string format_ratio(double ratio) { return three_digits(ratio) + "×"; }

std::string format_count(double count) {
    std::string digits = fmt::format("{:.0f}", count);
    for (int at = int(digits.size()) - 3; at > (count < 0 ? 1 : 0); at -= 3)
        digits.insert(std::size_t(at), ",");
    return digits;
}

} // namespace moescope
