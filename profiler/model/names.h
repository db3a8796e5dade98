// The enumerations of a shape, from the names that name_of() gives them.
#pragma once

#include "profiler/model/model_shape.h"

#include <string_view>

namespace moescope {

// The error lists the names there are; `field` begins it.
Result<RouterKind> router_kind_of(std::string_view field, std::string_view name);
Result<Renorm> renorm_of(std::string_view field, std::string_view name);
Result<GroupScore> group_score_of(std::string_view field, std::string_view name);
Result<Activation> activation_of(std::string_view field, std::string_view name);
Result<DType> dtype_of(std::string_view field, std::string_view name);

} // namespace moescope
