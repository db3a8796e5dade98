#include "profiler/model/json_file.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <cstdint>
#include <fstream>
#include <limits>
#include <system_error>

namespace moescope {

namespace {

using nlohmann::json;

// Depth of brackets outside strings: known before the parser allocates a node for each.
int deepest_nesting(std::string_view text) {
    int depth = 0, deepest = 0;
    bool in_string = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (in_string && c == '\\')
            ++at;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '[' || c == '{'))
            deepest = std::max(deepest, ++depth);
        else if (!in_string && (c == ']' || c == '}'))
            --depth;
    }
    return deepest;
}

std::string place_of(std::string_view text, std::size_t byte) {
    const std::string_view before = text.substr(0, std::min(byte > 0 ? byte - 1 : 0, text.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t start = before.rfind('\n');
    const std::size_t column =
        before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
    return fmt::format("line {}, column {}", line, column);
}

} // namespace

Result<std::string> read_text_file(const std::filesystem::path &path) {
    std::error_code problem;
    if (std::filesystem::is_directory(path, problem))
        return Error{path.string(), "it is a folder", "name the file in it"};
    // A pipe may never say anything, and the window would wait for it.
    if (std::filesystem::is_fifo(path, problem))
        return Error{path.string(), "it is a pipe", "name a file"};
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return Error{path.string(),
                     std::filesystem::exists(path, problem) ? "it cannot be read"
                                                            : "there is no such file",
                     {}};
    // One byte more than is allowed tells a file that is too large, whatever its size claims to be. Most are small.
    std::string text;
    for (std::size_t piece = 1 << 16; file && text.size() <= kMaxJsonBytes; piece = text.size()) {
        const std::size_t had = text.size();
        text.resize(std::min(had + piece, kMaxJsonBytes + 1));
        file.read(text.data() + had, std::streamsize(text.size() - had));
        text.resize(had + std::size_t(file.gcount()));
    }
    if (file.bad())
        return Error{path.string(), "it cannot be read", {}};
    if (text.size() > kMaxJsonBytes)
        return Error{
            path.string(), "it is larger than 16 MiB, which no model configuration is", {}};
    return text;
}

Result<json> parse_json_object(std::string_view text, std::string_view file_name) {
    if (text.size() > kMaxJsonBytes)
        return Error{std::string(file_name),
                     "it is larger than 16 MiB, which no model configuration is",
                     {}};
    if (const int depth = deepest_nesting(text); depth > kMaxJsonDepth)
        return Error{std::string(file_name),
                     fmt::format("its brackets nest more than {} deep", kMaxJsonDepth),
                     {}};
    try {
        json document = json::parse(text);
        if (!document.is_object())
            return Error{std::string(file_name), "it is JSON, but not an object", {}};
        return document;
    } catch (const json::parse_error &error) {
        return Error{std::string(file_name),
                     fmt::format("it is not JSON at {}", place_of(text, error.byte)),
                     {}};
    } catch (const json::exception &) { // a number no double holds
        return Error{std::string(file_name), "it holds a number that is out of range", {}};
    }
}

std::string short_text(const json &value) {
    std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
    if (text.size() > 40)
        text = text.substr(0, 37) + "...";
    return text;
}

std::optional<std::int32_t> whole_number(const json &value) {
    if (!value.is_number())
        return std::nullopt;
    const double number = value.get<double>();
    const bool whole = number == std::floor(number) &&
                       std::fabs(number) <= std::numeric_limits<std::int32_t>::max();
    return whole ? std::optional(std::int32_t(number)) : std::nullopt;
}

const json *JsonObject::find(std::string_view key) const {
    const auto found = object_->find(std::string(key));
    return found == object_->end() || found->is_null() ? nullptr : &*found;
}

Error JsonObject::wrong(std::string_view key, std::string_view allowed) const {
    return {fmt::format("{}: {} is {}", where_, key, short_text(object_->at(std::string(key)))),
            fmt::format("it must be {}", allowed),
            {}};
}

Result<std::optional<std::int32_t>> JsonObject::integer(std::string_view key) const {
    const json *value = find(key);
    if (!value)
        return std::optional<std::int32_t>();
    if (const auto number = whole_number(*value))
        return number;
    return wrong(key, "a whole number within 32 bits");
}

Result<std::optional<double>> JsonObject::real(std::string_view key) const {
    const json *value = find(key);
    if (!value)
        return std::optional<double>();
    if (value->is_number() && std::isfinite(value->get<double>()))
        return std::optional(value->get<double>());
    return wrong(key, "a number");
}

Result<std::optional<bool>> JsonObject::boolean(std::string_view key) const {
    const json *value = find(key);
    if (!value)
        return std::optional<bool>();
    if (value->is_boolean())
        return std::optional(value->get<bool>());
    return wrong(key, "true or false");
}

Result<std::optional<std::string>> JsonObject::text(std::string_view key) const {
    const json *value = find(key);
    if (!value)
        return std::optional<std::string>();
    if (value->is_string())
        return std::optional(value->get<std::string>());
    return wrong(key, "text");
}

} // namespace moescope
