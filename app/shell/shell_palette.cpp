// What the palette and the start page offer beside the commands: models, operators, files.
#include "app/shell/shell.h"

#include "app/views/overview_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <system_error>

namespace moescope {

namespace {

constexpr double kLookAgain = 1; // seconds until the disk is looked at again
constexpr const char *kStartPopup = "Start page";

} // namespace

// Looked up on the disk at most once a second.
const std::vector<RecentFile> &Shell::recent() {
    const double now = ImGui::GetTime();
    if (start_page_at_ < 0 || now - start_page_at_ > kLookAgain) {
        start_page_.recent = recent_files(session_file_.recent);
        start_page_.shipped = recent_files(shipped_sessions());
        summarise(start_page_.recent);
        summarise(start_page_.shipped);
        start_page_at_ = now;
    }
    return start_page_.recent;
}

// Says of each what is in it, as soon as that was read; of one that has changed what was in it until then.
void Shell::summarise(std::vector<RecentFile> &files) {
    std::map<std::string, Summary> unknown;
    for (RecentFile &file : files) {
        std::error_code problem;
        const auto changed = std::int64_t(std::filesystem::last_write_time(file.path, problem).time_since_epoch().count());
        const auto found = summaries_.find(file.path);
        if (file.there && found != summaries_.end())
            file.what = found->second.text;
        if (file.there && (found == summaries_.end() || found->second.changed != changed))
            unknown[file.path].changed = changed;
    }
    if (unknown.empty())
        return;
    summarising_.start(
        [unknown] {
            auto made = unknown;
            for (auto &[path, summary] : made) {
                const Result<SessionGlance> glance = glance_at_session(path);
                summary.text = glance.ok() ? summary_of(*glance, std::filesystem::path(path).filename().string()) : "";
            }
            return made;
        },
        wake_);
}

std::string Shell::tip() const {
    const auto &tips = guidance_.tips;
    return tips.empty() ? "" : with_shortcuts(tips[tip_ % tips.size()], actions_);
}

// True when something was chosen.
bool Shell::draw_start() {
    recent();
    start_page_.tip = tip();
    start_page_.nothing_measured = frame_session_->empty();
    return draw_start_page(theme_, scale_, start_page_, actions_, [this](const std::string &path) { open(path); },
                    [this] { ++tip_; });
}

void Shell::draw_start_popup() {
    if (std::exchange(start_opening_, false))
        ImGui::OpenPopup(kStartPopup);
    const ImVec2 window = ImGui::GetIO().DisplaySize;
    const ImVec2 size{std::min(std::round(600 * scale_), window.x - 32 * scale_),
                      std::min(std::round(640 * scale_), window.y - 64 * scale_)};
    ImGui::SetNextWindowPos({std::round((window.x - size.x) / 2), std::round((window.y - size.y) / 2)});
    ImGui::SetNextWindowSize(size);
    if (!ImGui::BeginPopup(kStartPopup, ImGuiWindowFlags_NoMove))
        return;
    if (draw_start())
        ImGui::CloseCurrentPopup();
    ImGui::EndPopup();
}

std::vector<PaletteEntry> Shell::palette_entries() {
    std::vector<PaletteEntry> entries;
    for (const Action &action : actions_.all())
        if (action.id != kPaletteAction)
            entries.push_back({action.group, Actions::label(action), action.explain, text_of(actions_.shortcut(action)),
                               Actions::refused(action), action.run});
    for (const RecentFile &file : recent())
        entries.push_back({"Recent", file.name, file.what.empty() ? file.folder : file.what, "",
                           file.there ? "" : fmt::format("It is not in {} any more.", file.folder),
                           [this, path = file.path] { open(path); }});
    for (const ModelShape &model : workload_.catalogue)
        entries.push_back({"Model", model.name,
                           fmt::format("{} experts, hidden {}, inner {}, top-{}", model.experts, model.hidden,
                                       model.intermediate, model.top_k),
                           "", "", [this, model] {
                               workload_.workload.model = model;
                               workload_changed();
                           }});
    for (const OperatorInfo &op : operators())
        entries.push_back({"Operator", std::string(op.title), std::string(op.explain), "", "",
                           [this, id = op.id] { choose_operator(id); }});
    for (std::size_t host = 0; host < frame_hosts_.size(); ++host)
        for (const DeviceInfo &device : frame_hosts_[host].progress.devices)
            entries.push_back({"Device", device.id, fmt::format("{}, {}", device.name, title_of(frame_hosts_[host])), "", "",
                               [this, host, id = device.id] {
                                   use_device(host, id);
                                   workload_changed();
                               }});
    for (const RecentFile &file : start_page_.shipped)
        entries.push_back({"Recorded", file.name,
                           file.what.empty() ? "Measured on a GPU and shipped with the program." : file.what, "", "",
                           [this, path = file.path] { open(path); }});
    for (const lessons::Lesson &lesson : lesson_list(lessons_).lessons)
        entries.push_back({"Lesson", lesson.title, lesson.summary, "", "", [this, id = lesson.id] {
                               open_lesson(lessons_, id);
                               show(ViewId::Lessons);
                           }});
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
