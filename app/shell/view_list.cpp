#include "app/shell/view_list.h"

#include <fmt/format.h>

namespace moescope {

namespace {

constexpr View kViews[] = {
    {ViewId::Overview, "overview", "Overview", "Where does the time go?", ViewGroup::Measure},
    {ViewId::Roofline, "roofline", "Roofline", "How far from the limit?", ViewGroup::Explain},
    {ViewId::Dispatch, "dispatch", "Dispatch", "Fused or split?", ViewGroup::Measure},
    {ViewId::Autotune, "autotune", "Autotune", "Which tile?", ViewGroup::Measure},
    {ViewId::Routing, "routing", "Routing", "Which experts do the work?", ViewGroup::Explain},
    {ViewId::Timeline, "timeline", "Timeline", "What ran when?", ViewGroup::Measure},
    {ViewId::Memory, "memory", "Memory", "What holds the memory?", ViewGroup::Explain},
    {ViewId::Compare, "compare", "Compare", "What changed?", ViewGroup::Compare},
    {ViewId::Sweep, "sweep", "Sweep", "How does it scale?", ViewGroup::Compare},
    {ViewId::Crossover, "crossover", "Crossover", "Where does the winner change?", ViewGroup::Compare},
    {ViewId::Source, "source", "Source", "What does this kernel run?", ViewGroup::Explain},
    {ViewId::SessionFile, "session", "Session", "What was measured, where and how?", ViewGroup::Session},
    {ViewId::Ranks, "ranks", "Ranks", "How do the GPUs share it?", ViewGroup::Explain},
    {ViewId::Lessons, "lessons", "Lessons", "How does it work?", ViewGroup::Learn},
};

} // namespace

const char *name_of(ViewGroup group) {
    constexpr const char *kNames[kViewGroups] = {"Measure", "Explain", "Compare", "Session", "Learn"};
    return kNames[int(group)];
}

std::span<const View> views() { return kViews; }

std::vector<ViewId> views_in_order() {
    std::vector<ViewId> order;
    for (int group = 0; group < kViewGroups; ++group)
        for (const View &view : kViews)
            if (view.group == ViewGroup{group})
                order.push_back(view.id);
    return order;
}

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
