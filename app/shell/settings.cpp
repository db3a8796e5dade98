#include "app/shell/settings.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>

namespace moescope {

namespace {

using nlohmann::json;

constexpr std::size_t kRecent = 8;

// Leaves `out` alone unless the object has `key` with a fitting type.
template <typename T> void read(const json &object, const char *key, T &out) {
    const auto found = object.find(key);
    if (found == object.end())
        return;
    if constexpr (std::is_same_v<T, bool>) {
        if (found->is_boolean())
            out = found->get<bool>();
    } else if constexpr (std::is_integral_v<T>) {
        if (found->is_number_integer())
            out = found->get<T>();
    } else if constexpr (std::is_floating_point_v<T>) {
        if (found->is_number())
            out = found->get<T>();
    } else if (found->is_string()) {
        out = found->get<std::string>();
    }
}

void read(const json &object, const char *key, std::vector<std::string> &out) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_array())
        return;
    out.clear();
    for (const json &each : *found)
        if (each.is_string())
            out.push_back(each.get<std::string>());
}

template <typename E> void read_enum(const json &object, const char *key, E &out, int count) {
    int value = int(out);
    read(object, key, value);
    if (value >= 0 && value < count)
        out = E(value);
}

json to_json(const ModelShape &m) {
    return {{"name", m.name},
            {"source", m.source},
            {"experts", m.experts},
            {"hidden", m.hidden},
            {"intermediate", m.intermediate},
            {"top_k", m.top_k},
            {"shared_experts", m.shared_experts},
            {"shared_intermediate", m.shared_intermediate},
            {"latent", m.latent},
            {"dense_first", m.dense_first},
            {"vocab", m.vocab},
            {"router", int(m.router)},
            {"renorm", int(m.renorm)},
            {"renorm_epsilon", m.renorm_epsilon},
            {"groups", m.groups},
            {"groups_kept", m.groups_kept},
            {"group_score", int(m.group_score)},
            {"routed_scaling", m.routed_scaling},
            {"correction_bias", m.correction_bias},
            {"gated", m.gated},
            {"activation", int(m.activation)},
            {"dtype", int(m.dtype)}};
}

ModelShape model_from(const json &object) {
    ModelShape m;
    read(object, "name", m.name);
    read(object, "source", m.source);
    read(object, "experts", m.experts);
    read(object, "hidden", m.hidden);
    read(object, "intermediate", m.intermediate);
    read(object, "top_k", m.top_k);
    read(object, "shared_experts", m.shared_experts);
    read(object, "shared_intermediate", m.shared_intermediate);
    read(object, "latent", m.latent);
    read(object, "dense_first", m.dense_first);
    read_enum(object, "router", m.router, int(RouterKind::TopkSigmoid) + 1);
    read(object, "vocab", m.vocab);
    read_enum(object, "renorm", m.renorm, int(Renorm::Skip) + 1);
    read(object, "renorm_epsilon", m.renorm_epsilon);
    read(object, "groups", m.groups);
    read(object, "groups_kept", m.groups_kept);
    read_enum(object, "group_score", m.group_score, int(GroupScore::Max) + 1);
    read(object, "routed_scaling", m.routed_scaling);
    read(object, "correction_bias", m.correction_bias);
    read(object, "gated", m.gated);
    read_enum(object, "activation", m.activation, int(Activation::Relu2) + 1);
    read_enum(object, "dtype", m.dtype, int(DType::BF16) + 1);
    return m;
}

json to_json(const Workload &w) {
    return {{"model", to_json(w.model)},
            {"tokens", w.tokens},
            {"lora_rank", w.lora_rank},
            {"lora_scaling", w.lora_scaling},
            {"skew", int(w.skew.kind)},
            {"skew_value", w.skew.value},
            {"seed", w.seed},
            {"quant_block", w.quant_block},
            {"nested_block", w.nested_block},
            {"quant_format", int(w.quant_format)}};
}

Workload workload_from(const json &object) {
    Workload w;
    if (const auto model = object.find("model"); model != object.end() && model->is_object())
        w.model = model_from(*model);
    read(object, "tokens", w.tokens);
    read(object, "lora_rank", w.lora_rank);
    read(object, "lora_scaling", w.lora_scaling);
    read_enum(object, "skew", w.skew.kind, 3);
    read(object, "skew_value", w.skew.value);
    read(object, "seed", w.seed);
    read(object, "quant_block", w.quant_block);
    read(object, "nested_block", w.nested_block);
    read_enum(object, "quant_format", w.quant_format, kQuantFormatCount);
    return w;
}

void read_layout(const json &object, LayoutChoices &layout) {
    read(object, "workload_width", layout.workload_width);
    read(object, "inspector_width", layout.inspector_width);
    read(object, "split_ratio", layout.split_ratio);
    read(object, "workload_open", layout.workload_open);
    read(object, "inspector_open", layout.inspector_open);
    read_enum(object, "split", layout.split, 3);
    layout = usable(layout);
}

void read_names(const json &object, const char *key, std::vector<std::string> &out) {
    if (const auto found = object.find(key); found != object.end() && found->is_array())
        for (const json &name : *found)
            if (name.is_string() && out.size() < kRecent)
                out.push_back(name.get<std::string>());
}

std::vector<std::string> texts_from(const json &object, const char *key) {
    std::vector<std::string> texts;
    if (const auto list = object.find(key); list != object.end() && list->is_array())
        for (const json &each : *list)
            if (each.is_string())
                texts.push_back(each.get<std::string>());
    return texts;
}

TimelineNotes notes_from(const json &object) {
    TimelineNotes notes;
    read(object, "session", notes.session);
    notes.hidden = texts_from(object, "hidden");
    notes.pinned = texts_from(object, "pinned");
    if (const auto list = object.find("bookmarks"); list != object.end() && list->is_array())
        for (const json &each : *list) {
            if (!each.is_object())
                continue;
            TimelineBookmark bookmark;
            read(each, "time_ns", bookmark.time_ns);
            read(each, "start_ns", bookmark.start_ns);
            read(each, "end_ns", bookmark.end_ns);
            read(each, "label", bookmark.label);
            if (bookmark.end_ns > bookmark.start_ns && bookmark.start_ns >= 0)
                add_bookmark(notes, std::move(bookmark));
        }
    return notes;
}

json to_json(const TimelineNotes &notes) {
    json bookmarks = json::array();
    for (const TimelineBookmark &each : notes.bookmarks)
        bookmarks.push_back({{"time_ns", each.time_ns}, {"start_ns", each.start_ns}, {"end_ns", each.end_ns}, {"label", each.label}});
    return {{"session", notes.session}, {"bookmarks", bookmarks}, {"hidden", notes.hidden}, {"pinned", notes.pinned}};
}

void read_lessons(const json &object, Settings &settings) {
    read(object, "open", settings.lesson);
    settings.lessons_found = texts_from(object, "found");
    if (const auto pages = object.find("pages"); pages != object.end() && pages->is_object())
        for (const auto &[lesson, page] : pages->items())
            if (page.is_number_integer())
                settings.lesson_pages[lesson] = page.get<int>();
}

Settings settings_from(const json &object) {
    Settings settings;
    read(object, "theme", settings.theme);
    read(object, "width", settings.width);
    read(object, "height", settings.height);
    settings.width = std::clamp(settings.width, 640, 16384);
    settings.height = std::clamp(settings.height, 400, 16384);
    read(object, "zoom", settings.zoom);
    settings.zoom = std::isfinite(settings.zoom) ? std::clamp(settings.zoom, 0.5f, 3.0f) : 1.0f;
    read(object, "first_view", settings.first_view);
    read(object, "second_view", settings.second_view);
    read(object, "device", settings.device);
    if (const auto layout = object.find("layout"); layout != object.end() && layout->is_object())
        read_layout(*layout, settings.layout);
    if (const auto lessons = object.find("lessons"); lessons != object.end() && lessons->is_object())
        read_lessons(*lessons, settings);
    if (const auto workload = object.find("workload");
        workload != object.end() && workload->is_object())
        settings.workload = workload_from(*workload);
    read(object, "warm_cache", settings.warm_cache);
    read(object, "sample_counters", settings.sample_counters);
    read(object, "sample_instructions", settings.sample_instructions);
    read(object, "toured", settings.toured);
    read(object, "counters", settings.counters);
    if (const auto wanted = object.find("operators"); wanted != object.end() && wanted->is_array())
        read(object, "operators", settings.operators.emplace());
    if (const auto keys = object.find("shortcuts"); keys != object.end() && keys->is_object())
        for (const auto &[action, shortcut] : keys->items())
            if (shortcut.is_string())
                settings.shortcuts[action] = shortcut.get<std::string>();
    read_names(object, "recent", settings.recent);
    read_names(object, "hosts", settings.hosts);
    if (const auto notes = object.find("timeline_notes"); notes != object.end() && notes->is_array())
        for (const json &each : *notes)
            if (each.is_object() && settings.timeline_notes.size() < kMostNotes)
                settings.timeline_notes.push_back(notes_from(each));
    return settings;
}

json to_json(const Settings &s) {
    json object = {{"theme", s.theme},
                   {"width", s.width},
                   {"height", s.height},
                   {"zoom", s.zoom},
                   {"first_view", s.first_view},
                   {"second_view", s.second_view},
                   {"device", s.device},
                   {"warm_cache", s.warm_cache},
                   {"counters", s.counters},
                   {"sample_counters", s.sample_counters},
                   {"sample_instructions", s.sample_instructions},
                   {"toured", s.toured},
                   {"shortcuts", s.shortcuts},
                   {"recent", s.recent},
                   {"hosts", s.hosts}};
    object["layout"] = {
        {"workload_width", s.layout.workload_width}, {"inspector_width", s.layout.inspector_width},
        {"split_ratio", s.layout.split_ratio},       {"workload_open", s.layout.workload_open},
        {"inspector_open", s.layout.inspector_open}, {"split", int(s.layout.split)}};
    for (const TimelineNotes &notes : s.timeline_notes)
        object["timeline_notes"].push_back(to_json(notes));
    object["lessons"] = {{"open", s.lesson}, {"found", s.lessons_found}, {"pages", s.lesson_pages}};
    if (s.operators)
        object["operators"] = *s.operators;
    if (s.workload)
        object["workload"] = to_json(*s.workload);
    return object;
}

Status write_whole(const std::string &text, const std::filesystem::path &path) {
    const Error failure{
        fmt::format("settings {}", path.string()), "they cannot be written",
        "check the folder's permissions and the free space; the window works without"};
    std::error_code problem;
    std::filesystem::create_directories(path.parent_path(), problem);
    const std::filesystem::path partial = path.string() + ".tmp";
    std::ofstream out(partial, std::ios::binary);
    out << text;
    out.close();
    if (out)
        std::filesystem::rename(partial, path, problem);
    if (out && !problem)
        return {};
    std::filesystem::remove(partial, problem);
    return failure;
}

} // namespace

std::filesystem::path settings_path() {
    const auto variable = [](const char *name) {
        const char *value = std::getenv(name);
        return std::filesystem::path(value ? value : "");
    };
    if (const auto config = variable("XDG_CONFIG_HOME"); config.is_absolute())
        return config / "moescope" / "settings.json";
    if (const auto home = variable("HOME"); home.is_absolute())
        return home / ".config" / "moescope" / "settings.json";
    return {};
}

Result<Settings> load_settings(const std::filesystem::path &path) {
    std::error_code problem;
    if (path.empty() || !std::filesystem::exists(path, problem))
        return Settings{};
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf(); // a folder or an empty file leaves it empty: no JSON
    const json object = json::parse(text.str(), nullptr, /*allow_exceptions=*/false);
    if (!object.is_object())
        return Error{fmt::format("settings {}", path.string()), "the file cannot be read as JSON",
                     "the window starts with its defaults and replaces the file when it closes"};
    return settings_from(object);
}

Status save_settings(const Settings &settings, const std::filesystem::path &path) {
    if (path.empty())
        return Error{"settings", "neither XDG_CONFIG_HOME nor HOME is set",
                     "the window works without"};
    return write_whole(to_json(settings).dump(2, ' ', false, json::error_handler_t::replace) + "\n",
                       path);
}

void remember(std::vector<std::string> &recent, const std::string &file) {
    std::erase(recent, file);
    recent.insert(recent.begin(), file);
    if (recent.size() > kRecent)
        recent.resize(kRecent);
}

} // namespace moescope
