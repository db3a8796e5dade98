#include "app/views/capabilities.h"

#include "app/views/ui.h"

#include <array>
#include <cmath>
#include <utility>

namespace moescope {

namespace {

ImVec4 state_colour(const Theme &theme, const std::string &state) {
    return state == "ok" || state == "derived" ? theme.good : state == "refused" ? theme.warning : theme.muted;
}

void draw_row(const ViewContext &context, const DeviceInfo::Capability &capability) {
    const Theme &theme = context.theme;
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    ui::text(capability.collector);
    ui::explain(collector_purpose(capability.collector));
    ImGui::TableNextColumn();
    ui::badge(theme, capability.state, state_colour(theme, capability.state));
    ui::explain("ok: it works or may be used. refused: it is there, but not for this user or not now. absent: there is none.");
    ImGui::TableNextColumn();
    ui::wrapped(capability.reason.empty() ? collector_purpose(capability.collector) : capability.reason, theme.muted);
    if (capability.remedy.empty())
        return;
    ui::wrapped("To change that: " + capability.remedy + ".", theme.text);
    if (capability.state != "refused")
        return;
    ImGui::PushID(capability.collector.c_str());
    if (ImGui::SmallButton("Copy"))
        context.copy_text(capability.remedy);
    ImGui::PopID();
}

} // namespace

const char *collector_purpose(std::string_view collector) {
    constexpr std::array kPurposes = {
        std::pair{"cuda events", "Times of whole repetitions, where CUPTI is not there."},
        std::pair{"host clock", "Times of the CPU's reference implementations."},
        std::pair{"cupti activity", "Times of each kernel, copies, runtime calls and allocations."},
        std::pair{"hardware counters", "Memory traffic, occupancy, tensor cores and stalls, in passes of their own."},
        std::pair{"pm sampling", "Counters over time under a sequence of kernels."},
        std::pair{"pc sampling", "Where in a kernel's code the warps wait."},
        std::pair{"nvml", "Clocks, temperature, power and what holds the clocks back."},
        std::pair{"bandwidth ceiling", "The fastest the device moves memory: what floors are computed from."},
        std::pair{"FLOP/s ceiling", "The fastest the device multiplies matrices: what floors are computed from."},
        std::pair{"cuda", "CUDA GPUs of this machine."}};
    for (const auto &[name, purpose] : kPurposes)
        if (collector == name)
            return purpose;
    return "";
}

void draw_capabilities(const ViewContext &context, const DeviceInfo &device) {
    const auto px = [&](float at_1x) { return std::round(at_1x * context.scale); };
    ImGui::PushID(&device);
    if (ImGui::BeginTable("capabilities", 3, ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_NoSavedSettings)) {
        ImGui::TableSetupColumn("collector", ImGuiTableColumnFlags_WidthFixed, px(140));
        ImGui::TableSetupColumn("state", ImGuiTableColumnFlags_WidthFixed, px(68));
        ImGui::TableSetupColumn("why", ImGuiTableColumnFlags_WidthStretch);
        for (const DeviceInfo::Capability &capability : device.capabilities)
            draw_row(context, capability);
        ImGui::EndTable();
    }
    ImGui::PopID();
}

} // namespace moescope
