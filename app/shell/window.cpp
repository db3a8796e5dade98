#include "app/shell/window.h"

#include "app/shell/fonts.h"
#include "app/shell/gl_window.h"
#include "app/shell/own_sessions.h"
#include "app/shell/shell.h"
#include "app/shell/ui_map.h"

#include <fmt/format.h>
#include <imgui_internal.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <optional>
#include <system_error>

namespace moescope {

namespace {

// ImGui settles within a few frames of an input: sizes are measured one frame late.
constexpr int kSettlingFrames = 4;
// Hovers appear a moment after the mouse lies still, when nothing happens any more.
constexpr std::chrono::milliseconds kHovers{600};
constexpr double kHoverStep = 0.1; // seconds between the frames that wait for them
constexpr std::size_t kKeptAutosaves = 20; // live sessions of this window and earlier ones
constexpr double kShootingInterval = 0.016; // seconds between the frames before a screenshot
constexpr double kKeepSettingsEvery = 5;    // seconds
constexpr double kLongestSleep = 0.5;       // seconds until a request to leave is noticed

// Ctrl-C and SIGTERM close the window as its own button does: the session and the settings are
// kept.
volatile std::sig_atomic_t g_asked_to_leave = 0;

void leave_when_asked() {
    for (const int signal : {SIGINT, SIGTERM})
        std::signal(signal, [](int) { g_asked_to_leave = 1; });
}

Status check(const WindowOptions &options) {
    if (!options.view.empty() && !find_view(options.view).ok())
        return find_view(options.view).error();
    if (const Status status = check_theme(options.theme); !options.theme.empty() && !status.ok())
        return Error{fmt::format("--theme is {}", options.theme), status.error().remedy, ""};
    if (options.scale != 0 && !(options.scale >= 0.5f && options.scale <= 4.0f))
        return Error{fmt::format("--scale is {}", options.scale), "it must be 0.5 to 4", ""};
    for (const int pixels : {options.width, options.height})
        if (pixels != 0 && (pixels < 320 || pixels > 16384))
            return Error{fmt::format("--size is {}x{}", options.width, options.height),
                         "each side must be 320 to 16384 pixels", ""};
    if (options.frames < 1 || options.frames > 100000)
        return Error{fmt::format("--frames is {}", options.frames), "it must be 1 to 100000", ""};
    return {};
}

Settings starting_settings(const WindowOptions &options, std::vector<Error> &problems) {
    Settings settings;
    if (options.screenshot.empty()) {
        auto loaded = load_settings(settings_path());
        if (loaded.ok())
            settings = std::move(loaded.value());
        else
            problems.push_back(loaded.error());
        std::error_code problem;
        if (!std::filesystem::exists(settings_path(), problem))
            settings.theme = kSystemTheme; // nobody has chosen yet
    }
    if (!options.theme.empty())
        settings.theme = options.theme;
    if (!options.view.empty())
        settings.first_view = options.view;
    return settings;
}

class Window {
  public:
    Window(const WindowOptions &options, std::unique_ptr<GlWindow> gl, Settings settings)
        : options_(options), gl_(std::move(gl)), shell_({.settings = std::move(settings),
                                                         .wake = GlWindow::wake,
                                                         .autosave = next_own_session(own_sessions_folder(), kKeptAutosaves)}) {
        gl_->on_drop = [this](std::vector<std::string> paths) {
            shell_.open_dropped(paths);
        };
        gl_->on_focus = [this] { shell_.look_at_system(); };
    }

    Shell &shell() { return shell_; }
    Status run();

  private:
    void follow_scale();
    void draw(bool show);
    bool screenshot_due() const {
        return !options_.screenshot.empty() && drawn_ >= options_.frames && acted_at_ >= 0 &&
               drawn_ >= acted_at_ + options_.frames / 2 && !shell_.busy_with_file();
    }
    Status act();
    void keep_settings();

    const WindowOptions &options_;
    std::unique_ptr<GlWindow> gl_;
    Shell shell_; // after gl_: its threads stop before GLFW does
    std::unique_ptr<UiMap> map_ = UiMap::if_asked_for();
    FontFiles fonts_ = find_fonts();
    float scale_ = 0;
    int drawn_ = 0, acted_at_ = -1; // frames
    Settings kept_ = shell_.settings(); // as the file has them
    double kept_at_ = 0;
};

// A window that is killed forgets its last seconds only. A file that cannot be written is told at the
// window's end.
void Window::keep_settings() {
    const double now = ImGui::GetTime();
    if (!options_.screenshot.empty() || now < kept_at_ + kKeepSettingsEvery)
        return;
    kept_at_ = now;
    if (const Settings &settings = shell_.settings(); !(settings == kept_) && save_settings(settings, settings_path()).ok())
        kept_ = settings;
}

void Window::follow_scale() {
    const float monitor = options_.scale > 0 ? options_.scale : gl_->content_scale();
    const float scale = std::clamp(monitor * shell_.zoom(), 0.5f, 4.0f);
    if (scale == scale_)
        return;
    scale_ = scale;
    shell_.use_scale(scale, fonts_);
    gl_->upload_fonts();
}

// What the command line asks for, once its files are there.
Status Window::act() {
    if (acted_at_ >= 0 || drawn_ < kSettlingFrames || shell_.busy_with_file())
        return {};
    const std::size_t runs = shell_.shown()->runs.size(); // none: the file could not be read, and the window says why
    if (runs > 0 && std::size_t(options_.run) > runs)
        return Error{fmt::format("--run is {}", options_.run),
                     fmt::format("{} has {} run{}, counted from 1", options_.files.front().string(), runs, runs == 1 ? "" : "s"),
                     ""};
    if (options_.run > 0)
        shell_.choose_run(RunId{std::uint32_t(options_.run - 1)});
    for (const std::string &action : options_.actions)
        shell_.actions().run(action);
    acted_at_ = drawn_;
    return {};
}

void Window::draw(bool show) {
    follow_scale();
    const bool saving = shell_.plot_saver().due(); // then the frame is read back, and not shown
    std::optional<PlainShapes> plain;
    if (saving)
        plain.emplace();
    std::optional<ImVec2> pointer;
    if (options_.point && !options_.screenshot.empty())
        pointer = ImVec2(float(options_.point->first), float(options_.point->second));
    gl_->begin_frame(pointer);
    if (map_)
        map_->begin_frame();
    int width = 0, height = 0;
    gl_->framebuffer_size(width, height);
    shell_.draw(float(width), float(height));
    if (const float scale = gl_->content_scale(); options_.width == 0)
        shell_.remember_size(int(std::lround(float(width) / scale)), int(std::lround(float(height) / scale)));
    gl_->end_frame(&shell_.theme().background.x, show && !saving);
    if (map_)
        map_->end_frame();
    if (saving)
        shell_.save_plot(*ImGui::GetDrawData(), fonts_);
    ++drawn_;
    keep_settings();
}

// Draws while something happens and a few frames longer, then sleeps: a window that shows nothing
// new costs nothing.
Status Window::run() {
    using Clock = std::chrono::steady_clock;
    int owed = kSettlingFrames; // frames to draw before sleeping
    auto happened = Clock::now();
    while (!gl_->should_close() && !shell_.wants_to_close() && !g_asked_to_leave) {
        const bool shooting = !options_.screenshot.empty();
        const bool hovers_due = Clock::now() - happened < kHovers;
        const double wanted = shooting ? kShootingInterval : std::min(shell_.may_sleep(), hovers_due ? kHoverStep : 3600);
        if (gl_->wait(owed > 0 && !shooting ? 0 : std::min(wanted, kLongestSleep))) {
            owed = kSettlingFrames;
            happened = Clock::now();
        } else if (owed <= 0 && wanted <= kLongestSleep)
            owed = 1;
        if (owed <= 0)
            continue;
        --owed;
        if (const Status status = act(); !status.ok())
            return status;
        const bool last = screenshot_due();
        draw(/*show=*/!last);
        // Of fast typing ImGui takes one key a frame and keeps the rest, for which no event will come.
        if (ImGui::GetCurrentContext()->InputEventsQueue.Size > 0)
            owed = kSettlingFrames;
        if (last)
            return write_png(gl_->read_pixels(), options_.screenshot);
    }
    return {};
}

std::string ids_of(const Actions &actions) {
    std::string ids;
    for (const Action &action : actions.all())
        ids += (ids.empty() ? "" : ", ") + action.id;
    return ids;
}

} // namespace

Status open_window(const WindowOptions &options) {
    if (const Status status = check(options); !status.ok())
        return status;
    std::vector<Error> problems;
    Settings settings = starting_settings(options, problems);
    for (std::size_t i = options.files.size(); i-- > 1;)
        remember(settings.recent, options.files[i].string()); // the first one is shown
    const bool exact = options.width > 0 && options.height > 0;
    auto gl = GlWindow::create({.width = exact ? options.width : settings.width,
                                .height = exact ? options.height : settings.height,
                                .exact = exact});
    if (!gl.ok())
        return gl.error();
    Window window(options, std::move(gl.value()), std::move(settings));
    for (const std::string &action : options.actions)
        if (!window.shell().actions().find(action))
            return Error{fmt::format("--do is \"{}\"", action), "the window has no such command",
                         fmt::format("they are {}", ids_of(window.shell().actions()))};
    for (Error &problem : problems)
        window.shell().add_problem(std::move(problem));
    window.shell().start_worker(options.remote);
    window.shell().open_dropped({options.files.begin(), options.files.end()}, /*show_comparison=*/options.view.empty());
    if (options.screenshot.empty())
        window.shell().welcome();
    leave_when_asked();
    Status status = window.run();
    if (status.ok() && options.screenshot.empty())
        if (const Status saved = save_settings(window.shell().settings(), settings_path());
            !saved.ok())
            fmt::print(stderr, "moescope: {}\n", saved.error().sentence());
    return status;
}

int run_window(const WindowOptions &options) {
    if (const Status wrong = check(options); !wrong.ok()) {
        fmt::print(stderr, "moescope: {}\n", wrong.error().sentence());
        return 2;
    }
    if (const Status status = open_window(options); !status.ok()) {
        fmt::print(stderr, "moescope: {}\n", status.error().sentence());
        return status.error().what.starts_with("--") ? 2 : 1; // an option's value, or what happened later
    }
    return 0;
}

} // namespace moescope
