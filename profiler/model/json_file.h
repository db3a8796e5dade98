// JSON from files that anyone may have written: limited in size and depth, and every failure one
// sentence that names the file.
#pragma once

#include "profiler/base/result.h"

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace moescope {

inline constexpr std::size_t kMaxJsonBytes = 16u << 20;
inline constexpr int kMaxJsonDepth = 64;

// The whole file. Errors: missing, unreadable, a folder, larger than kMaxJsonBytes.
Result<std::string> read_text_file(const std::filesystem::path &path);

// A JSON object. Errors: too large or too deep, not JSON (with line and column), not an object.
Result<nlohmann::json> parse_json_object(std::string_view text, std::string_view file_name);

// Values of an object. A missing or null key is an empty optional; a wrong type or range an error
// that begins with `where` and names key and value.
class JsonObject {
  public:
    JsonObject(const nlohmann::json &object, std::string where)
        : object_(&object), where_(std::move(where)) {}

    const nlohmann::json *find(std::string_view key) const; // null where missing or null
    Result<std::optional<std::int32_t>> integer(std::string_view key) const; // within 32 bits
    Result<std::optional<double>> real(std::string_view key) const;          // finite
    Result<std::optional<bool>> boolean(std::string_view key) const;
    Result<std::optional<std::string>> text(std::string_view key) const;

    Error wrong(std::string_view key, std::string_view allowed) const;
    const std::string &where() const { return where_; }
    const nlohmann::json &value() const { return *object_; }

  private:
    const nlohmann::json *object_;
    std::string where_;
};

// A whole number within 32 bits, written as 8 or 8.0; empty for everything else.
std::optional<std::int32_t> whole_number(const nlohmann::json &value);
// A value as an error message shows it: at most 40 characters, no control characters.
std::string short_text(const nlohmann::json &value);

} // namespace moescope
