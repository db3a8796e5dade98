#include "app/views/variant_colour.h"

#include <tuple>

namespace moescope {

namespace {

constexpr std::size_t kSeries = std::tuple_size_v<decltype(Theme::series)>;

std::size_t place_in(const OperatorInfo &op, std::string_view variant) {
    std::size_t place = 0;
    while (place < op.variants.size() && op.variants[place].name != variant)
        ++place;
    return place;
}

} // namespace

std::size_t variant_series(OperatorId op, std::string_view variant) {
    if (is_edited(variant)) // beside the original, and not in its colour
        return (variant_series(op, plain_variant(variant)) + kSeries / 2) % kSeries;
    for (const OperatorInfo &each : operators())
        if (const std::size_t place = place_in(each, variant); place < each.variants.size())
            return place % kSeries;
    std::size_t sum = std::size_t(op);
    for (const char letter : variant)
        sum = sum * 31 + std::size_t(static_cast<unsigned char>(letter));
    return sum % kSeries;
}

ImVec4 variant_colour(const Theme &theme, OperatorId op, std::string_view variant) {
    return theme.series[variant_series(op, variant)];
}

} // namespace moescope
