// The window's content, independent of GLFW and OpenGL: one ImGui frame at a time. The real window
// and the pictures drawn without a display are the same code.
#pragma once

#include "app/shell/actions.h"
#include "app/shell/background_task.h"
#include "app/shell/file_dialog.h"
#include "app/shell/fonts.h"
#include "app/shell/history.h"
#include "app/shell/hosts.h"
#include "app/shell/layout.h"
#include "app/shell/palette.h"
#include "app/shell/plot_saver.h"
#include "app/shell/recent.h"
#include "app/shell/settings.h"
#include "app/shell/shortcut_editor.h"
#include "app/shell/start_page.h"
#include "app/shell/system_look.h"
#include "app/shell/tour.h"
#include "app/shell/view_list.h"
#include "app/shell/view_tabs.h"
#include "app/views/autotune.h"
#include "app/views/compare.h"
#include "app/views/crossover.h"
#include "app/views/dispatch.h"
#include "app/views/inspector.h"
#include "app/views/lessons.h"
#include "app/views/memory.h"
#include "app/views/ranks.h"
#include "app/views/overview.h"
#include "app/views/roofline.h"
#include "app/views/routing.h"
#include "app/views/session_file.h"
#include "app/views/source.h"
#include "app/views/status.h"
#include "app/views/sweep.h"
#include "app/views/timeline.h"
#include "app/views/view_context.h"
#include "app/views/workload_choice.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace moescope {

// The theme of that name in the assets folder ("dark"); a broken file gives the built-in one and a
// problem.
Theme theme_or_built_in(const std::string &name, std::vector<Error> &problems);
// Fails unless it is one of the shipped themes or "system", and says which there are.
Status check_theme(const std::string &name);

class Shell {
  public:
    struct Options {
        Settings settings;
        std::function<void()> wake; // called from other threads when there is something new to draw
        std::filesystem::path autosave;
    };
    explicit Shell(Options options);
    ~Shell();

    // Starts a worker: "" on this machine, else through ssh. A failure becomes a problem to read.
    void start_worker(const std::string &remote);
    void open(const std::filesystem::path &file); // in the background
    // Where the comparison is in sight a file that is dropped becomes its second session; of two, the
    // second one always, and the comparison is brought into sight.
    void open_dropped(const std::vector<std::string> &files, bool show_comparison = true);
    void compare_with(SessionPtr session); // the second session of the comparison
    void choose_crossover(MapChoice choice) { crossover_.wanted = std::move(choice); }
    void show_recorded(SessionPtr session);       // a session that is there already
    void add_problem(Error error) { status_.problems.push_back(std::move(error)); }
    PlotSaver &plot_saver() { return plot_saver_; }
    // A frame that plot_saver() was due.
    void save_plot(const ImDrawData &frame, const FontFiles &fonts);
    bool busy_with_file() const {
        return opening_.busy() || opening_other_.busy() || writing_.busy();
    }

    bool preparing() const { return timeline_.index.busy(); } // in the background, of what is shown
    SessionPtr shown() const { return frame_session_; }        // in the last frame

    // Shows the tour where nobody has seen or left it yet.
    void welcome();
    void set_theme(const std::string &name); // "system": as the desktop has it, now and when it changes
    void look_at_system(); // asks the desktop again where its theme is followed
    const Theme &theme() const { return theme_; }
    // Sizes, fonts and spacing for a scale: at the start, and when the window comes to a monitor of another one.
    // Builds the atlas anew; whoever draws it uploads it then.
    void use_scale(float scale, const FontFiles &fonts);
    float scale() const { return scale_; }
    // What the user multiplies the monitor's scale by; the caller follows it before each frame.
    float zoom() const { return settings_.zoom; }
    // One view in the middle; alone: without the workload and the inspector beside it.
    void show_only(ViewId view, bool alone);
    void show(ViewId view);
    void select(Selection selection) { selection_ = std::move(selection); }
    void select_nothing() { offers_selection_ = false; } // of itself, either
    void choose_run(RunId run); // not valid: the one that shows most

    // Submits the whole window of this size in pixels: between ImGui::NewFrame and ImGui::Render.
    void draw(float width, float height);
    // Where the panes were in the last frame.
    const Layout &layout() const { return layout_; }
    const Actions &actions() const { return actions_; }
    bool shows(ViewId view) const { return view == first_ || (layout_.split() && view == second_); }
    bool wants_to_close() const { return wants_to_close_; }
    // How long the window may sleep without missing something of its own, seconds.
    double may_sleep() const;
    // The window's size, pixels at 1x, as it is to come back.
    void remember_size(int width, int height);
    const WorkloadState &workload() const { return workload_; }
    const TourState &tour() const { return tour_; }
    // What to remember.
    const Settings &settings();

  private:
    static constexpr const char *kPaletteAction = "help.palette";
    static constexpr const char *kNoWorker = "There is no worker to do it: the problems at the bottom right say why.";

    SessionPtr shown_session() const;
    void show_shipped(SessionPtr session);
    void poll_files();
    void poll_system_look();
    void open_shipped_session();
    std::string session_to_begin_with() const;
    RunId shown_run(const Session &session) const;
    void forget_selection();
    ViewContext context();
    void run(Plan plan, bool replace);
    void run_wanted();
    void open_other(const std::string &file);
    Result<std::vector<SweepPlan>> sweep_plans(const std::vector<SweepAxis> &axes) const;
    void run_sweep(const std::vector<SweepPlan> &plans);
    void measure_ceilings(const std::string &device);
    std::function<std::uint64_t(SourceRequest)> source_asker(); // empty without a worker
    SweepActions sweep_actions();
    LessonActions lesson_actions();
    bool runs_on_cpu() const;
    void show_neighbour(int step);
    void say(std::string sentence); // in the status line, for a while
    void tune(const Workload &workload, std::vector<PlanItem> items);
    TuneTarget tune_target() const;
    std::function<void()> recording_of(ViewId view); // empty where none is shipped
    void open_recording(ViewId view);
    void note_own_sessions();
    void draw_open_failure();
    void run_shown(std::vector<PlanItem> items);
    void run_checked(Plan plan);
    const Workload &shown_workload() const;
    std::filesystem::path plot_folder() const;
    void keep_selection_useful();
    void keep_views_apart();
    void save(const std::string &path);
    void export_to(ExportKind kind, const std::string &path);

    void restore_workload();
    void remember_workload();
    void follow_workload();
    void step_in_history(bool back);
    void workload_changed();

    // shell_actions.cpp
    void add_actions();
    void add_file_actions();
    void add_export_actions();
    void add_edit_actions();
    void add_run_actions();
    void add_view_actions();
    void add_window_actions();
    void add_timeline_actions(); // shell_timeline_actions.cpp
    void follow_timeline_keys();
    void add_zoom_actions();
    bool begin_help(const char *name, bool &opening); // a popup in the middle; ImGui::EndPopup() where it is open
    void draw_marks_help();
    void draw_about();
    void add_help_actions();
    void use_shortcuts();
    void switch_live();
    void start_tour();
    std::string why_not_run() const;
    std::string why_not_tune() const;

    // shell_menu.cpp
    void draw_menu_bar();
    void draw_menu(const std::string &group);
    void draw_menu_item(const Action &action);
    void draw_recent_menu();
    void draw_palette_button();

    // shell_palette.cpp
    std::vector<PaletteEntry> palette_entries();
    const std::vector<RecentFile> &recent();
    void summarise(std::vector<RecentFile> &files);
    bool draw_start();
    void draw_start_popup();
    std::string tip() const;
    void choose_operator(OperatorId op);

    // shell_hosts.cpp
    void connect_host(const std::string &name);
    void use_host(std::size_t index);
    void use_device(std::size_t host, const std::string &device);
    void close_host(std::size_t index);
    void compare_host(std::size_t index);
    CompareActions compare_actions();
    void follow_hosts();
    std::vector<HostDevices> devices_by_host() const;
    void draw_hosts_popup();

    // shell_panes.cpp
    void draw_banner(ViewContext &context);
    void draw_workload_pane(ViewContext &context);
    void draw_inspector_pane(ViewContext &context);
    void draw_status_pane(ViewContext &context);
    void draw_view_pane(ViewContext &context, const char *name, const Rect &rect, ViewId &shown,
                        ViewId &other);
    void draw_run_choice(const ViewContext &context);
    void draw_view(ViewContext &context, ViewId view);
    void draw_splitters();

    std::function<void()> wake_;
    Settings settings_;
    std::filesystem::path autosave_;
    Actions actions_;
    PaletteState palette_;
    bool opening_marks_ = false, opening_about_ = false;
    ShortcutEditorState shortcut_editor_;
    Guidance guidance_;
    TourState tour_;
    std::size_t tip_ = 0;
    bool start_opening_ = false;
    StartPage start_page_; // as looked up at start_page_at_
    double start_page_at_ = -1;
    struct Summary {
        std::int64_t changed = 0; // the file, when it was read
        std::string text;
    };
    std::map<std::string, Summary> summaries_; // of session files, by path
    BackgroundTask<std::map<std::string, Summary>> summarising_;
    History<WorkloadChoice> history_;
    bool wants_to_close_ = false;
    Theme theme_;
    float scale_ = 1;
    Layout layout_;

    Hosts hosts_;
    std::size_t host_ = 0;              // the one that is used
    std::string wanted_host_;           // to be used as soon as it can be; "": none
    WorkerClient *client_ = nullptr;    // its worker's; null: it has none
    WorkerClient *compared_ = nullptr;  // whose session is the comparison's second one
    std::vector<HostRow> frame_hosts_;  // as this frame sees them
    HostsState hosts_state_;
    SessionPtr nothing_; // what is shown before there is anything
    const std::vector<std::string> shipped_ = shipped_sessions();
    std::set<std::string> noted_;      // own sessions that are among the recent ones
    std::optional<Error> open_failure_; // of the file that was to be opened last, until it is read
    bool looked_for_shipped_ = false;
    bool opening_shipped_ = false; // what is being opened came up by itself
    std::string opening_name_;     // of the file
    SessionPtr recorded_; // the opened file
    bool show_recorded_ = false;
    RunId chosen_run_; // not valid: the latest of a live session, the first finished of a recorded
                       // one
    Selection selection_;
    MeasurementId offered_;    // selected by the window itself
    bool offers_selection_ = true;
    SessionPtr frame_session_; // the session all panes of one frame see
    WorkerClient::Progress frame_progress_;

    ViewId first_ = ViewId::Overview, second_ = ViewId::Timeline;
    LastOfGroup last_of_group_ = first_of_groups();
    WorkloadState workload_;
    bool workload_remembered_ = false; // from an earlier time, not what this window began with
    OverviewState overview_;
    DispatchState dispatch_;
    AutotuneState autotune_;
    RoutingState routing_;
    TimelineState timeline_;
    SessionFileState session_file_;
    RooflineState roofline_;
    MemoryState memory_;
    RanksState ranks_;
    CompareState compare_;
    SweepState sweep_;
    InspectorState inspector_;
    SourceState source_;
    CrossoverState crossover_;
    LessonsState lessons_;
    PlotSaver plot_saver_;
    StatusState status_;

    struct Written {
        Status status;
        std::string done; // the sentence to show when it worked
    };
    BackgroundTask<Result<Session>> opening_, opening_other_;
    // Looked up where the file is read, so that no view has to in its first frame.
    std::shared_ptr<KernelsByMeasurement> opened_kernels_;
    BackgroundTask<Written> writing_;
    SystemLook system_look_;
    BackgroundTask<SystemLook> looking_;
    FileDialog file_dialog_{wake_};
};

} // namespace moescope
