// Compiled with Dear ImGui itself, which calls these where IMGUI_ENABLE_TEST_ENGINE is defined.
#include "app/shell/item_record.h"

#include <imgui_internal.h>

#include <algorithm>
#include <utility>

namespace moescope {

namespace {

ItemRecords *records_of(const ImGuiContext &context) {
    return static_cast<ItemRecords *>(context.TestEngine);
}

ImVec4 corners(const ImRect &rect) { return {rect.Min.x, rect.Min.y, rect.Max.x, rect.Max.y}; }

} // namespace

void record_items(ItemRecords *into) {
    ImGuiContext &context = *ImGui::GetCurrentContext();
    context.TestEngine = into;
    context.TestEngineHookItems = into != nullptr;
}

} // namespace moescope

void ImGuiTestEngineHook_ItemAdd(ImGuiContext *context, ImGuiID id, const ImRect &box,
                                 const ImGuiLastItemData *data) {
    const ImGuiWindow *window = context->CurrentWindow;
    moescope::ItemRecords *records = moescope::records_of(*context);
    if (!records || !window)
        return;
    ImRect seen = data ? data->Rect : box;
    const ImRect whole = seen;
    seen.ClipWithFull(window->ClipRect);
    moescope::ItemRecord record;
    record.id = id;
    record.window = window->RootWindow->Name;
    record.rect = moescope::corners(whole);
    record.seen = moescope::corners(seen);
    record.disabled = data && (data->InFlags & ImGuiItemFlags_Disabled) != 0;
    records->push_back(std::move(record));
}

void ImGuiTestEngineHook_ItemInfo(ImGuiContext *context, ImGuiID id, const char *label,
                                  ImGuiItemStatusFlags flags) {
    moescope::ItemRecords *records = moescope::records_of(*context);
    if (!records)
        return;
    const auto item = std::find_if(records->rbegin(), records->rend(),
                                   [id](const moescope::ItemRecord &each) { return each.id == id; });
    if (item == records->rend())
        return;
    item->label = label ? label : "";
    item->checked = (flags & ImGuiItemStatusFlags_Checked) != 0;
    item->opened = (flags & ImGuiItemStatusFlags_Opened) != 0;
}

void ImGuiTestEngineHook_Log(ImGuiContext *, const char *, ...) {}

const char *ImGuiTestEngine_FindItemDebugLabel(ImGuiContext *, ImGuiID) { return nullptr; }
