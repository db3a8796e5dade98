// Every command of the window, once: what menus, buttons, keys and the palette go through.
#pragma once

#include "app/shell/shortcut.h"

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

struct Action {
    std::string id;      // "file.open": in the settings
    std::string title;   // "Open a session…"
    std::string group;   // the menu it is in: "File"
    std::string explain; // the hover
    Shortcut standard;   // none: {}
    std::function<void()> run;
    std::function<std::string()> refused = {}; // why not now, a sentence; "" where it can. None: always
    std::function<bool()> ticked = {};         // of a switch: whether it is on
    std::function<std::string()> object = {};  // what it would be done to now, after the title: "tokens 8 → 16"
    bool starts_section = false;               // a line above it in its menu
};

class Actions {
  public:
    // Ids are unique, and so are the standard shortcuts.
    void add(Action action);
    std::span<const Action> all() const { return actions_; }
    const Action *find(std::string_view id) const;
    // The groups in the order in which they came.
    std::vector<std::string> groups() const;

    // Why the action cannot be done now; "" where it can.
    static std::string refused(const Action &action);
    // The title with its object.
    static std::string label(const Action &action);
    // Does nothing where the action is refused or unknown; true when it was done.
    bool run(std::string_view id) const;

    // The user's own shortcut, or the standard one.
    Shortcut shortcut(const Action &action) const;
    std::string shortcut_text(std::string_view id) const;
    // The title and how to reach it by key: "Run (F5)", for hovers.
    std::string hint(std::string_view id) const;
    // Whose shortcut it is; null: nobody's.
    const Action *holder(const Shortcut &shortcut) const;
    // Gives an action another shortcut ({}: none). Errors: an unknown action, a key that the window
    // needs, or another action's shortcut, which is named.
    Status assign(std::string_view id, const Shortcut &shortcut);
    // The standard one again, if no other action has it by now.
    Status restore(std::string_view id);

    // The shortcuts that are not the standard ones, by id, for the settings ("": none).
    std::map<std::string, std::string> changed() const;
    // From the settings. What is not known or clashes is left out and told, one sentence each.
    std::vector<Error> take_changed(const std::map<std::string, std::string> &changed);

  private:
    std::vector<Action> actions_;
    std::map<std::string, Shortcut, std::less<>> own_;
};

} // namespace moescope
