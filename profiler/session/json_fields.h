// Reads the fields of a JSON object by key; the first wrong one is kept as the error.
#pragma once

#include "profiler/session/json_codec.h"
#include "profiler/session/record_names.h"

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>

namespace moescope {

class JsonFields {
  public:
    // where: "plan.workload", for messages.
    JsonFields(const Json &json, std::string where) : json_(json), where_(std::move(where)) {
        if (!json.is_object())
            refuse("", json, "an object");
    }

    void read(const char *key, std::string &out) {
        if (const Json *value = find(key)) {
            if (value->is_string())
                out = value->get<std::string>();
            else
                refuse(key, *value, "a text");
        }
    }
    void read(const char *key, bool &out) {
        if (const Json *value = find(key)) {
            if (value->is_boolean())
                out = value->get<bool>();
            else
                refuse(key, *value, "true or false");
        }
    }
    void read(const char *key, double &out) {
        if (const Json *value = find(key)) {
            if (value->is_number())
                out = value->get<double>();
            else
                refuse(key, *value, "a number");
        }
    }
    void read(const char *key, std::uint64_t &out) {
        if (const Json *value = find(key)) {
            if (not_negative(*value))
                out = value->get<std::uint64_t>();
            else
                refuse(key, *value, "a whole number of 0 or more");
        }
    }
    // A difference, to either side.
    void read_signed(const char *key, std::int64_t &out) {
        if (const Json *value = find(key)) {
            const bool fits = value->is_number_integer() &&
                              (!value->is_number_unsigned() ||
                               value->get<std::uint64_t>() <= std::uint64_t(std::numeric_limits<std::int64_t>::max()));
            if (fits)
                out = value->get<std::int64_t>();
            else
                refuse(key, *value, "a whole number");
        }
    }
    // Every other signed field of these structs is a count or a size: never negative.
    template <std::signed_integral T> void read(const char *key, T &out) {
        constexpr T kMost = std::numeric_limits<T>::max();
        if (const Json *value = find(key)) {
            if (not_negative(*value) && value->get<std::uint64_t>() <= std::uint64_t(kMost))
                out = T(value->get<std::uint64_t>());
            else
                refuse(key, *value, fmt::format("a whole number in 0..{}", kMost));
        }
    }
    template <typename Enum> void read(const char *key, Enum &out, Enum last) {
        const Json *value = find(key);
        if (!value)
            return;
        const auto found =
            value->is_string() ? find_named(value->get<std::string>(), last) : std::nullopt;
        if (found) {
            out = *found;
            return;
        }
        std::string allowed = "one of";
        for (int each = 0; each <= int(last); ++each)
            allowed += fmt::format(" {}", name_of(Enum(each)));
        refuse(key, *value, allowed);
    }
    // read_one(json, where) gives a Result of one element.
    template <typename T, typename ReadOne>
    void read_list(const char *key, std::vector<T> &out, ReadOne read_one) {
        const Json *list = find(key);
        if (!list)
            return;
        if (!list->is_array())
            return refuse(key, *list, "a list");
        out.clear();
        for (std::size_t at = 0; at < list->size() && !error_; ++at) {
            auto one = read_one((*list)[at], fmt::format("{}.{}[{}]", where_, key, at));
            if (one)
                out.push_back(std::move(*one));
            else
                error_ = one.error();
        }
    }
    template <typename T, typename ReadOne>
    void read_object(const char *key, T &out, ReadOne read_one) {
        const Json *value = find(key);
        if (!value)
            return;
        auto one = read_one(*value, fmt::format("{}.{}", where_, key));
        if (one)
            out = std::move(*one);
        else
            error_ = one.error();
    }

    void refuse(std::string_view key, const Json &value, std::string_view allowed) {
        if (error_)
            return;
        std::string shown = dump_json(value);
        if (shown.size() > 60)
            shown = shown.substr(0, 57) + "...";
        const char *dot = key.empty() ? "" : ".";
        error_ = Error{fmt::format("{}{}{} is {}", where_, dot, key, shown),
                       fmt::format("it must be {}", allowed), ""};
    }
    template <typename T> Result<T> result(T value) const {
        if (error_)
            return *error_;
        return value;
    }

  private:
    // Parsed numbers are unsigned where they can be; those a program puts in may be signed.
    static bool not_negative(const Json &value) {
        return value.is_number_unsigned() ||
               (value.is_number_integer() && value.get<std::int64_t>() >= 0);
    }
    // Null where the key is missing (or null) or an error is known already.
    const Json *find(const char *key) const {
        if (error_)
            return nullptr;
        const auto found = json_.find(key);
        return found == json_.end() || found->is_null() ? nullptr : &*found;
    }

    const Json &json_;
    std::string where_;
    std::optional<Error> error_;
};

} // namespace moescope
