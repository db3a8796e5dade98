// The window's commands: what each is called, when it can be done and what it does.
#include "app/shell/shell.h"

#include "profiler/base/assets.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace moescope {

namespace {

constexpr Shortcut ctrl(ImGuiKey key) { return {.key = key, .ctrl = true}; }

constexpr float kZooms[] = {0.5f, 0.67f, 0.75f, 0.8f, 0.9f, 1, 1.1f, 1.25f, 1.5f, 1.75f, 2, 2.5f, 3};
constexpr float kSameZoom = 0.005f;

float larger(float zoom) {
    const auto *found = std::ranges::find_if(kZooms, [&](float step) { return step > zoom + kSameZoom; });
    return found == std::end(kZooms) ? zoom : *found;
}
float smaller(float zoom) {
    const auto *found = std::ranges::find_if(kZooms, [&](float step) { return step > zoom - kSameZoom; });
    return found == std::begin(kZooms) ? zoom : *(found - 1);
}

} // namespace

void Shell::add_actions() {
    add_file_actions();
    add_edit_actions();
    add_run_actions();
    add_view_actions();
    add_window_actions();
    add_timeline_actions();
    add_help_actions();
    for (Error &problem : actions_.take_changed(settings_.shortcuts))
        status_.problems.push_back(std::move(problem));
}

void Shell::add_file_actions() {
    const auto nothing_measured = [this] {
        return frame_session_ && !frame_session_->empty() ? "" : "Nothing is measured yet.";
    };
    actions_.add({.id = "file.open",
                  .title = "Open a session…",
                  .group = "File",
                  .explain = "Opens a .moescope file or a Kineto trace. Dropping it on the window does the same.",
                  .standard = ctrl(ImGuiKey_O),
                  .run =
                      [this] {
                          file_dialog_.ask(open_question(*frame_session_, settings_.recent),
                                           [this](const std::string &path) { open(path); });
                      },
                  .refused = [this] { return busy_with_file() ? "A file is being read or written." : ""; }});
    actions_.add({.id = "file.compare",
                  .title = "Compare with a session…",
                  .group = "File",
                  .explain = "Sets another session's results against those shown.",
                  .run =
                      [this] {
                          file_dialog_.ask(open_question(*frame_session_, settings_.recent), [this](const std::string &path) {
                              open_other(path);
                              show(ViewId::Compare);
                          });
                      },
                  .refused = [this, nothing_measured] {
                      return busy_with_file() ? "A file is being read or written." : nothing_measured();
                  }});
    actions_.add({.id = "file.save",
                  .title = "Save the session as…",
                  .group = "File",
                  .explain = "Keeps everything measured in one .moescope file.",
                  .standard = ctrl(ImGuiKey_S),
                  .run =
                      [this] {
                          file_dialog_.ask(save_question(*frame_session_),
                                           [this](const std::string &path) { save(path); });
                      },
                  .refused = nothing_measured});
    actions_.add({.id = "file.export",
                  .title = "Export…",
                  .group = "File",
                  .explain = "A Chrome trace, a report, tables or tuning telemetry, for other programs.",
                  .standard = ctrl(ImGuiKey_E),
                  .run = [this] { show(ViewId::SessionFile); },
                  .refused = nothing_measured,
                  .starts_section = true});
    add_export_actions();
    const auto no_plot = [this] { return plot_saver_.any() ? "" : "The view shows no plot."; };
    actions_.add({.id = "file.plot-svg",
                  .title = "Save the plot as SVG…",
                  .group = "File",
                  .explain = "The first plot of the view, with real text and lines. A right click on any plot offers the "
                             "same, and its data.",
                  .run = [this] { plot_saver_.wish_first(PlotFormat::Svg); },
                  .refused = no_plot});
    actions_.add({.id = "file.plot-png",
                  .title = "Save the plot as PNG…",
                  .group = "File",
                  .explain = "The first plot of the view, with two pixels a pixel.",
                  .run = [this] { plot_saver_.wish_first(PlotFormat::Png); },
                  .refused = no_plot});
    actions_.add({.id = "file.live",
                  .title = "Back to live",
                  .group = "File",
                  .explain = "Shows what this window's own worker measures instead of the opened file.",
                  .run = [this] { show_recorded_ = false; },
                  .refused = [this]() -> std::string {
                      if (!client_)
                          return kNoWorker;
                      return show_recorded_ ? "" : "What is shown is live.";
                  },
                  .starts_section = true});
    actions_.add({.id = "file.quit",
                  .title = "Quit",
                  .group = "File",
                  .explain = "Closes the window. The live session and the settings are kept.",
                  .standard = ctrl(ImGuiKey_Q),
                  .run = [this] { wants_to_close_ = true; },
                  .starts_section = true});
}

// Each format by itself; the view that Export… shows says what they are.
void Shell::add_export_actions() {
    struct Format {
        const char *id, *title, *explain;
        ExportKind kind;
    };
    constexpr Format kFormats[] = {
        {"file.export_trace", "Export as Chrome trace…", "For Perfetto and chrome://tracing.", ExportKind::ChromeTrace},
        {"file.export_report", "Export as report…", "One HTML page with the plots and tables.", ExportKind::Report},
        {"file.export_csv", "Export as tables…", "A folder of CSV files.", ExportKind::Csv},
        {"file.export_telemetry", "Export tuning telemetry…", "Every tile configuration with its fate, as JSON.",
         ExportKind::Telemetry}};
    for (const Format &format : kFormats)
        actions_.add({.id = format.id,
                      .title = format.title,
                      .group = "File",
                      .explain = format.explain,
                      .run =
                          [this, kind = format.kind] {
                              const std::string suggestion = suggested_path(*frame_session_, kind);
                              file_dialog_.ask(export_question(kind, suggestion),
                                               [this, kind](const std::string &path) { export_to(kind, path); });
                          },
                      .refused = [this]() -> std::string {
                          if (busy_with_file())
                              return "A file is being read or written.";
                          return frame_session_ && !frame_session_->empty() ? "" : "Nothing is measured yet.";
                      }});
}

void Shell::add_edit_actions() {
    const auto change = [this](const WorkloadChoice *other) {
        return other ? change_between(*other, history_.present()) : std::string();
    };
    actions_.add({.id = "edit.undo",
                  .title = "Undo",
                  .group = "Edit",
                  .explain = "Takes back the last change of the workload.",
                  .standard = ctrl(ImGuiKey_Z),
                  .run = [this] { step_in_history(/*back=*/true); },
                  .refused = [this] { return history_.can_undo() ? "" : "Nothing was changed yet."; },
                  .object = [this, change] { return change(history_.before()); }});
    actions_.add({.id = "edit.redo",
                  .title = "Redo",
                  .group = "Edit",
                  .explain = "Brings the change back that was undone last.",
                  .standard = {.key = ImGuiKey_Z, .ctrl = true, .shift = true},
                  .run = [this] { step_in_history(/*back=*/false); },
                  .refused = [this] { return history_.can_redo() ? "" : "Nothing was undone."; },
                  .object = [this]() -> std::string {
                      return history_.after() ? change_between(history_.present(), *history_.after()) : "";
                  }});
    actions_.add({.id = "edit.as_shown",
                  .title = "Take over the run shown",
                  .group = "Edit",
                  .explain = "Sets the workload to what the run that the views show measured.",
                  .run =
                      [this] {
                          take_over(workload_, frame_session_->runs[shown_run(*frame_session_).value].plan);
                          workload_changed();
                      },
                  .refused = [this] { return frame_session_ && !frame_session_->empty() ? "" : "Nothing is measured yet."; },
                  .starts_section = true});
}

std::string Shell::why_not_run() const {
    if (!client_ || frame_progress_.state == WorkerClient::State::Gone)
        return kNoWorker;
    const auto plan = make_plan(workload_, /*live=*/false);
    return plan.ok() ? "" : plan.error().sentence();
}

std::string Shell::why_not_tune() const {
    if (const std::string why = tune_target().refused; !why.empty())
        return why;
    if (frame_progress_.state == WorkerClient::State::Running)
        return "A run is going on.";
    const auto items = wanted_items(workload_);
    if (!items.ok())
        return items.error().sentence();
    return tunable_items(workload_.workload, *items).empty() ? "None of the ticked operators has tiles." : "";
}

void Shell::add_run_actions() {
    const auto running = [this] { return frame_progress_.state == WorkerClient::State::Running; };
    actions_.add({.id = "run.start",
                  .title = "Run",
                  .group = "Run",
                  .explain = "Runs every ticked operator and variant on the chosen device.",
                  .standard = {.key = ImGuiKey_F5},
                  .run = [this] { run_wanted(); },
                  .refused = [this] { return why_not_run(); }});
    actions_.add({.id = "run.stop",
                  .title = "Stop",
                  .group = "Run",
                  .explain = "Cancels the run. What is already measured stays.",
                  .standard = {.key = ImGuiKey_F5, .shift = true},
                  .run = [this] { client_->cancel(); },
                  .refused = [running] { return running() ? "" : "Nothing is running."; }});
    actions_.add({.id = "run.live",
                  .title = "Run on every change",
                  .group = "Run",
                  .explain = "Runs again as soon as the workload changes, with few repetitions.",
                  .standard = ctrl(ImGuiKey_L),
                  .run = [this] { switch_live(); },
                  .ticked = [this] { return workload_.live; }});
    actions_.add({.id = "run.tune",
                  .title = "Tune the ticked operators",
                  .group = "Run",
                  .explain = "Compiles and times every tile configuration of those that have tiles, and keeps the best.",
                  .run = [this] { tune(workload_.workload, tunable_items(workload_.workload, wanted_items(workload_).value())); },
                  .refused = [this] { return why_not_tune(); }});
    actions_.add({.id = "run.hosts",
                  .title = "Hosts…",
                  .group = "Run",
                  .explain = "This machine's worker and those behind ssh: what runs where, and another host.",
                  .standard = {.key = ImGuiKey_H, .ctrl = true, .shift = true},
                  .run = [this] { hosts_state_.wanted = true; },
                  .starts_section = true});
    actions_.add({.id = "run.ceilings",
                  .title = "Measure the device's ceilings",
                  .group = "Run",
                  .explain = "How fast the device moves memory and multiplies matrices: the roofs of the roofline.",
                  .run = [this] { measure_ceilings(chosen_device(frame_progress_.devices, workload_.device)->id); },
                  .refused = [this]() -> std::string {
                      if (!client_ || !chosen_device(frame_progress_.devices, workload_.device))
                          return kNoWorker;
                      return runs_on_cpu() ? "The CPU has no ceilings to measure: choose a CUDA device." : "";
                  },
                  .starts_section = true});
}

void Shell::switch_live() {
    workload_.live = !workload_.live;
    if (workload_.live)
        workload_.changed_at = ImGui::GetTime();
}

void Shell::add_view_actions() {
    std::optional<ViewGroup> group;
    int index = 0;
    for (const ViewId id : views_in_order()) {
        const View &view = info(id);
        actions_.add({.id = fmt::format("view.{}", view.key),
                      .title = view.tab,
                      .group = "View",
                      .explain = view.question,
                      .standard = index < 9 ? ctrl(ImGuiKey(ImGuiKey_1 + index))
                                            : Shortcut{.key = ImGuiKey(ImGuiKey_1 + index - 9), .ctrl = true, .shift = true},
                      .run = [this, id] { show(id); },
                      .ticked = [this, id] { return shows(id); },
                      .starts_section = group && group != view.group});
        group = view.group;
        ++index;
    }
    actions_.add({.id = "view.next",
                  .title = "Next view",
                  .group = "View",
                  .explain = "The view after this one.",
                  .standard = ctrl(ImGuiKey_PageDown),
                  .run = [this] { show_neighbour(1); },
                  .starts_section = true});
    actions_.add({.id = "view.previous",
                  .title = "Previous view",
                  .group = "View",
                  .explain = "The view before this one.",
                  .standard = ctrl(ImGuiKey_PageUp),
                  .run = [this] { show_neighbour(-1); }});
}

void Shell::add_window_actions() {
    const auto pane = [this](const char *id, const char *title, const char *explain, ImGuiKey key, bool &open) {
        actions_.add({.id = id,
                      .title = title,
                      .group = "Window",
                      .explain = explain,
                      .standard = ctrl(key),
                      .run = [&open] { open = !open; },
                      .ticked = [&open] { return open; }});
    };
    pane("window.workload", "Workload pane", "What is to be run, at the left.", ImGuiKey_B,
         settings_.layout.workload_open);
    pane("window.inspector", "Inspector pane", "Everything known of what is selected, at the right.", ImGuiKey_I,
         settings_.layout.inspector_open);
    actions_.add({.id = "window.split",
                  .title = "Two views side by side",
                  .group = "Window",
                  .explain = "Shows two views at a time, where there is room.",
                  .standard = ctrl(ImGuiKey_Backslash),
                  .run = [this] { settings_.layout.split = layout_.split() ? Split::Off : Split::On; },
                  .ticked = [this] { return layout_.split(); }});
    add_zoom_actions();
    bool first = true;
    std::vector<ThemeChoice> themes = themes_in(find_asset("themes"));
    themes.push_back({kSystemTheme, "System"});
    for (const ThemeChoice &choice : themes)
        actions_.add({.id = "theme." + choice.key,
                      .title = choice.name + " theme",
                      .group = "Window",
                      .explain = choice.key == kSystemTheme
                                     ? "Dark, light or of high contrast, as the desktop asks for."
                                     : "The window's colours. Themes are files of assets/themes.",
                      .run = [this, name = choice.key] { set_theme(name); },
                      .ticked = [this, name = choice.key] { return settings_.theme == name; },
                      .starts_section = std::exchange(first, false)});
}

void Shell::add_zoom_actions() {
    actions_.add({.id = "window.larger",
                  .title = "Larger text",
                  .group = "Window",
                  .explain = "Everything larger, on top of the monitor's own scale.",
                  .standard = ctrl(ImGuiKey_Equal),
                  .run = [this] { settings_.zoom = larger(settings_.zoom); },
                  .refused = [this] { return larger(settings_.zoom) > settings_.zoom ? "" : "It is the largest."; },
                  .starts_section = true});
    actions_.add({.id = "window.smaller",
                  .title = "Smaller text",
                  .group = "Window",
                  .explain = "Everything smaller.",
                  .standard = ctrl(ImGuiKey_Minus),
                  .run = [this] { settings_.zoom = smaller(settings_.zoom); },
                  .refused = [this] { return smaller(settings_.zoom) < settings_.zoom ? "" : "It is the smallest."; }});
    actions_.add({.id = "window.usual_size",
                  .title = "Usual text size",
                  .group = "Window",
                  .explain = "As large as the monitor's scale says.",
                  .standard = ctrl(ImGuiKey_0),
                  .run = [this] { settings_.zoom = 1; },
                  .refused = [this] { return settings_.zoom != 1 ? "" : "It is as large as the monitor says."; }});
}

void Shell::add_help_actions() {
    actions_.add({.id = kPaletteAction,
                  .title = "Find a command…",
                  .group = "Help",
                  .explain = "Everything the window can do or show, by typing a few letters of it.",
                  .standard = ctrl(ImGuiKey_P),
                  .run = [this] { palette_.opening = true; }});
    actions_.add({.id = "help.marks",
                  .title = "How numbers came about",
                  .group = "Help",
                  .explain = "What the marks beside numbers and in their hovers mean.",
                  .run = [this] { opening_marks_ = true; }});
    actions_.add({.id = "help.tour",
                  .title = "Tour",
                  .group = "Help",
                  .explain = "The window in a minute.",
                  .standard = {.key = ImGuiKey_F1},
                  .run = [this] { start_tour(); },
                  .refused = [this] { return guidance_.tour.empty() ? "assets/guide.json cannot be read." : ""; }});
    actions_.add({.id = "help.start",
                  .title = "Start page",
                  .group = "Help",
                  .explain = "Run, open, learn: files opened lately, recorded sessions, a tip.",
                  .run = [this] { start_opening_ = true; }});
    actions_.add({.id = "help.tip",
                  .title = "A tip",
                  .group = "Help",
                  .explain = "Says something useful in the status line.",
                  .run = [this] { say("Tip: " + tip()); ++tip_; },
                  .refused = [this] { return guidance_.tips.empty() ? "assets/guide.json cannot be read." : ""; }});
    actions_.add({.id = "help.shortcuts",
                  .title = "Keyboard shortcuts…",
                  .group = "Help",
                  .explain = "Every command's keys, where they can be changed.",
                  .run = [this] { shortcut_editor_.opening = true; },
                  .starts_section = true});
    actions_.add({.id = "help.about",
                  .title = "About MoEScope",
                  .group = "Help",
                  .explain = "Its version and licence, and the devices' CUDA versions.",
                  .run = [this] { opening_about_ = true; }});
}

// The panes that it speaks of are shown first.
void Shell::start_tour() {
    settings_.layout.workload_open = settings_.layout.inspector_open = true;
    tour_.step = 0;
}

void Shell::use_shortcuts() {
    if (ImGui::IsPopupOpen(nullptr, ImGuiPopupFlags_AnyPopup)) // the keys are its own
        return;
    const Shortcut pressed = pressed_shortcut();
    const Action *action = actions_.holder(pressed);
    if (!action || (ImGui::GetIO().WantTextInput && belongs_to_text(pressed)))
        return;
    if (const std::string why = Actions::refused(*action); why.empty())
        action->run();
    else
        say(fmt::format("{}: {}", action->title, why));
}

} // namespace moescope
