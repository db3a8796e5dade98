#include "app/charts/scale.h"

#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

namespace moescope::charts {

namespace {

constexpr double kLeastPositive = 1e-300;

double log_of(double value) { return std::log10(std::max(value, kLeastPositive)); }

// 1, 2 or 5 times a power of ten: the least that is no smaller than span / wanted.
double nice_step(double span, int wanted) {
    const double rough = span / std::max(1, wanted);
    const double power = std::pow(10.0, std::floor(std::log10(rough)));
    for (const double factor : {1.0, 2.0, 5.0})
        if (rough <= factor * power * (1 + 1e-9))
            return factor * power;
    return 10 * power;
}

struct Prefix {
    double divisor;
    std::string_view suffix;
};

Prefix prefix_for(double largest, Unit unit) {
    constexpr std::array<Prefix, 4> time{{{1, " ns"}, {1e3, " µs"}, {1e6, " ms"}, {1e9, " s"}}};
    constexpr std::array<Prefix, 5> bytes{
        {{1, " B"}, {1e3, " kB"}, {1e6, " MB"}, {1e9, " GB"}, {1e12, " TB"}}};
    constexpr std::array<Prefix, 5> bandwidth{
        {{1, " B/s"}, {1e3, " kB/s"}, {1e6, " MB/s"}, {1e9, " GB/s"}, {1e12, " TB/s"}}};
    constexpr std::array<Prefix, 5> rate{{{1, " FLOP/s"},
                                          {1e3, " kFLOP/s"},
                                          {1e6, " MFLOP/s"},
                                          {1e9, " GFLOP/s"},
                                          {1e12, " TFLOP/s"}}};
    const auto pick = [&](const auto &prefixes) {
        std::size_t at = 0;
        while (at + 1 < prefixes.size() && largest >= prefixes[at + 1].divisor * 0.9999)
            ++at;
        return prefixes[at];
    };
    switch (unit) {
    case Unit::DurationNs:
        return pick(time);
    case Unit::Bytes:
        return pick(bytes);
    case Unit::BytesPerSecond:
        return pick(bandwidth);
    case Unit::FlopsPerSecond:
        return pick(rate);
    case Unit::Ratio:
        return {1, "×"};
    case Unit::Share:
        return {0.01, " %"};
    case Unit::Number:
    case Unit::Count:
        break;
    }
    return {1, ""};
}

std::string label_of(double value, double step, Prefix prefix, Unit unit) {
    const double shown_step = step / prefix.divisor;
    const bool zero = std::fabs(value) < step * 1e-6; // also -0
    const double shown = zero ? 0.0 : value / prefix.divisor;
    if (unit == Unit::Count && shown_step >= 1)
        return format_count(shown);
    const int decimals = std::clamp(int(std::ceil(-std::log10(shown_step) - 1e-9)), 0, 9);
    return fmt::format("{:.{}f}{}", shown, decimals, prefix.suffix);
}

std::vector<Tick> linear_ticks(Range range, int wanted, Unit unit) {
    std::vector<Tick> result;
    double step = nice_step(range.span(), wanted);
    if (unit == Unit::Count)
        step = std::max(1.0, step);
    const Prefix prefix = prefix_for(std::max(std::fabs(range.low), std::fabs(range.high)), unit);
    const double first = std::ceil(range.low / step - 1e-9);
    const double last = std::floor(range.high / step + 1e-9);
    for (double i = first; i <= last && result.size() < 1000; ++i)
        result.push_back({i * step, label_of(i * step, step, prefix, unit)});
    return result;
}

// Decades labelled (every n-th where there are many), 2..9 between them unlabelled; with few
// decades 2 and 5 are labelled too.
std::vector<Tick> decade_ticks(Range range, int wanted, Unit unit) {
    std::vector<Tick> result;
    const double low = log_of(range.low), high = log_of(range.high);
    const int every = std::max(1, int(std::ceil((high - low) / std::max(1, wanted))));
    const bool few = (high - low) * 3 <= wanted;
    for (int decade = int(std::floor(low)); decade <= int(std::floor(high)); ++decade)
        for (int digit = 1; digit <= (every == 1 ? 9 : 1); ++digit) {
            const double value = digit * std::pow(10.0, decade);
            if (log_of(value) < low - 1e-9 || log_of(value) > high + 1e-9)
                continue;
            const bool labelled =
                digit == 1 ? decade % every == 0 : few && (digit == 2 || digit == 5);
            const double step = std::pow(10.0, decade);
            result.push_back(
                {value, labelled ? label_of(value, step, prefix_for(value, unit), unit) : ""});
        }
    return result;
}

} // namespace

void Extent::add(double value) {
    if (!std::isfinite(value))
        return;
    if (empty()) {
        low_ = high_ = value;
        return;
    }
    low_ = std::min(low_, value);
    high_ = std::max(high_, value);
}

Range padded(Range range, double share, bool log) {
    if (log) {
        const double low = log_of(range.low), high = log_of(range.high);
        const double room = high > low ? (high - low) * share : 0.3;
        return {std::pow(10.0, low - room), std::pow(10.0, high + room)};
    }
    const double room = range.span() > 0 ? range.span() * share
                                         : (range.low != 0 ? std::fabs(range.low) * 0.5 : 0.5);
    return {range.low - room, range.high + room};
}

double Scale::to_pixel(double value) const {
    const double low = log ? log_of(range.low) : range.low;
    const double high = log ? log_of(range.high) : range.high;
    const double at = log ? std::max(log_of(value), low) : value;
    const double t = high > low ? (at - low) / (high - low) : 0.5;
    return pixel_low + t * (pixel_high - pixel_low);
}

double Scale::to_value(double pixel) const {
    const double t = pixel_high != pixel_low ? (pixel - pixel_low) / (pixel_high - pixel_low) : 0.0;
    if (!log)
        return range.low + t * range.span();
    const double low = log_of(range.low), high = log_of(range.high);
    return std::pow(10.0, low + t * (high - low));
}

Range zoomed(const Scale &scale, double about_pixel, double factor) {
    const auto moved = [&](double pixel) { return about_pixel + (pixel - about_pixel) * factor; };
    return {scale.to_value(moved(scale.pixel_low)), scale.to_value(moved(scale.pixel_high))};
}

Range panned(const Scale &scale, double by_pixels) {
    return {scale.to_value(scale.pixel_low - by_pixels),
            scale.to_value(scale.pixel_high - by_pixels)};
}

std::string format(double value, Unit unit) {
    switch (unit) {
    case Unit::Count:
        return format_count(value);
    case Unit::DurationNs:
        return format_duration_ns(value);
    case Unit::Bytes:
        return format_bytes(value);
    case Unit::BytesPerSecond:
        return format_bandwidth(value);
    case Unit::FlopsPerSecond:
        return format_flops(value);
    case Unit::Ratio:
        return format_ratio(value);
    case Unit::Share:
        return fmt::format("{:.1f} %", value * 100);
    case Unit::Number:
        break;
    }
    return fmt::format("{:.3g}", value);
}

std::vector<Tick> ticks_at(const std::vector<double> &values, const Scale &scale, Unit unit, double least_pixels) {
    constexpr std::size_t kMost = 24;
    std::vector<double> in_sight;
    for (const double value : values)
        if (value >= scale.range.low && value <= scale.range.high)
            in_sight.push_back(value);
    std::ranges::sort(in_sight);
    const auto repeated = std::ranges::unique(in_sight);
    in_sight.erase(repeated.begin(), repeated.end());
    if (in_sight.size() < 2 || in_sight.size() > kMost)
        return {};
    std::vector<Tick> result;
    double free_from = -std::numeric_limits<double>::infinity();
    for (const double value : in_sight) {
        const bool room = scale.to_pixel(value) >= free_from;
        result.push_back({value, room ? format(value, unit) : ""});
        if (room)
            free_from = scale.to_pixel(value) + least_pixels;
    }
    return result;
}

std::vector<Tick> ticks(Range range, int wanted, Unit unit, bool log) {
    if (!(range.high > range.low) || !std::isfinite(range.low) || !std::isfinite(range.high))
        return {};
    if (!log || range.low <= 0)
        return linear_ticks(range, wanted, unit);
    auto result = decade_ticks(range, wanted, unit);
    const auto labelled = std::count_if(result.begin(), result.end(),
                                        [](const Tick &tick) { return !tick.label.empty(); });
    return labelled < 3 && range.high < 100 * range.low ? linear_ticks(range, wanted, unit)
                                                        : result;
}

} // namespace moescope::charts
