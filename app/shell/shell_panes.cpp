// The panes of the shell: one borderless ImGui window each, where the layout says.
#include "app/shell/shell.h"

#include "app/shell/pane_window.h"
#include "app/views/inspector.h"
#include "app/views/measurement_text.h"
#include "app/views/number.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>

namespace moescope {

namespace {

// A clause of an error that stands alone.
std::string as_sentence(std::string clause) {
    if (clause.empty())
        return clause;
    clause.front() = char(std::toupper(static_cast<unsigned char>(clause.front())));
    return clause.back() == '.' ? clause : clause + ".";
}

} // namespace

void Shell::draw_banner(ViewContext &context) {
    if (layout_.banner.empty())
        return;
    const float line = ImGui::GetTextLineHeight();
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding,
                        ImVec2(12 * scale_, std::floor((layout_.banner.height - line) / 2)));
    const ImVec4 ground = mix(theme_.background, theme_.warning, 0.16f);
    const PaneWindow pane("banner", layout_.banner, ground);
    ImGui::PopStyleVar();
    const Session &session = *context.session;
    // A session may hold runs of several devices, and imported ones: it is the shown run's that counts.
    const RunRecord *shown = context.run.valid() && context.run.value < session.runs.size() ? &session.runs[context.run.value]
                                                                                             : nullptr;
    ui::badge(theme_, "Recorded", theme_.warning, ground);
    ImGui::SameLine();
    ui::text(shown ? shown->device.name : "An empty recording");
    ui::explain("These numbers were measured then and there, not on this machine now. Run "
                "something to see this "
                "machine's own.");
    ImGui::SameLine(0, 12 * scale_);
    std::string words;
    if (shown && !shown->device.driver.empty())
        words += fmt::format("driver {} · ", shown->device.driver);
    if (shown)
        words += date_text(shown->started_ns);
    if (!session.path.empty())
        words += fmt::format(" · {}", std::filesystem::path(session.path).filename().string());
    const float button = client_ ? ImGui::CalcTextSize("Back to live").x + 36 * scale_ : 0;
    ui::text(ui::fitted(words, std::max(0.0f, ImGui::GetContentRegionAvail().x - button)),
             theme_.muted);
    if (!client_)
        return;
    ImGui::SameLine(layout_.banner.width - button);
    if (ImGui::SmallButton("Back to live"))
        show_recorded_ = false;
    ui::explain("Shows what this window's own worker measures.");
}

void Shell::draw_workload_pane(ViewContext &context) {
    if (layout_.workload.empty())
        return;
    const PaneWindow pane("workload", layout_.workload, theme_.surface);
    ui::window_landmark("workload");
    const WorkloadActions actions{
        .run = [this](Plan plan, bool replace) { run(std::move(plan), replace); },
        .tune = [this](std::vector<PlanItem> items) { tune(workload_.workload, std::move(items)); },
        .stop =
            [this] {
                if (client_)
                    client_->cancel();
            },
        .metrics = {.ask = [this](MetricsRequest request) { return client_ ? client_->ask(std::move(request)) : 0; },
                    .take_answer = [this](std::uint64_t question) {
                        return client_ ? client_->take_answer(question) : nullptr;
                    }}};
    draw_workload(context, workload_, actions);
}

void Shell::draw_inspector_pane(ViewContext &context) {
    if (layout_.inspector.empty())
        return;
    const PaneWindow pane("inspector", layout_.inspector, theme_.surface,
                          ImGuiWindowFlags_NoScrollbar);
    ui::window_landmark("inspector");
    ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, ImVec2(8 * scale_, 4 * scale_));
    draw_inspector(context, inspector_);
    ImGui::PopStyleVar();
}

void Shell::draw_status_pane(ViewContext &context) {
    float line = 0;
    {
        const ui::FontScope small(ui::small_font());
        line = ImGui::GetTextLineHeight();
    }
    ImGui::PushStyleVar(
        ImGuiStyleVar_WindowPadding,
        ImVec2(12 * scale_, std::max(0.0f, std::floor((layout_.status.height - line) / 2))));
    const PaneWindow pane("status", layout_.status, mix(theme_.background, theme_.raised, 0.6f));
    ImGui::PopStyleVar();
    if (opening_.busy())
        context.progress.doing = fmt::format("Opening {}.", opening_name_);
    draw_status(context, status_, [this] { actions_.run("run.stop"); }, 0);
    draw_hosts_popup();
}

// Which run of the session the views show, at the right end of a view's heading.
void Shell::draw_run_choice(const ViewContext &context) {
    const Session &session = *context.session;
    if (session.runs.size() < 2 || !context.run.valid())
        return;
    const ui::FontScope small(ui::small_font());
    const std::string shown = "Run " + run_label(session, context.run.value);
    const float wanted = ImGui::CalcTextSize(shown.c_str()).x + ImGui::GetFrameHeight() +
                         3 * ImGui::GetStyle().FramePadding.x;
    ImGui::SameLine();
    const float room = ImGui::GetContentRegionAvail().x, width = std::min(wanted, room);
    ImGui::SetCursorPosX(ImGui::GetCursorPosX() + room - width);
    ImGui::SetNextItemWidth(width);
    ImGui::PushStyleVar(ImGuiStyleVar_FramePadding,
                        ImVec2(ImGui::GetStyle().FramePadding.x, std::round(scale_)));
    if (ImGui::BeginCombo("##run", shown.c_str(), ImGuiComboFlags_HeightLarge)) {
        for (std::size_t i = session.runs.size(); i-- > 0;)
            if (ImGui::Selectable(run_label(session, i).c_str(), i == context.run.value))
                choose_run(RunId{std::uint32_t(i)});
        ImGui::EndCombo();
    }
    ImGui::PopStyleVar();
    ui::explain("The run that every view shows. A session keeps all of its runs.");
}

void Shell::draw_view(ViewContext &context, ViewId view) {
    // Nobody should think that there is nothing in it, or run something, while a large file is read.
    if (opening_.busy() && context.session->empty() && view != ViewId::Lessons) {
        ui::empty_state(theme_, "One moment", fmt::format("{} is being opened.", opening_name_));
        return;
    }
    switch (view) {
    case ViewId::Overview:
        if (context.run.valid())
            draw_overview(context, overview_);
        else
            draw_start();
        break;
    case ViewId::SessionFile: {
        const SessionFileActions actions{
            .open = [this](std::string path) { open(path); },
            .save = [this](const std::string &path) { save(path); },
            .export_to = [this](ExportKind kind,
                                const std::string &path) { export_to(kind, path); },
            .show_live = [this] { show_recorded_ = false; },
            .show_run = [this](RunId run) { choose_run(run); }};
        draw_session_file(context, session_file_, actions);
        break;
    }
    case ViewId::Dispatch:
        draw_dispatch(context, dispatch_);
        break;
    case ViewId::Autotune:
        draw_autotune(context, autotune_);
        break;
    case ViewId::Routing:
        draw_routing(context, routing_);
        break;
    case ViewId::Timeline:
        draw_timeline(context, timeline_);
        break;
    case ViewId::Roofline:
        draw_roofline(context, roofline_);
        break;
    case ViewId::Memory:
        draw_memory(context, memory_);
        break;
    case ViewId::Ranks:
        draw_ranks(context, ranks_);
        break;
    case ViewId::Source:
        draw_source(context, source_);
        break;
    case ViewId::Compare:
        draw_compare(context, compare_, compare_actions());
        break;
    case ViewId::Sweep:
        draw_sweep(context, sweep_, sweep_actions());
        break;
    case ViewId::Crossover:
        draw_crossover(context, crossover_, workload_.workload, runs_on_cpu(), sweep_actions());
        break;
    case ViewId::Lessons:
        draw_lessons(context, lessons_, lesson_actions());
        break;
    }
}

void Shell::draw_view_pane(ViewContext &context, const char *name, const Rect &rect, ViewId &shown,
                           ViewId &other) {
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(12 * scale_, 8 * scale_));
    const PaneWindow pane(name, rect, theme_.background,
                          &shown == &first_ ? ImGuiWindowFlags_NoFocusOnAppearing : 0); // it has the keys at first
    ImGui::PopStyleVar();
    const bool split = layout_.split();
    if (const auto chosen = draw_view_tabs({theme_, scale_, actions_, shown,
                                            split ? std::optional(other) : std::nullopt, last_of_group_}))
        split && *chosen == other ? std::swap(shown, other) : void(shown = *chosen);
    if (&shown == &first_)
        ui::landmark("views");
    last_of_group_[std::size_t(info(shown).group)] = shown;
    ui::heading(info(shown).question);
    draw_run_choice(context);
    ImGui::BeginChild("view", {0, 0});
    ImGui::PushID(info(shown).key);
    draw_view(context, shown);
    ImGui::PopID();
    ImGui::EndChild();
}

// Why the file that was chosen is not shown: where the eye is, not among the problems alone.
void Shell::draw_open_failure() {
    constexpr const char *kTitle = "Not opened";
    if (!open_failure_)
        return;
    if (!ImGui::IsPopupOpen(kTitle))
        ImGui::OpenPopup(kTitle);
    const ImVec2 room = ImGui::GetMainViewport()->Size;
    ImGui::SetNextWindowPos({room.x / 2, room.y / 2}, ImGuiCond_Always, {0.5f, 0.5f});
    ImGui::SetNextWindowSize({std::min(std::round(520 * scale_), room.x), 0});
    if (!ImGui::BeginPopupModal(kTitle, nullptr, ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoTitleBar |
                                                     ImGuiWindowFlags_NoResize | ImGuiWindowFlags_NoSavedSettings))
        return;
    ui::heading(kTitle);
    ui::wrapped(open_failure_->what, theme_.failure);
    if (!open_failure_->why.empty())
        ui::wrapped(as_sentence(open_failure_->why), theme_.text);
    if (!open_failure_->remedy.empty())
        ui::wrapped(as_sentence(open_failure_->remedy), theme_.muted);
    ImGui::Dummy({0, 4 * scale_});
    const bool another = ImGui::Button("Open another…");
    ImGui::SameLine();
    const bool close = ui::primary_button(theme_, "Close");
    if (another || close || ImGui::IsKeyPressed(ImGuiKey_Escape) || ImGui::IsKeyPressed(ImGuiKey_Enter)) {
        ImGui::CloseCurrentPopup();
        open_failure_.reset();
    }
    ImGui::EndPopup();
    if (another)
        actions_.run("file.open");
}

bool Shell::begin_help(const char *name, bool &opening) {
    if (std::exchange(opening, false))
        ImGui::OpenPopup(name);
    const ImVec2 room = ImGui::GetMainViewport()->Size;
    ImGui::SetNextWindowPos({room.x / 2, room.y / 2}, ImGuiCond_Always, {0.5f, 0.5f});
    return ImGui::BeginPopup(name);
}

void Shell::draw_about() {
    if (!begin_help("about", opening_about_))
        return;
    ui::heading(fmt::format("MoEScope {}", MOESCOPE_VERSION));
    ui::text("Why Mixture-of-Experts kernels take the time they take.", theme_.muted);
    ui::text("MIT licence. Copyright 2026 The MoEScope developers.", theme_.muted);
    ImGui::Dummy({0, 4 * scale_});
    const bool none = std::ranges::all_of(frame_progress_.devices, [](const DeviceInfo &device) { return device.is_cpu(); });
    for (const DeviceInfo &device : frame_progress_.devices)
        if (!device.is_cpu())
            ui::text(fmt::format("{} · {}: CUDA {}, driver {}", device.id, device.name, device.runtime, device.driver));
    if (none)
        ui::text("CUDA: there is no CUDA device to ask for its versions.");
    ImGui::EndPopup();
}

void Shell::draw_marks_help() {
    if (!begin_help("marks", opening_marks_))
        return;
    ui::heading("How numbers came about");
    ui::text("Point at any number to read what it is, how it was measured and from how many samples.", theme_.muted);
    ImGui::Dummy({0, 4 * scale_});
    ui::legend(theme_);
    ImGui::EndPopup();
}

void Shell::draw_splitters() {
    struct Splitter {
        const char *name;
        const Rect &rect;
    };
    const Splitter splitters[] = {{"left splitter", layout_.left_splitter},
                                  {"middle splitter", layout_.middle_splitter},
                                  {"right splitter", layout_.right_splitter}};
    for (const auto &[name, rect] : splitters) {
        if (rect.empty())
            continue;
        ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(0, 0));
        const PaneWindow pane(name, rect, theme_.background);
        ImGui::PopStyleVar();
        ImGui::InvisibleButton("grip", rect.size());
        const bool held = ImGui::IsItemActive(), hovered = ImGui::IsItemHovered();
        if (held || hovered)
            ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeEW);
        const float thick = std::max(1.0f, std::floor(scale_)) * (held || hovered ? 2 : 1);
        const float x = std::floor(rect.x + (rect.width - thick) / 2);
        ImGui::GetWindowDrawList()->AddRectFilled({x, rect.y}, {x + thick, rect.bottom()},
                                                  packed(held ? theme_.accent : theme_.line));
        const float dx = ImGui::GetIO().MouseDelta.x;
        if (!held || dx == 0)
            continue;
        settings_.layout = &rect == &layout_.left_splitter ? move_left(settings_.layout, dx, scale_)
                           : &rect == &layout_.right_splitter
                               ? move_right(settings_.layout, dx, scale_)
                               : move_middle(settings_.layout, dx, layout_);
    }
}

} // namespace moescope
