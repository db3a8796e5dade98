#include "profiler/workload/workload.h"

#include "profiler/base/checks.h"

#include <bit>
#include <charconv>
#include <cstdint>
#include <fmt/format.h>

namespace moescope {

namespace {

constexpr std::int64_t kMaxTokens = 1 << 20;
constexpr double kMaxZipf = 4.0;

Error bad_skew(std::string_view text, std::string_view why) {
    return {fmt::format("skew is \"{}\"", text), std::string(why),
            "write uniform, zipf:S with 0 < S <= 4, or hot:F with 0 < F <= 1"};
}

Status validate_skew(const Skew &skew) {
    const bool zipf = skew.kind == Skew::Kind::Zipf;
    const double most = zipf ? kMaxZipf : 1.0;
    if (skew.kind == Skew::Kind::Uniform || (skew.value > 0 && skew.value <= most))
        return {};
    return bad_skew(skew.text(),
                    zipf ? "its exponent is out of range" : "its share is out of range");
}

} // namespace

std::string Skew::text() const {
    switch (kind) {
    case Kind::Zipf:
        return fmt::format("zipf:{}", value);
    case Kind::Hot:
        return fmt::format("hot:{}", value);
    case Kind::Uniform:
        break;
    }
    return "uniform";
}

Result<Skew> parse_skew(std::string_view text) {
    if (text == "uniform")
        return Skew{};
    const std::size_t colon = text.find(':');
    const std::string_view kind = text.substr(0, colon);
    if (kind != "zipf" && kind != "hot")
        return bad_skew(text, "there is no such distribution");
    if (colon == std::string_view::npos)
        return bad_skew(text, "its number is missing");
    const std::string_view number = text.substr(colon + 1);
    Skew skew{kind == "zipf" ? Skew::Kind::Zipf : Skew::Kind::Hot, 0.0};
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), skew.value);
    if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size())
        return bad_skew(text, fmt::format("\"{}\" is not a number", number));
    if (!validate_skew(skew))
        return bad_skew(text, kind == "zipf" ? "its exponent is out of range"
                                             : "its share is out of range");
    return skew;
}

Result<QuantFormat> quant_format_of(std::string_view field, std::string_view name) {
    std::string names;
    for (int each = 0; each < kQuantFormatCount; ++each) {
        if (name == name_of(QuantFormat(each)))
            return QuantFormat(each);
        names += (names.empty() ? "" : ", ") + std::string(name_of(QuantFormat(each)));
    }
    return Error{fmt::format("{} is \"{}\"", field, name),
                 fmt::format("it must be one of {}", names),
                 {}};
}

Status validate(const Workload &workload) {
    if (const Status status = validate(workload.model); !status)
        return status;
    for (const Status &status :
         {check_range<std::int64_t>("tokens", workload.tokens, 1, kMaxTokens),
          check_range("rank", workload.lora_rank, 0, 256),
          check_real("lora_scaling", workload.lora_scaling, -1e6, 1e6)})
        if (!status)
            return status;
    const auto power_of_two = [](std::int32_t value) {
        return value > 0 && std::has_single_bit(unsigned(value));
    };
    for (const auto &[field, value] : {std::pair{"quant_block", workload.quant_block},
                                       std::pair{"nested_block", workload.nested_block}})
        if (!power_of_two(value) || value < 32 || value > 4096)
            return Error{
                fmt::format("{} is {}", field, value), "it must be a power of two in 32..4096", {}};
    // Slots are counted in 32 bits on the device.
    if (workload.slots() >= std::int64_t(1) << 31)
        return Error{
            fmt::format("tokens is {}", workload.tokens),
            fmt::format(
                "{} tokens of {} experts each are {} routed tokens, and a run holds at most {}",
                workload.tokens, workload.model.top_k, workload.slots(),
                (std::int64_t(1) << 31) - 1),
            "choose fewer tokens or a smaller top-k"};
    return validate_skew(workload.skew);
}

} // namespace moescope
