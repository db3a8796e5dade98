#include "app/shell/view_list.h"

#include <fmt/format.h>

namespace moescope {

namespace {

constexpr View kViews[] = {
    {ViewId::Overview, "overview", "Overview", "Where does the time go?"},
    {ViewId::Roofline, "roofline", "Roofline", "How far from the limit?"},
    {ViewId::Dispatch, "dispatch", "Dispatch", "Fused or split?"},
    {ViewId::Autotune, "autotune", "Autotune", "Which tile?"},
    {ViewId::Routing, "routing", "Routing", "Which experts do the work?"},
    {ViewId::Timeline, "timeline", "Timeline", "What ran when?"},
    {ViewId::Memory, "memory", "Memory", "What holds the memory?"},
    {ViewId::Sweep, "sweep", "Sweep", "How does it scale?"},
    {ViewId::Crossover, "crossover", "Crossover", "Where does the winner change?"},
    {ViewId::Compare, "compare", "Compare", "What changed?"},
    {ViewId::Source, "source", "Source", "What does this kernel run?"},
    {ViewId::SessionFile, "session", "Session", "What was measured, where and how?"},
};

} // namespace

std::span<const View> views() { return kViews; }

const View &info(ViewId id) { return kViews[std::size_t(id)]; }

Result<ViewId> find_view(std::string_view key) {
    std::string keys;
    for (const View &view : kViews) {
        if (key == view.key)
            return view.id;
        keys += fmt::format("{}{}", keys.empty() ? "" : ", ", view.key);
    }
    return Error{fmt::format("view \"{}\"", key), "there is no such view",
                 fmt::format("choose one of {}", keys)};
}

} // namespace moescope
