// Reads a model shape from a Hugging Face config.json: every key spelling of the families in the
// catalogue, nested text_config included. A hostile file (huge, deep, wrong types) gets one
// sentence.
#pragma once

#include "profiler/model/model_shape.h"

#include <filesystem>
#include <string_view>

namespace moescope {

Result<ModelShape> shape_from_hf_config(std::string_view json, std::string_view file_name);
Result<ModelShape> shape_from_hf_config_file(const std::filesystem::path &path);

} // namespace moescope
