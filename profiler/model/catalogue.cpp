#include "profiler/model/catalogue.h"

#include "profiler/base/closest.h"
#include "profiler/model/json_file.h"
#include "profiler/model/names.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

namespace moescope {

namespace {

using nlohmann::json;

constexpr std::string_view kKeys[] = {
    "name",           "source",          "experts",        "hidden",
    "intermediate",   "top_k",           "shared_experts", "shared_intermediate",
    "latent",         "dense_first",     "vocab",          "router",         "renorm",
    "renorm_epsilon", "groups",          "groups_kept",    "group_score",
    "routed_scaling", "correction_bias", "gated",          "activation",     "dtype"};

// A misspelt key would otherwise silently mean its default.
Status check_keys(const JsonObject &entry) {
    for (const auto &[key, value] : entry.value().items())
        if (std::find(std::begin(kKeys), std::end(kKeys), key) == std::end(kKeys))
            return Error{fmt::format("{}: there is no field \"{}\"", entry.where(), key),
                         fmt::format("the fields are {}", fmt::join(kKeys, ", ")),
                         {}};
    return {};
}

template <typename T, typename Read> Status take(T &to, const Read &read) {
    if (!read)
        return read.error();
    if (*read)
        to = **read;
    return {};
}

template <typename Enum, typename Parse>
Status take_name(Enum &to, const JsonObject &entry, std::string_view key, Parse parse) {
    const auto name = entry.text(key);
    if (!name)
        return name.error();
    if (!*name)
        return {};
    const Result<Enum> value = parse(fmt::format("{}: {}", entry.where(), key), **name);
    if (!value)
        return value.error();
    to = *value;
    return {};
}

Status read_sizes(const JsonObject &entry, ModelShape &shape) {
    for (const char *key : {"name", "source", "experts", "hidden", "intermediate", "top_k"})
        if (!entry.find(key))
            return Error{fmt::format("{}: {} is missing", entry.where(), key), {}, {}};
    for (const Status &status :
         {take(shape.name, entry.text("name")), take(shape.source, entry.text("source")),
          take(shape.experts, entry.integer("experts")),
          take(shape.hidden, entry.integer("hidden")),
          take(shape.intermediate, entry.integer("intermediate")),
          take(shape.top_k, entry.integer("top_k")),
          take(shape.shared_experts, entry.integer("shared_experts")),
          take(shape.shared_intermediate, entry.integer("shared_intermediate")),
          take(shape.latent, entry.integer("latent")),
          take(shape.dense_first, entry.integer("dense_first")),
          take(shape.vocab, entry.integer("vocab"))})
        if (!status)
            return status;
    return {};
}

Status read_router(const JsonObject &entry, ModelShape &shape) {
    for (const Status &status : {take_name(shape.router, entry, "router", router_kind_of),
                                 take_name(shape.renorm, entry, "renorm", renorm_of),
                                 take(shape.renorm_epsilon, entry.real("renorm_epsilon")),
                                 take(shape.groups, entry.integer("groups")),
                                 take(shape.groups_kept, entry.integer("groups_kept")),
                                 take_name(shape.group_score, entry, "group_score", group_score_of),
                                 take(shape.routed_scaling, entry.real("routed_scaling")),
                                 take(shape.correction_bias, entry.boolean("correction_bias")),
                                 take(shape.gated, entry.boolean("gated")),
                                 take_name(shape.activation, entry, "activation", activation_of),
                                 take_name(shape.dtype, entry, "dtype", dtype_of)})
        if (!status)
            return status;
    return {};
}

Result<ModelShape> read_entry(const json &value, const std::string &where) {
    if (!value.is_object())
        return Error{
            where + " is " + short_text(value), "it must be an object with name, experts, ...", {}};
    const JsonObject entry(value, where);
    ModelShape shape;
    for (const auto read : {+[](const JsonObject &e, ModelShape &) { return check_keys(e); },
                            &read_sizes, &read_router})
        if (const Status status = read(entry, shape); !status)
            return status.error();
    if (const Status status = validate(shape); !status) {
        const Error &error = status.error();
        return Error{fmt::format("{}: {}", where, error.what), error.why, error.remedy};
    }
    return shape;
}

// How names are compared: case, blanks and underscores do not matter.
std::string folded(std::string_view name) {
    std::string text;
    for (const char c : name)
        text += c == ' ' || c == '_' ? '-' : char(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

// Edits to the name, or to the part of it that was begun: "mixtarl" is near "mixtral-8x7b".
std::size_t distance_to(std::string_view wanted, std::string_view name) {
    return std::min(edit_distance(wanted, name), edit_distance(wanted, name.substr(0, wanted.size())));
}

std::vector<std::string> closest_names(const std::vector<ModelShape> &catalogue,
                                       std::string_view wanted) {
    const std::size_t most = std::max<std::size_t>(1, wanted.size() / 3); // beyond it nobody meant the name
    std::vector<std::pair<std::size_t, std::string>> ranked;
    for (const ModelShape &shape : catalogue)
        if (const std::size_t edits = distance_to(wanted, folded(shape.name)); edits <= most)
            ranked.emplace_back(edits, shape.name);
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const auto &a, const auto &b) { return a.first < b.first; });
    std::vector<std::string> names;
    for (std::size_t i = 0; i < ranked.size() && i < 4; ++i)
        names.push_back(ranked[i].second);
    return names;
}

} // namespace

Result<std::vector<ModelShape>> load_catalogue(const std::filesystem::path &models_json) {
    const Result<std::string> text = read_text_file(models_json);
    if (!text)
        return text.error();
    const Result<json> document = parse_json_object(*text, models_json.string());
    if (!document)
        return document.error();
    const auto list = document->find("models");
    if (list == document->end() || !list->is_array())
        return Error{models_json.string(), "it has no list named \"models\"", {}};
    std::vector<ModelShape> models;
    std::set<std::string> names;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const json &value = (*list)[i];
        const bool named = value.is_object() && value.contains("name") && value["name"].is_string();
        const std::string where =
            fmt::format("{}: {}", models_json.string(),
                        named ? fmt::format("model {}", short_text(value["name"]))
                              : fmt::format("model {}", i + 1));
        Result<ModelShape> shape = read_entry(value, where);
        if (!shape)
            return shape.error();
        if (!names.insert(folded(shape->name)).second)
            return Error{where + " is there twice", "names must differ", {}};
        models.push_back(std::move(*shape));
    }
    return models;
}

Result<ModelShape> find_model(const std::vector<ModelShape> &catalogue, std::string_view name) {
    const std::string wanted = folded(name);
    std::vector<const ModelShape *> parts, prefixes;
    for (const ModelShape &shape : catalogue) {
        const std::size_t at = folded(shape.name).find(wanted);
        if (at == 0 && folded(shape.name).size() == wanted.size())
            return shape;
        if (at == 0)
            prefixes.push_back(&shape);
        if (at != std::string::npos)
            parts.push_back(&shape);
    }
    if (wanted.empty())
        return Error{"model is \"\"", "a name or a part of one is needed", {}};
    if (prefixes.size() == 1)
        return *prefixes.front();
    if (parts.size() == 1)
        return *parts.front();
    std::vector<std::string> names;
    for (const ModelShape *shape : parts)
        names.push_back(shape->name);
    if (!names.empty())
        return Error{fmt::format("model \"{}\" is not one model", name),
                     fmt::format("it is part of {}", fmt::join(names, ", ")),
                     {}};
    const std::vector<std::string> closest = closest_names(catalogue, wanted);
    return Error{
        fmt::format("model \"{}\" is not in the catalogue", name),
        closest.empty() ? "no name there is near it" : fmt::format("the closest names are {}", fmt::join(closest, ", ")),
        "moescope models lists all; a path to a config.json works too"};
}

} // namespace moescope
