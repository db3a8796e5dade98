#include "app/shell/shell.h"

#include "app/report/report_process.h"
#include "app/shell/own_sessions.h"
#include "app/views/number.h"
#include "profiler/base/assets.h"
#include "profiler/base/units.h"
#include "profiler/export/exporters.h"
#include "profiler/import/kineto.h"
#include "profiler/model/catalogue.h"
#include "profiler/session/session_file.h"
#include "profiler/session/session_glance.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <system_error>

namespace moescope {

namespace {

constexpr double kNoticeSeconds = 6; // long enough to be read
constexpr double kCountdownStep = 0.25; // seconds between the frames of one

// What the hovers of measured numbers add while a recording is shown.
std::string recorded_words(const Session &session, RunId shown) {
    if (session.origin != Origin::Recorded || !shown.valid())
        return {};
    const RunRecord &run = session.runs[shown.value];
    return fmt::format("recorded on {}, {}", run.device.name, date_text(run.started_ns));
}

} // namespace

Theme theme_or_built_in(const std::string &name, std::vector<Error> &problems) {
    // The name comes from a settings file: only a plain name may become part of a path.
    const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '-' || c == '_';
    });
    auto theme = plain ? load_theme(find_asset("themes/" + name + ".json"))
                       : Result<Theme>(Error{fmt::format("theme \"{}\"", name),
                                             "it is not a theme's name", "choose one under Theme"});
    if (theme.ok())
        return theme.value();
    problems.push_back(theme.error());
    return built_in_theme(name != "light");
}

Status check_theme(const std::string &name) {
    std::vector<std::string> keys;
    for (const ThemeChoice &choice : themes_in(find_asset("themes")))
        keys.push_back(choice.key);
    keys.emplace_back(kSystemTheme);
    if (std::ranges::find(keys, name) != keys.end())
        return {};
    return Error{fmt::format("theme \"{}\"", name), "there is no such theme",
                 fmt::format("choose one of {}", fmt::join(keys, ", "))};
}

Shell::Shell(Options options)
    : wake_(std::move(options.wake)), settings_(std::move(options.settings)),
      autosave_(std::move(options.autosave)), hosts_(wake_, autosave_), nothing_(std::make_shared<Session>()) {
    const bool follow = settings_.theme == kSystemTheme;
    theme_ = theme_or_built_in(follow ? theme_for(system_look_) : settings_.theme, status_.problems);
    look_at_system();
    first_ = find_view(settings_.first_view).ok() ? find_view(settings_.first_view).value()
                                                  : ViewId::Overview;
    second_ = find_view(settings_.second_view).ok() ? find_view(settings_.second_view).value()
                                                    : ViewId::Timeline;
    if (first_ == second_)
        second_ = first_ == ViewId::Timeline ? ViewId::Overview : ViewId::Timeline;
    auto catalogue = load_catalogue(find_asset("models.json"));
    if (catalogue.ok())
        workload_.catalogue = std::move(catalogue.value());
    else
        workload_.catalogue_error = catalogue.error();
    restore_workload();
    if (auto sets = load_metric_sets(find_asset("metrics.json")); sets.ok())
        workload_.counters.sets = std::move(sets.value());
    else
        workload_.counters.sets_error = sets.error();
    session_file_.recent = settings_.recent;
    if (auto guidance = load_guidance(find_asset("guide.json")); guidance.ok())
        guidance_ = std::move(guidance.value());
    else
        status_.problems.push_back(guidance.error());
    add_actions();
    timeline_.all_notes = settings_.timeline_notes;
    lessons_.found.insert(settings_.lessons_found.begin(), settings_.lessons_found.end());
    lessons_.page = settings_.lesson_pages;
    lessons_.open = settings_.lesson;
}

Shell::~Shell() = default;

void Shell::open(const std::filesystem::path &file) {
    if (busy_with_file())
        return;
    opening_shipped_ = false;
    opening_name_ = file.filename().string();
    opened_kernels_ = std::make_shared<KernelsByMeasurement>();
    opening_.start(
        [file, kernels = opened_kernels_] {
            auto session = open_session(file);
            if (session.ok())
                kernels->update(session.value());
            return session;
        },
        wake_);
}

void Shell::open_dropped(const std::vector<std::string> &files, bool show_comparison) {
    const bool comparing = first_ == ViewId::Compare || (layout_.split() && second_ == ViewId::Compare);
    if (files.size() == 1 && comparing && frame_session_ && !frame_session_->empty())
        return open_other(files.front());
    if (!files.empty())
        open(files.front());
    if (files.size() > 1) {
        open_other(files[1]);
        if (show_comparison)
            show(ViewId::Compare);
    }
}

void Shell::open_other(const std::string &file) {
    opening_other_.start([file] { return read_session(file); }, wake_);
}

void Shell::compare_with(SessionPtr session) {
    compare_.other = std::move(session);
    compare_.a.reset();
    compare_.b.reset();
    compare_.problem.reset();
}

void Shell::show_recorded(SessionPtr session) {
    recorded_ = std::move(session);
    show_recorded_ = recorded_ != nullptr;
    chosen_run_ = {};
    forget_selection();
    if (recorded_ && !recorded_->empty())
        take_over(workload_, recorded_->runs[shown_run(*recorded_).value].plan);
}

// A session that came up by itself does not undo what this machine's user had chosen before, and
// offers no batch that its CPU would take hours for.
void Shell::show_shipped(SessionPtr session) {
    const WorkloadState before = workload_;
    show_recorded(std::move(session));
    if (workload_remembered_)
        workload_ = before;
    else {
        workload_.workload.tokens = std::min(workload_.workload.tokens, kCpuTokens);
        workload_.counters.chosen = before.counters.chosen; // which that GPU had
        workload_.sample_counters = before.sample_counters;
        workload_.sample_instructions = before.sample_instructions;
    }
    history_.start_from(choice_of(workload_));
}

void Shell::forget_selection() { selection_ = {}; }

void Shell::set_theme(const std::string &name) {
    settings_.theme = name;
    const bool follow = name == kSystemTheme;
    theme_ = theme_or_built_in(follow ? theme_for(system_look_) : name, status_.problems);
    apply(theme_, scale_);
    look_at_system();
}

void Shell::use_scale(float scale, const FontFiles &fonts) {
    scale_ = scale;
    build_fonts(*ImGui::GetIO().Fonts, fonts, scale);
    apply(theme_, scale);
}

void Shell::look_at_system() {
    if (settings_.theme == kSystemTheme)
        looking_.start([](const std::stop_token &stop) { return ask_system_look(stop); }, wake_);
}

void Shell::poll_system_look() {
    const auto look = looking_.poll();
    if (!look || *look == system_look_)
        return;
    system_look_ = *look;
    if (settings_.theme != kSystemTheme)
        return;
    theme_ = theme_or_built_in(theme_for(system_look_), status_.problems);
    apply(theme_, scale_);
}

void Shell::show(ViewId view) {
    // A view that is open already is left where it is.
    if (shows(view))
        return;
    const bool into_second =
        layout_.split() && first_ != ViewId::Timeline && view == ViewId::Timeline;
    (into_second ? second_ : first_) = view;
}

void Shell::show_only(ViewId view, bool alone) {
    settings_.layout.split = Split::Off;
    if (alone)
        settings_.layout.workload_open = settings_.layout.inspector_open =
            settings_.layout.menu_open = false;
    first_ = view;
}

// Round the views as their tabs stand, past the one that the other pane has.
void Shell::show_neighbour(int step) {
    const std::vector<ViewId> order = views_in_order();
    const std::size_t count = order.size();
    std::size_t at = std::size_t(std::find(order.begin(), order.end(), first_) - order.begin());
    do
        at = (at + count + std::size_t(step)) % count;
    while (layout_.split() && order[at] == second_);
    first_ = order[at];
}

void Shell::welcome() {
    if (!std::exchange(settings_.toured, true))
        actions_.run("help.tour");
}

void Shell::remember_size(int width, int height) {
    settings_.width = width;
    settings_.height = height;
}

void Shell::say(std::string sentence) {
    status_.notice = std::move(sentence);
    status_.notice_until = ImGui::GetTime() + kNoticeSeconds;
}

SessionPtr Shell::shown_session() const {
    if (show_recorded_ && recorded_)
        return recorded_;
    SessionPtr live = client_ ? client_->session() : nullptr;
    return live ? live : nothing_;
}

// On a machine without a GPU, and with nothing else to show, the window opens on its own last session, or
// on one that was recorded on a GPU.
void Shell::open_shipped_session() {
    const bool known = !client_ || !frame_progress_.devices.empty() ||
                       frame_progress_.state == WorkerClient::State::Gone;
    if (looked_for_shipped_ || !known)
        return;
    looked_for_shipped_ = true;
    const auto &devices = frame_progress_.devices;
    const bool gpu = std::any_of(devices.begin(), devices.end(),
                                 [](const DeviceInfo &d) { return !d.is_cpu(); });
    if (gpu || show_recorded_ || opening_.busy() || !frame_session_->empty())
        return;
    const std::string file = session_to_begin_with();
    if (file.empty() || busy_with_file())
        return;
    open(file);
    opening_shipped_ = true;
}

// What was measured here last, where it is there still; else a recording of the workload's model.
std::string Shell::session_to_begin_with() const {
    for (const std::string &file : settings_.recent)
        if (is_own_session(file) && glance_at_session(file).ok())
            return file;
    return recording_for(shipped_, workload_.workload.model.name);
}

// What this window measures is opened again like any other file: from its first result on.
void Shell::note_own_sessions() {
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        const SessionPtr session = hosts_.client(i) ? hosts_.client(i)->session() : nullptr;
        if (!session || session->path.empty() || noted_.contains(session->path))
            continue;
        if (std::ranges::none_of(session->measurements, [](const Measurement &m) { return m.time.samples > 0; }))
            continue;
        noted_.insert(session->path);
        remember(settings_.recent, session->path);
        session_file_.recent = settings_.recent;
        start_page_at_ = -1;
    }
}

void Shell::poll_files() {
    if (auto made = summarising_.poll()) {
        for (auto &[path, summary] : *made)
            summaries_[path] = std::move(summary);
        start_page_at_ = -1;
    }
    if (auto opened = opening_.poll()) {
        if (opened->ok()) {
            Session &session = opened->value();
            session.origin = Origin::Recorded;
            if (!session.path.empty() && !ships_with_program(session.path))
                remember(settings_.recent, session.path);
            session_file_.recent = settings_.recent;
            session_file_.outcome.reset();
            memory_.kernels = dispatch_.kernels = roofline_.kernels = inspector_.kernels = *opened_kernels_;
            auto shared = std::make_shared<const Session>(std::move(session));
            if (opening_shipped_)
                show_shipped(std::move(shared));
            else
                show_recorded(std::move(shared));
        } else {
            session_file_.outcome = {false, opened->error().sentence()};
            status_.problems.push_back(opened->error());
            if (!opening_shipped_) // nobody asked for that one
                open_failure_ = opened->error();
        }
    }
    if (auto opened = opening_other_.poll()) {
        if (opened->ok()) {
            opened->value().origin = Origin::Recorded;
            compared_ = nullptr;
            compare_with(std::make_shared<const Session>(std::move(opened->value())));
        } else
            compare_.problem = opened->error();
    }
    compare_.busy = opening_other_.busy();
    if (auto written = writing_.poll()) {
        const bool good = written->status.ok();
        session_file_.outcome = {good, good ? written->done : written->status.error().sentence()};
        if (good)
            say(written->done); // it may have been asked for from another view
        else
            status_.problems.push_back(written->status.error());
    }
    session_file_.busy = busy_with_file();
}

void Shell::save(const std::string &path) {
    const SessionPtr session = frame_session_;
    writing_.start(
        [session, path] {
            return Written{save_session(*session, path), fmt::format("Saved as {}.", path)};
        },
        wake_);
}

void Shell::export_to(ExportKind kind, const std::string &path) {
    const SessionPtr session = frame_session_;
    const auto work = [session, path, kind](const std::stop_token &stop) {
        Status status = kind == ExportKind::ChromeTrace ? export_chrome_trace(*session, path)
                        : kind == ExportKind::Report    ? write_report_elsewhere(*session, path, stop)
                        : kind == ExportKind::Csv       ? export_csv(*session, path)
                                                        : export_telemetry(*session, path);
        return Written{std::move(status), fmt::format("Exported to {}.", path)};
    };
    writing_.start(work, wake_);
}

RunId Shell::shown_run(const Session &session) const {
    if (chosen_run_.valid() && chosen_run_.value < session.runs.size())
        return chosen_run_;
    if (session.empty())
        return {};
    for (std::size_t i = 0; session.origin == Origin::Recorded && i < session.runs.size(); ++i)
        if (session.runs[i].state == RunRecord::State::Done)
            return RunId{std::uint32_t(i)};
    return RunId{std::uint32_t(session.runs.size() - 1)};
}

void Shell::choose_run(RunId run) {
    if (run != chosen_run_)
        forget_selection();
    chosen_run_ = run;
    if (show_recorded_ && recorded_ && run.valid() && run.value < recorded_->runs.size())
        take_over(workload_, recorded_->runs[run.value].plan);
}

void Shell::run(Plan plan, bool replace) {
    if (!client_) {
        status_.problems.push_back({"nothing was run", "there is no worker to run it",
                                    "see the first problem of this list"});
        return;
    }
    if (show_recorded_)
        forget_selection();
    show_recorded_ = false;
    chosen_run_ = {};
    if (!replace || workload_.live)
        client_->run(std::move(plan), replace);
}

void Shell::run_wanted() {
    auto plan = make_plan(workload_, /*live=*/false);
    if (!plan.ok())
        return status_.problems.push_back(plan.error());
    if (workload_.device != kEveryGpu)
        return run(std::move(plan.value()), /*replace=*/false);
    for (Plan &one : on_every_gpu(plan.value(), frame_progress_.devices))
        run(std::move(one), /*replace=*/false);
}

// What the workload pane would run, at each point.
Result<std::vector<SweepPlan>> Shell::sweep_plans(const std::vector<SweepAxis> &axes) const {
    auto points = expand(workload_.workload, axes);
    if (!points.ok())
        return points.error();
    std::vector<SweepPlan> plans;
    for (SweepPoint &point : points.value()) {
        WorkloadState at = workload_;
        at.workload = point.workload;
        Result<Plan> plan = point.status.ok() ? make_plan(at, /*live=*/false) : point.status.error();
        plans.push_back({std::move(point), std::move(plan)});
    }
    return plans;
}

void Shell::run_sweep(const std::vector<SweepPlan> &plans) {
    for (const SweepPlan &each : plans)
        if (each.plan.ok())
            run(each.plan.value(), /*replace=*/false);
        else
            status_.problems.push_back({each.point.label + ": " + each.plan.error().what, each.plan.error().why,
                                        each.plan.error().remedy});
}

SweepActions Shell::sweep_actions() {
    return {.plans = [this](const std::vector<SweepAxis> &axes) { return sweep_plans(axes); },
            .run = [this](const std::vector<SweepPlan> &plans) { run_sweep(plans); }};
}

LessonActions Shell::lesson_actions() {
    return {.catalogue = workload_.catalogue,
            .workload = workload_.workload,
            .device = workload_.device,
            .on_cpu = runs_on_cpu(),
            .run = [this](Plan plan) { run(std::move(plan), /*replace=*/false); }};
}

bool Shell::runs_on_cpu() const {
    const DeviceInfo *device = chosen_device(frame_progress_.devices, workload_.device);
    return !device || device->is_cpu();
}

void Shell::measure_ceilings(const std::string &device) {
    if (client_)
        client_->measure_ceilings(device);
    else
        status_.problems.push_back({"nothing was measured", "there is no worker to do it",
                                    "see the first problem of this list"});
}

void Shell::tune(const Workload &workload, std::vector<PlanItem> items) {
    Plan plan;
    plan.workload = workload;
    plan.device = plan_device(workload_);
    plan.cache = workload_.cache;
    plan.items = items;
    plan.tune = std::move(items);
    if (const Status status = validate(plan); !status.ok()) {
        status_.problems.push_back(status.error());
        return;
    }
    run(std::move(plan), /*replace=*/false);
    show(ViewId::Autotune);
}

// On the workload of the run that the views show, which need not be the one on the left.
const Workload &Shell::shown_workload() const {
    const RunId run = shown_run(*frame_session_);
    return run.valid() ? frame_session_->runs[run.value].plan.workload : workload_.workload;
}

TuneTarget Shell::tune_target() const {
    const Workload &w = workload_.workload;
    const DeviceInfo *device = chosen_device(frame_progress_.devices, workload_.device);
    TuneTarget target;
    target.words = fmt::format("{}, T {}{}, on {}", w.model.name, format_count(double(w.tokens)),
                               w.lora_rank > 0 ? fmt::format(", R {}", w.lora_rank) : "",
                               device ? device->id : plan_device(workload_));
    if (!client_ || frame_progress_.state == WorkerClient::State::Gone)
        target.refused = kNoWorker;
    else if (device && device->is_cpu())
        target.refused = kNoTilesOnCpu;
    else if (const auto problem = find_problem(w))
        target.refused = problem->error.sentence();
    return target;
}

std::function<void()> Shell::recording_of(ViewId view) {
    if (shipped_.empty())
        return {};
    return [this, view] { open_recording(view); };
}

void Shell::open_recording(ViewId view) {
    const auto fills = [view](const SessionGlance &glance) {
        const bool many = glance.models.size() > 2 && glance.ranks < 2; // runs that differ in a parameter
        return view == ViewId::Autotune                           ? glance.tuned
               : view == ViewId::Ranks                            ? glance.ranks > 1
               : view == ViewId::Sweep || view == ViewId::Crossover ? many
                                                                  : true;
    };
    const std::string file = recording_for(shipped_, workload_.workload.model.name, fills);
    if (file.empty())
        return say("None of the recorded sessions has that.");
    open(file);
    show(view);
}

void Shell::run_shown(std::vector<PlanItem> items) {
    Plan plan;
    plan.workload = shown_workload();
    plan.device = plan_device(workload_);
    plan.cache = workload_.cache;
    plan.items = std::move(items);
    run_checked(std::move(plan));
}

void Shell::run_checked(Plan plan) {
    if (const Status status = validate(plan); !status.ok())
        status_.problems.push_back(status.error());
    else
        run(std::move(plan), /*replace=*/false);
}

ViewContext Shell::context() {
    return {.session = frame_session_,
            .progress = frame_progress_,
            .theme = theme_,
            .scale = scale_,
            .selection = selection_,
            .run = shown_run(*frame_session_),
            .show = [this](ViewId view) { show(view); },
            .run_plan = [this] { run_wanted(); },
            .tune = [this](PlanItem item) { tune(workload_.workload, {std::move(item)}); },
            .copy_text = [](std::string text) { ImGui::SetClipboardText(text.c_str()); },
            .measure_ceilings = [this](const std::string &device) { measure_ceilings(device); },
            .run_items = [this](std::vector<PlanItem> items) { run_shown(std::move(items)); },
            .run_this = [this](Plan plan) { run_checked(std::move(plan)); },
            .ask_source = source_asker(),
            .take_source = [this](std::uint64_t question) {
                return client_ ? client_->take_source(question) : nullptr;
            },
            .ask_file = [this](FileQuestion question, std::function<void(std::string)> then) {
                file_dialog_.ask(std::move(question), std::move(then));
            },
            .hosts = devices_by_host(),
            .use_device = [this](std::size_t host, const std::string &device) { use_device(host, device); },
            .open_hosts = [this] { hosts_state_.wanted = true; },
            .wake = wake_,
            .plots = &plot_saver_.plots,
            .tune_target = tune_target(),
            .recording_of = [this](ViewId view) { return recording_of(view); },
            .on_cpu = runs_on_cpu(),
            .with_keys = [this](std::string_view text) { return with_shortcuts(text, actions_); }};
}

std::function<std::uint64_t(SourceRequest)> Shell::source_asker() {
    if (!client_)
        return {};
    return [this](SourceRequest request) { return client_->ask_source(std::move(request)); };
}

// Something is always selected once there is something to see: where most of the time goes, until
// the user chooses something else.
void Shell::keep_selection_useful() {
    MeasurementId &selected = selection_.measurement;
    if (!offers_selection_)
        return;
    if (selected.valid() && selected != offered_ &&
        selected.value < frame_session_->measurements.size())
        return;
    const auto fastest = fastest_variants(*frame_session_, shown_run(*frame_session_));
    selected = offered_ = fastest.empty() ? MeasurementId{} : fastest.front();
}

// One view cannot be in two panes: its state is one.
void Shell::keep_views_apart() {
    if (!layout_.split() || first_ != second_)
        return;
    second_ = first_ == ViewId::Timeline ? ViewId::Overview : ViewId::Timeline;
}

void Shell::draw(float width, float height) {
    poll_files();
    poll_system_look();
    follow_hosts();
    frame_session_ = shown_session();
    frame_progress_ =
        client_ ? client_->progress() : WorkerClient::Progress{.state = WorkerClient::State::Gone};
    if (!client_ && recorded_ && show_recorded_ && !recorded_->empty())
        frame_progress_.devices = {recorded_->runs[shown_run(*recorded_).value].device};
    open_shipped_session();
    note_own_sessions();
    session_file_.live_there = client_ != nullptr;
    ui::numbers_are_recorded(recorded_words(*frame_session_, shown_run(*frame_session_)));
    selection_.hovered = std::exchange(selection_.next_hovered, {});
    selection_.hovered_expert = std::exchange(selection_.next_hovered_expert, -1);

    follow_timeline_keys();
    use_shortcuts();
    layout_ = lay_out(width, height, scale_, settings_.layout,
                      frame_session_->origin == Origin::Recorded);
    keep_views_apart();
    keep_selection_useful();
    plot_saver_.begin_frame();
    ViewContext shared = context();
    draw_menu_bar();
    draw_banner(shared);
    draw_workload_pane(shared);
    draw_view_pane(shared, "first", layout_.first, first_, second_);
    if (layout_.split())
        draw_view_pane(shared, "second", layout_.second, second_, first_);
    draw_inspector_pane(shared);
    draw_status_pane(shared);
    draw_splitters();
    draw_start_popup();
    draw_shortcut_editor(theme_, scale_, {width, height}, shortcut_editor_, actions_);
    draw_tour(theme_, scale_, {width, height}, tour_, guidance_.tour, actions_);
    follow_workload();
    if (auto question = plot_saver_.question(plot_folder()))
        file_dialog_.ask(std::move(*question), [this](std::string path) { plot_saver_.save_as(std::move(path)); });
    draw_palette(theme_, scale_, {width, height}, palette_, [this] { return palette_entries(); });
    draw_marks_help();
    draw_about();
    file_dialog_.draw(theme_, scale_);
    draw_open_failure();
}

void Shell::save_plot(const ImDrawData &frame, const FontFiles &fonts) {
    if (const Result<std::string> saved = plot_saver_.take(frame, theme_, scale_, fonts))
        say("Saved as " + *saved + ".");
    else
        status_.problems.push_back(saved.error());
}

// Beside the session's file; shipped sessions lie where nobody looks for pictures.
std::filesystem::path Shell::plot_folder() const {
    std::error_code none;
    const std::string &path = frame_session_->path;
    const bool own = !path.empty() && !ships_with_program(path);
    return own ? std::filesystem::absolute(path, none).parent_path() : std::filesystem::current_path(none);
}

double Shell::may_sleep() const {
    if (in_motion(lessons_, ImGui::GetTime()) || plot_saver_.due())
        return 0;
    double until = ImGui::GetTime() + 3600;
    if (workload_.live && workload_.changed_at >= 0)
        until = workload_.changed_at + kLiveDelay;
    if (hosts_.counts_down())
        until = std::min(until, ImGui::GetTime() + kCountdownStep);
    if (!status_.notice.empty())
        until = std::min(until, status_.notice_until);
    return std::max(0.0, until - ImGui::GetTime());
}

const Settings &Shell::settings() {
    settings_.first_view = info(first_).key;
    settings_.second_view = info(second_).key;
    remember_workload();
    settings_.shortcuts = actions_.changed();
    settings_.timeline_notes = timeline_.all_notes;
    settings_.lessons_found.assign(lessons_.found.begin(), lessons_.found.end());
    settings_.lesson_pages = lessons_.page;
    settings_.lesson = lessons_.open;
    return settings_;
}

} // namespace moescope
