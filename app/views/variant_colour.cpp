#include "app/views/variant_colour.h"

#include <array>
#include <map>
#include <string>
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

// Each name's place in the first operator that has it, or the next one that no variant beside it in any operator has.
std::map<std::string, std::size_t, std::less<>> known_series() {
    std::map<std::string, std::size_t, std::less<>> series;
    for (const OperatorInfo &op : operators())
        for (std::size_t place = 0; place < op.variants.size(); ++place) {
            const std::string name(op.variants[place].name);
            if (series.contains(name))
                continue;
            std::array<bool, kSeries> taken{};
            for (const OperatorInfo &other : operators())
                if (place_in(other, name) < other.variants.size())
                    for (const VariantInfo &beside : other.variants)
                        if (const auto found = series.find(beside.name); found != series.end())
                            taken[found->second] = true;
            std::size_t slot = place % kSeries;
            for (std::size_t tried = 0; taken[slot] && tried < kSeries; ++tried)
                slot = (slot + 1) % kSeries;
            series[name] = slot;
        }
    return series;
}

} // namespace

std::size_t variant_series(OperatorId op, std::string_view variant) {
    if (is_edited(variant)) // beside the original, and not in its colour
        return (variant_series(op, plain_variant(variant)) + kSeries / 2) % kSeries;
    static const auto known = known_series();
    if (const auto found = known.find(variant); found != known.end())
        return found->second;
    std::size_t sum = std::size_t(op);
    for (const char letter : variant)
        sum = sum * 31 + std::size_t(static_cast<unsigned char>(letter));
    return sum % kSeries;
}

ImVec4 variant_colour(const Theme &theme, OperatorId op, std::string_view variant) {
    return theme.series[variant_series(op, variant)];
}

} // namespace moescope
