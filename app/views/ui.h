// The few pieces every view is made of: small text, explained numbers, badges, empty states.
#pragma once

#include "app/theme.h"
#include "profiler/explain/evidence.h"

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace moescope::ui {

// Fonts of the current ImGui context, as app/shell/fonts.h adds them; body where there are fewer.
ImFont *body_font();
ImFont *small_font();
ImFont *bold_font();
ImFont *code_font(); // of fixed width

// Uses a font until the end of the scope.
class FontScope {
  public:
    explicit FontScope(ImFont *font) { ImGui::PushFont(font); }
    ~FontScope() { ImGui::PopFont(); }
    FontScope(const FontScope &) = delete;
    FontScope &operator=(const FontScope &) = delete;
};

void text(std::string_view text);
void text(std::string_view text, const ImVec4 &colour);
void wrapped(std::string_view text, const ImVec4 &colour);
void heading(std::string_view text);                     // bold, body size
void small(std::string_view text, const ImVec4 &colour); // the second text size
void small_wrapped(std::string_view text, const ImVec4 &colour);

// Text that ends at the right edge of the current table column or window.
void right_aligned(std::string_view text);
void right_aligned(std::string_view text, const ImVec4 &colour);

// A tooltip, wrapped at a readable width, when the last item is hovered.
void explain(std::string_view text);
// The same for a hover that the caller found out.
void tooltip(std::string_view text);
// Its frame, for one that holds more than words: end_tooltip() where it begins.
bool begin_tooltip();
void end_tooltip();

// Whether the mouse is over this column of the current table: a row's hover and a cell's would both show.
bool column_hovered(int column);

// A word on a tinted ground: "CUPTI", "measured", "Recorded".
void badge(const Theme &theme, std::string_view text, const ImVec4 &colour);
// The same on a ground that is none of the theme's.
void badge(const Theme &theme, std::string_view text, const ImVec4 &colour, const ImVec4 &under);
ImVec2 badge_size(std::string_view text);
// "measured", "modelled", "estimated" or "reported", each in its colour, with what that means on hover.
void badge(const Theme &theme, Evidence evidence);
const char *meaning_of(Evidence evidence);
ImVec4 colour_of(const Theme &theme, Evidence evidence);
// The same as a mark for charts and rows: a disc, a ring, half a disc, a small square.
void draw_mark(ImDrawList &draw, ImVec2 centre, float radius, ImU32 colour, Evidence evidence);

// On the line of the last item, `gap` behind it, where that much room is left there; else on the next one.
void flow(float width, float gap);
float text_width(std::string_view text);

// A button that stands out: at most one in sight.
bool primary_button(const Theme &theme, const char *label, ImVec2 size = {0, 0});

// Centred in what is left of the window: a title, a sentence that says what would fill the view,
// and a button where there is one (label null: none). True when it was clicked.
bool empty_state(const Theme &theme, std::string_view title, std::string_view sentence,
                 const char *button = nullptr);
// The same with several buttons, the first one standing out; those that have nothing to do are left out.
struct EmptyButton {
    const char *label;
    std::function<void()> press;
};
void empty_state(const Theme &theme, std::string_view title, std::string_view sentence,
                 std::initializer_list<EmptyButton> buttons);

// Where a control is that others point at: the last item, or the current window, by a name.
struct Landmark {
    ImVec2 low, high;
};
void landmark(const char *name);
void window_landmark(const char *name);
// None where it was not drawn in this frame or the last one.
std::optional<Landmark> find_landmark(std::string_view name);

// Words with a line's end in the place of spaces, so that no line is wider: ImGui's own wrapping breaks after any full
// stop and comma, also within a number. Not between a number and its unit. As many bytes as before.
std::string broken(std::string_view words, float width);
// Cuts text with an ellipsis so that it is at most width pixels wide in the current font.
std::string fitted(std::string_view text, float width);
// The same for what the next combo shows while it is closed.
std::string fitted_in_combo(std::string_view text);

} // namespace moescope::ui
