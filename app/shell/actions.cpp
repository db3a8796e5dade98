#include "app/shell/actions.h"

#include <fmt/format.h>

#include <algorithm>

namespace moescope {

void Actions::add(Action action) { actions_.push_back(std::move(action)); }

const Action *Actions::find(std::string_view id) const {
    const auto found = std::find_if(actions_.begin(), actions_.end(),
                                    [&](const Action &action) { return action.id == id; });
    return found == actions_.end() ? nullptr : &*found;
}

std::vector<std::string> Actions::groups() const {
    std::vector<std::string> groups;
    for (const Action &action : actions_)
        if (std::find(groups.begin(), groups.end(), action.group) == groups.end())
            groups.push_back(action.group);
    return groups;
}

std::string Actions::refused(const Action &action) {
    return action.refused ? action.refused() : std::string();
}

std::string Actions::label(const Action &action) {
    const std::string object = action.object ? action.object() : "";
    return object.empty() ? action.title : fmt::format("{}: {}", action.title, object);
}

bool Actions::run(std::string_view id) const {
    const Action *action = find(id);
    if (!action || !refused(*action).empty())
        return false;
    action->run();
    return true;
}

Shortcut Actions::shortcut(const Action &action) const {
    const auto own = own_.find(action.id);
    return own == own_.end() ? action.standard : own->second;
}

std::string Actions::shortcut_text(std::string_view id) const {
    const Action *action = find(id);
    return action ? text_of(shortcut(*action)) : std::string();
}

std::string Actions::hint(std::string_view id) const {
    const Action *action = find(id);
    if (!action)
        return {};
    const std::string keys = text_of(shortcut(*action));
    return keys.empty() ? action->explain : fmt::format("{} ({})", action->explain, keys);
}

const Action *Actions::holder(const Shortcut &shortcut) const {
    if (shortcut.empty())
        return nullptr;
    const auto found = std::find_if(actions_.begin(), actions_.end(), [&](const Action &action) {
        return this->shortcut(action) == shortcut;
    });
    return found == actions_.end() ? nullptr : &*found;
}

Status Actions::assign(std::string_view id, const Shortcut &shortcut) {
    const Action *action = find(id);
    if (!action)
        return Error{fmt::format("shortcut of \"{}\"", id), "there is no such command", ""};
    const std::string what = fmt::format("{} for \"{}\"", text_of(shortcut), action->title);
    if (const std::string why = refusal(shortcut); !why.empty())
        return Error{what, why, ""};
    if (const Action *other = holder(shortcut); other && other != action)
        return Error{what, fmt::format("\"{}\" has it already", other->title),
                     "choose another one, or take it from there first"};
    if (shortcut == action->standard)
        own_.erase(action->id);
    else
        own_[action->id] = shortcut;
    return {};
}

Status Actions::restore(std::string_view id) {
    const Action *action = find(id);
    return assign(id, action ? action->standard : Shortcut{});
}

std::map<std::string, std::string> Actions::changed() const {
    std::map<std::string, std::string> changed;
    for (const auto &[id, shortcut] : own_)
        changed[id] = text_of(shortcut);
    return changed;
}

std::vector<Error> Actions::take_changed(const std::map<std::string, std::string> &changed) {
    std::vector<Error> problems;
    std::map<std::string, Shortcut> wanted;
    // All standard ones give way first, so that two actions may have changed places.
    for (const auto &[id, text] : changed) {
        const auto shortcut = parse_shortcut(text);
        if (!shortcut.ok())
            problems.push_back(shortcut.error());
        else if (find(id)) // another version's command is no mistake of the user's
            wanted[id] = shortcut.value();
    }
    for (const auto &[id, shortcut] : wanted)
        own_[id] = {};
    for (const auto &[id, shortcut] : wanted)
        if (const Status status = assign(id, shortcut); !status.ok()) {
            problems.push_back(status.error());
            if (!restore(id).ok())
                own_[id] = {};
        }
    return problems;
}

} // namespace moescope
