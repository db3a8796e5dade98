#include "profiler/model/names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <span>
#include <vector>

namespace moescope {

namespace {

template <typename Enum>
Result<Enum> value_of(std::string_view field, std::string_view name,
                      std::initializer_list<Enum> values) {
    std::vector<std::string_view> names;
    for (const Enum value : values) {
        if (name == name_of(value))
            return value;
        names.push_back(name_of(value));
    }
    return Error{fmt::format("{} is \"{}\"", field, name),
                 fmt::format("it must be one of {}", fmt::join(names, ", ")),
                 {}};
}

} // namespace

Result<RouterKind> router_kind_of(std::string_view field, std::string_view name) {
    return value_of(field, name,
                    {RouterKind::Softmax, RouterKind::Sigmoid, RouterKind::TopkSoftmax,
                     RouterKind::SqrtSoftplus, RouterKind::TopkSigmoid});
}

Result<Renorm> renorm_of(std::string_view field, std::string_view name) {
    return value_of(field, name, {Renorm::None, Renorm::Add, Renorm::Clamp, Renorm::Skip});
}

Result<GroupScore> group_score_of(std::string_view field, std::string_view name) {
    return value_of(field, name, {GroupScore::Top2Sum, GroupScore::Max});
}

Result<Activation> activation_of(std::string_view field, std::string_view name) {
    return value_of(field, name,
                    {Activation::Silu, Activation::Gelu, Activation::GeluTanh,
                     Activation::ClampedSwish, Activation::Relu2});
}

Result<DType> dtype_of(std::string_view field, std::string_view name) {
    return value_of(field, name, {DType::F32, DType::F16, DType::BF16});
}

} // namespace moescope
