// The command palette: everything the window can do or show, by typing a few letters of it.
#pragma once

#include "app/theme.h"

#include <functional>
#include <string>
#include <vector>

namespace moescope {

struct PaletteEntry {
    std::string kind;    // "View", "Model", "Recent file", a command's group
    std::string title;   // "Timeline"
    std::string detail;  // "What ran when?"
    std::string keys;    // its shortcut; ""
    std::string refused; // why it cannot be chosen now; "" where it can
    std::function<void()> run;
};

struct PaletteState {
    bool opening = false; // opens in the next frame
    std::string query;
    int selected = 0; // of the entries that answer the query
};

// The entries that answer, best first, as indices. Without a query: all, as they stand. Of equals, those
// that can be chosen come first.
std::vector<std::size_t> matching_entries(const std::vector<PaletteEntry> &entries, const std::string &query);

// Over everything, at the top of the window, whose size in pixels is given. `entries` is asked for only
// while it is open.
void draw_palette(const Theme &theme, float scale, ImVec2 window, PaletteState &state,
                  const std::function<std::vector<PaletteEntry>()> &entries);

} // namespace moescope
