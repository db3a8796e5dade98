#include "app/cli/numbers.h"

#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <optional>

namespace moescope::cli {

namespace {

template <typename T> std::optional<T> whole(std::string_view text) {
    T value{};
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
        return std::nullopt;
    return value;
}

Error wrong(std::string_view option, std::string_view text, std::string allowed) {
    return {fmt::format("{} is \"{}\"", option, text), "it must be " + allowed, {}};
}

} // namespace

Result<std::int64_t> parse_integer(std::string_view option, std::string_view text, std::int64_t low,
                                   std::int64_t high) {
    const auto value = whole<std::int64_t>(text);
    if (!value || *value < low || *value > high)
        return wrong(option, text, fmt::format("a whole number in {}..{}", low, high));
    return *value;
}

Result<std::uint64_t> parse_unsigned(std::string_view option, std::string_view text) {
    if (const auto value = whole<std::uint64_t>(text))
        return *value;
    return wrong(option, text,
                 fmt::format("a whole number in 0..{}", std::numeric_limits<std::uint64_t>::max()));
}

Result<double> parse_real(std::string_view option, std::string_view text, double low, double high) {
    const auto value = whole<double>(text);
    if (!value || !(*value >= low && *value <= high))
        return wrong(option, text, fmt::format("a number in {}..{}", low, high));
    return *value;
}

Result<std::vector<std::string>> parse_list(std::string_view option, std::string_view text) {
    std::vector<std::string> parts;
    for (std::string_view rest = text;;) {
        const std::size_t comma = rest.find(',');
        parts.emplace_back(rest.substr(0, comma));
        if (parts.back().empty())
            return wrong(option, text, "names separated by single commas");
        if (comma == std::string_view::npos)
            return parts;
        rest.remove_prefix(comma + 1);
    }
}

Result<Tile> parse_tile(std::string_view option, std::string_view text) {
    // M x N x K, warps, stages: each number followed by what separates it from the next.
    constexpr std::string_view kSeparators[] = {"x", "x", " w", " s", ""};
    std::string rest(text);
    for (char &c : rest)
        c = c == ',' ? ' ' : c;
    constexpr std::string_view kFamily = "wgmma "; // the number of warps says so too
    const bool wgmma = rest.starts_with(kFamily) || rest.starts_with("wgmma:");
    if (wgmma)
        rest.erase(0, kFamily.size());
    std::int32_t numbers[5] = {};
    const char *at = rest.data(), *end = rest.data() + rest.size();
    for (int i = 0; i < 5; ++i) {
        const auto parsed = std::from_chars(at, end, numbers[i]);
        const std::string_view after(parsed.ptr, std::size_t(end - parsed.ptr));
        if (parsed.ec != std::errc() || numbers[i] < 1 || !after.starts_with(kSeparators[i]) ||
            (i == 4 && !after.empty()) || (i == 3 && wgmma && numbers[i] <= 8))
            return wrong(option, text,
                         "block_m x block_n x block_k, warps and stages, as in 128x64x32,w4,s3 or "
                         "wgmma:128x256x64,w12,s4");
        at = parsed.ptr + kSeparators[i].size();
    }
    return Tile{numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]};
}

} // namespace moescope::cli
