// The list of every command's shortcut, where each can be changed.
#pragma once

#include "app/shell/actions.h"
#include "app/theme.h"

#include <string>

namespace moescope {

struct ShortcutEditorState {
    bool opening = false; // opens in the next frame
    std::string search;
    std::string waiting; // the action whose new shortcut is awaited; "": none
    std::string problem; // of the last change
};

// Over everything; `window`: its size in pixels.
void draw_shortcut_editor(const Theme &theme, float scale, ImVec2 window, ShortcutEditorState &state,
                          Actions &actions);

} // namespace moescope
