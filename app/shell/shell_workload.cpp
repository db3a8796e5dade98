// The workload between starts and between changes: remembered, undone, redone.
#include "app/shell/shell.h"

#include <fmt/format.h>

#include <algorithm>

namespace moescope {

void Shell::restore_workload() {
    if (settings_.workload && !validate(*settings_.workload).ok())
        settings_.workload.reset();
    workload_remembered_ = settings_.workload.has_value();
    if (workload_remembered_)
        workload_.workload = *settings_.workload;
    else if (!workload_.catalogue.empty())
        workload_.workload.model = workload_.catalogue.front();
    if (!settings_.device.empty())
        workload_.device = settings_.device;
    if (settings_.operators) {
        workload_.wanted.fill(false);
        for (const std::string &name : *settings_.operators)
            if (const auto op = find_operator(name); op.ok())
                workload_.wanted[std::size_t(op.value())] = true;
    }
    workload_.cache = settings_.warm_cache ? CacheState::Warm : CacheState::Cold;
    workload_.counters.chosen = settings_.counters;
    workload_.sample_counters = settings_.sample_counters;
    workload_.sample_instructions = settings_.sample_instructions;
    history_.start_from(choice_of(workload_));
}

void Shell::remember_workload() {
    settings_.workload = workload_.workload;
    settings_.device = workload_.device;
    settings_.operators.emplace();
    for (const OperatorInfo &op : operators())
        if (workload_.wanted[std::size_t(op.id)])
            settings_.operators->emplace_back(op.name);
    settings_.warm_cache = workload_.cache == CacheState::Warm;
    settings_.counters = workload_.counters.chosen;
    settings_.sample_counters = workload_.sample_counters;
    settings_.sample_instructions = workload_.sample_instructions;
}

// What is being dragged or typed is one step, once it is let go.
void Shell::follow_workload() {
    if (!ImGui::IsAnyItemActive())
        history_.note(choice_of(workload_));
}

void Shell::step_in_history(bool back) {
    history_.note(choice_of(workload_));
    const WorkloadChoice before = history_.present();
    const auto choice = back ? history_.undo() : history_.redo();
    if (!choice)
        return;
    apply(*choice, workload_);
    workload_changed();
    say(fmt::format("{}: {}", back ? "Undone" : "Done again", change_between(before, *choice)));
}

// By something else than its pane, which looks for itself.
void Shell::workload_changed() {
    if (workload_.changed_at < 0)
        workload_.changed_at = ImGui::GetTime();
}

} // namespace moescope
