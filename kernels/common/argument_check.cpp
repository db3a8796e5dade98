#include "kernels/common/argument_check.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>

namespace moescope {

namespace {

std::string because(const char *why) { return why ? std::string(" (") + why + ")" : std::string(); }

std::string text_of(float value) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", double(value));
    return text;
}

std::string text_of(const void *value) {
    char text[32];
    std::snprintf(text, sizeof text, "%p", value);
    return text;
}

const char *name_of(ms_dtype dtype) {
    switch (dtype) {
    case MS_F32:
        return "MS_F32";
    case MS_F16:
        return "MS_F16";
    case MS_BF16:
        return "MS_BF16";
    default:
        return "no dtype";
    }
}

} // namespace

ArgumentCheck &ArgumentCheck::require(bool holds, const char *field, const std::string &value,
                                      const std::string &allowed) {
    if (!failed() && !holds)
        message_ =
            std::string(function_) + ": " + field + " is " + value + "; it must be " + allowed;
    return *this;
}

ArgumentCheck &ArgumentCheck::range(const char *field, std::int64_t value, std::int64_t low,
                                    std::int64_t high, const char *why) {
    if (failed() || (low <= value && value <= high))
        return *this;
    const std::string allowed = high == std::numeric_limits<std::int64_t>::max()
                                    ? "at least " + std::to_string(low)
                                    : "from " + std::to_string(low) + " to " + std::to_string(high);
    return require(false, field, std::to_string(value), allowed + because(why));
}

ArgumentCheck &ArgumentCheck::multiple_of(const char *field, std::int64_t value,
                                          std::int64_t factor, const char *why) {
    if (failed() || value % factor == 0)
        return *this;
    return require(false, field, std::to_string(value),
                   "a multiple of " + std::to_string(factor) + because(why));
}

ArgumentCheck &ArgumentCheck::one_of(const char *field, std::int64_t value,
                                     std::initializer_list<std::int64_t> allowed) {
    if (failed())
        return *this;
    std::string list;
    for (std::int64_t one : allowed) {
        if (value == one)
            return *this;
        list += (list.empty() ? "" : ", ") + std::to_string(one);
    }
    return require(false, field, std::to_string(value), "one of " + list);
}

ArgumentCheck &ArgumentCheck::dtype(const char *field, ms_dtype value,
                                    std::initializer_list<ms_dtype> allowed) {
    if (failed())
        return *this;
    std::string list;
    for (ms_dtype one : allowed) {
        if (value == one)
            return *this;
        list += std::string(list.empty() ? "" : ", ") + name_of(one);
    }
    return require(false, field, std::to_string(value) + " (" + name_of(value) + ")",
                   "one of " + list);
}

ArgumentCheck &ArgumentCheck::finite_from(const char *field, float value, float low) {
    return require(std::isfinite(value) && value >= low, field, text_of(value),
                   "finite and at least " + text_of(low));
}

ArgumentCheck &ArgumentCheck::finite(const char *field, float value) {
    return require(std::isfinite(value), field, text_of(value), "finite");
}

ArgumentCheck &ArgumentCheck::pointer(const char *field, const void *value, std::size_t alignment) {
    if (failed())
        return *this;
    if (!value)
        return require(false, field, "null", "an array");
    return optional_pointer(field, value, alignment);
}

ArgumentCheck &ArgumentCheck::optional_pointer(const char *field, const void *value,
                                               std::size_t alignment) {
    if (failed() || reinterpret_cast<std::uintptr_t>(value) % alignment == 0)
        return *this;
    return require(false, field, text_of(value),
                   "aligned to " + std::to_string(alignment) + " bytes");
}

bool ArgumentCheck::accept_size(const void *args, std::uint32_t struct_size,
                                std::size_t full_size) {
    if (!failed() && !args)
        message_ = std::string(function_) + ": args is null; it must be a struct of arguments";
    // Every struct is still in its first version, so that no shorter one exists.
    require(struct_size == full_size, "struct_size", std::to_string(struct_size),
            std::to_string(full_size) + " (sizeof the args struct)");
    return !failed();
}

ms_status ArgumentCheck::status() const {
    return failed() ? fail(MS_INVALID_ARGUMENT, message_) : succeed();
}

} // namespace moescope
