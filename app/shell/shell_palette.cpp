// What the palette offers beside the commands: models, operators, files opened lately.
#include "app/shell/shell.h"

#include "app/shell/recent.h"
#include "app/views/overview_rows.h"

#include <fmt/format.h>

#include <algorithm>

namespace moescope {

std::vector<PaletteEntry> Shell::palette_entries() {
    std::vector<PaletteEntry> entries;
    for (const Action &action : actions_.all())
        if (action.id != kPaletteAction)
            entries.push_back({action.group, action.title, action.explain, text_of(actions_.shortcut(action)),
                               Actions::refused(action), action.run});
    for (const RecentFile &file : recent_files(session_file_.recent))
        entries.push_back({"Recent", file.name, file.folder, "",
                           file.there ? "" : fmt::format("It is not in {} any more.", file.folder),
                           [this, path = file.path] { open(path); }});
    for (const ModelShape &model : workload_.catalogue)
        entries.push_back({"Model", model.name,
                           fmt::format("{} experts, hidden {}, inner {}, top-{}", model.experts, model.hidden,
                                       model.intermediate, model.top_k),
                           "", "", [this, model] { workload_.workload.model = model; }});
    for (const OperatorInfo &op : operators())
        entries.push_back({"Operator", std::string(op.title), std::string(op.explain), "", "",
                           [this, id = op.id] { choose_operator(id); }});
    return entries;
}

// Selects its fastest variant where it was measured; else it is ticked, to be measured.
void Shell::choose_operator(OperatorId op) {
    for (const MeasurementId id : fastest_variants(*frame_session_, shown_run(*frame_session_)))
        if (frame_session_->measurements[id.value].op == op) {
            selection_ = {.measurement = id};
            return;
        }
    workload_.wanted[std::size_t(op)] = true;
    say(fmt::format("{} is not measured in the run shown; it is ticked now, for the next one.", info(op).title));
}

} // namespace moescope
