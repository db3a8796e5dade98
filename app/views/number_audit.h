// For tests: which numbers a frame showed, and which of them a hover explains. Off, and free, otherwise.
#pragma once

#include "profiler/explain/evidence.h"

#include <imgui.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::ui {

// Whether the words hold a quantity ("4.21 µs", "3 % of the sum") or are nothing but a number ("16,384").
bool shows_number(std::string_view words);

// Whether the rest of a text after a number begins with a space and a unit, or with a sign like %.
bool unit_follows(std::string_view rest);

class NumberAudit {
  public:
    struct Shown {
        std::string text;
        ImVec2 low, high; // on the screen
        bool explained = false;
        std::optional<Evidence> evidence; // how it came about, where the hover says so
        std::string words;                // of the hover
    };

    // Listens until the end of the scope.
    NumberAudit();
    ~NumberAudit();
    NumberAudit(const NumberAudit &) = delete;
    NumberAudit &operator=(const NumberAudit &) = delete;

    std::vector<Shown> shown;

    // The tooltips that were open, a piece each; without a kind where they have no badge.
    struct Hover {
        std::string words;
        std::optional<Evidence> evidence;
    };
    std::vector<Hover> hovers;

    // Where charts were drawn, each a name and its corners on the screen.
    struct Chart {
        std::string name;
        ImVec2 low, high;
        const ImDrawList *list = nullptr;
    };
    std::vector<Chart> charts;
};

// What the pieces of ui.h call: after a text was drawn, and when the last item gets a hover's words.
void note_shown(std::string_view text);
void note_explained(std::string_view words, std::optional<Evidence> evidence);
// The same where neither is an item of its own.
void note_shown(std::string_view text, ImVec2 low, ImVec2 high);
void note_explained(std::string_view words, std::optional<Evidence> evidence, ImVec2 low, ImVec2 high);
// What tooltips and charts call: when one is open, and where one is drawn in the current window.
void note_hover(std::string_view words, std::optional<Evidence> evidence);
void note_chart(std::string_view name, ImVec2 low, ImVec2 high);

} // namespace moescope::ui
