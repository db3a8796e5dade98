#include "app/shell/ui_map.h"

#include "app/shell/drawn_text.h"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>
#include <utility>

namespace moescope {

namespace {

using nlohmann::json;

json json_of(const ImVec4 &rect) { return json::array({rect.x, rect.y, rect.z, rect.w}); }

json json_of(const ItemRecord &item) {
    return {{"label", item.label},       {"window", item.window},   {"rect", json_of(item.rect)},
            {"seen", json_of(item.seen)}, {"disabled", item.disabled}, {"checked", item.checked},
            {"opened", item.opened}};
}

} // namespace

UiMap::UiMap(std::filesystem::path file) : file_(std::move(file)) { record_items(&items_); }

UiMap::~UiMap() {
    if (ImGui::GetCurrentContext())
        record_items(nullptr);
}

std::unique_ptr<UiMap> UiMap::if_asked_for() {
    const char *file = std::getenv("MOESCOPE_UI_MAP");
    return file && *file ? std::unique_ptr<UiMap>(new UiMap(file)) : nullptr;
}

void UiMap::begin_frame() {
    items_.clear();
    const ImGuiIO &io = ImGui::GetIO();
    for (const bool released : io.MouseReleased)
        clicks_ += released;
    wheel_ += io.MouseWheel;
}

void UiMap::end_frame() {
    const ImGuiIO &io = ImGui::GetIO();
    json items = json::array(), texts = json::array();
    for (const ItemRecord &item : items_)
        items.push_back(json_of(item));
    for (const DrawnText &text : drawn_text(*ImGui::GetDrawData(), *io.Fonts))
        texts.push_back({{"text", text.text}, {"rect", json_of(text.rect)}});
    const json frame{{"frame", ImGui::GetFrameCount()},
                     {"size", {io.DisplaySize.x, io.DisplaySize.y}},
                     {"mouse", {io.MousePos.x, io.MousePos.y}},
                     {"clicks", clicks_},
                     {"wheel", wheel_},
                     {"items", std::move(items)},
                     {"texts", std::move(texts)}};
    std::filesystem::path part = file_;
    part += ".part";
    std::ofstream(part, std::ios::binary) << frame.dump(-1, ' ', false, json::error_handler_t::replace);
    std::error_code problem;
    std::filesystem::rename(part, file_, problem);
}

} // namespace moescope
