// The views there are: their names on the command line, in the settings and on their tabs.
#pragma once

#include "app/views/view_context.h"
#include "profiler/base/result.h"

#include <span>
#include <string_view>
#include <vector>

namespace moescope {

// What a view is for: the groups its tab stands in.
enum class ViewGroup { Measure, Explain, Compare, Session, Learn };
inline constexpr int kViewGroups = 5;
const char *name_of(ViewGroup group);

struct View {
    ViewId id;
    const char *key;      // "overview": on the command line and in the settings
    const char *tab;      // "Overview"
    const char *question; // "Where does the time go?"
    ViewGroup group = ViewGroup::Learn;
};

std::span<const View> views();
// As their tabs stand: group by group.
std::vector<ViewId> views_in_order();
const View &info(ViewId id);
// The error lists the keys there are.
Result<ViewId> find_view(std::string_view key);

} // namespace moescope
