// The first minute: a few cards, each beside the control it speaks of.
#pragma once

#include "app/shell/actions.h"
#include "app/shell/layout.h"
#include "app/theme.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

struct TourStep {
    std::string title, text;
    std::string landmark; // of ui::landmark; "": nothing in particular
};
struct Guidance {
    std::vector<TourStep> tour;
    std::vector<std::string> tips;
};
// assets/guide.json. Errors: unreadable, not JSON, a step without a title or text.
Result<Guidance> load_guidance(const std::filesystem::path &file);

// "{run.start}" becomes the action's shortcut, or its menu and title where it has none. An id that is not
// known stays as it stands.
std::string with_shortcuts(std::string_view text, const Actions &actions);

struct TourState {
    int step = -1; // -1: no tour is on
    bool on() const { return step >= 0; }
};

// Where a card of this size goes so that it does not cover what it speaks of: below, above, right or left
// of it, wherever there is room, within the window. An empty target: the middle.
Rect place_card(const Rect &target, ImVec2 card, ImVec2 window, float gap);

// Dims all but the control that the step speaks of; everything can still be clicked.
void draw_tour(const Theme &theme, float scale, ImVec2 window, TourState &state, const std::vector<TourStep> &steps,
               const Actions &actions);

} // namespace moescope
