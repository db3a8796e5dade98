#include "tests/benchmarks/json.h"

#include <cmath>
#include <cstdio>

namespace moescope::bench {

namespace {

std::string quoted(const std::string &text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            result += '\\';
        if (static_cast<unsigned char>(c) >= 0x20)
            result += c;
    }
    return result + '"';
}

std::string formatted(double number) {
    if (!std::isfinite(number))
        return "null";
    char text[40];
    std::snprintf(text, sizeof text, "%.7g", number);
    return text;
}

} // namespace

Json::Json(const std::string &text) : text_(quoted(text)) {}
Json::Json(double number) : text_(formatted(number)) {}

Json &Json::set(std::string key, Json value) {
    members_.emplace_back(std::move(key), std::move(value));
    return *this;
}

Json &Json::add(Json value) { return set("", std::move(value)); }

std::string Json::text(int indent) const {
    if (bracket_ == 0)
        return text_;
    // One line for what is shallow, so that a row's numbers stay together.
    bool flat = true;
    for (const auto &[key, value] : members_)
        flat = flat && value.members_.empty();
    const std::string gap = flat ? "" : "\n" + std::string(std::size_t(indent) + 1, ' ');
    std::string result(1, bracket_);
    for (std::size_t i = 0; i < members_.size(); ++i) {
        const auto &[key, value] = members_[i];
        result += (i == 0 ? "" : flat ? ", " : ",") + gap;
        if (bracket_ == '{')
            result += quoted(key) + ": ";
        result += value.text(indent + 1);
    }
    if (!flat)
        result += "\n" + std::string(std::size_t(indent), ' ');
    return result + (bracket_ == '{' ? '}' : ']');
}

} // namespace moescope::bench
