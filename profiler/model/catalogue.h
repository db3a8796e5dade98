// The model catalogue: assets/models.json, which a person may edit.
#pragma once

#include "profiler/model/model_shape.h"

#include <filesystem>
#include <string_view>
#include <vector>

namespace moescope {

// Every entry validated; the error names the entry and its field.
Result<std::vector<ModelShape>> load_catalogue(const std::filesystem::path &models_json);

// By name, ignoring case; a unique prefix or part is enough. The error lists close names.
Result<ModelShape> find_model(const std::vector<ModelShape> &catalogue, std::string_view name);

} // namespace moescope
