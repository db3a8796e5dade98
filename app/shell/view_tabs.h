// The views' tabs of one pane: a row of groups, and under it the views of the group.
#pragma once

#include "app/shell/actions.h"
#include "app/shell/view_list.h"
#include "app/theme.h"

#include <array>
#include <optional>
#include <span>
#include <vector>

namespace moescope {

// Which tabs of a row there is room for; the others go into a list behind its end. In order of the list.
struct TabRow {
    std::vector<std::size_t> shown, hidden;
};
// `current` is always shown. `more`: what the list's button takes.
TabRow fit_tabs(std::span<const float> widths, std::size_t current, float room, float gap, float more);

// The view of each group that was seen last, the first one to begin with.
using LastOfGroup = std::array<ViewId, kViewGroups>;
LastOfGroup first_of_groups();
// The view that a click on the group leads to: the last one seen, or another one of the group where that
// stands in the other pane already.
ViewId view_of(ViewGroup group, const LastOfGroup &last, std::optional<ViewId> other);

struct ViewTabs {
    const Theme &theme;
    float scale;
    const Actions &actions;       // for the shortcuts that hovers name
    ViewId shown;
    std::optional<ViewId> other;  // what the other pane shows
    const LastOfGroup &last;
};
// Fills the current window's width as one item; the view that was chosen in this frame.
std::optional<ViewId> draw_view_tabs(const ViewTabs &tabs);

} // namespace moescope
