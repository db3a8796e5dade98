// Where Dear ImGui put its items in a frame: filled by the hooks that it offers to test engines.
#pragma once

#include <imgui.h>

#include <string>
#include <vector>

namespace moescope {

struct ItemRecord {
    ImGuiID id = 0;
    std::string label;  // "Run", "##tokens"; "" where the widget says none
    std::string window; // the pane, or popup, that it is in: "workload"
    ImVec4 rect;        // x0, y0, x1, y1 in pixels
    ImVec4 seen;        // the part of it that is not clipped away
    bool disabled = false, checked = false, opened = false;
};

using ItemRecords = std::vector<ItemRecord>;

// From now on each item of this context is put there; null: no more.
void record_items(ItemRecords *into);

} // namespace moescope
