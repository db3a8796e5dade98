#include "app/views/session_file.h"

#include "app/views/capabilities.h"
#include "app/views/number.h"
#include "app/views/ui.h"
#include "profiler/base/assets.h"
#include "profiler/base/units.h"
#include "profiler/session/collected.h"
#include "profiler/session/record_names.h"
#include "profiler/workload/cost.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <imgui_stdlib.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <unistd.h>

namespace moescope {

namespace {

class SessionPage {
  public:
    SessionPage(ViewContext &context, SessionFileState &state, const SessionFileActions &actions)
        : context_(context), theme_(context.theme), session_(*context.session), state_(state),
          actions_(actions) {}

    void draw();

  private:
    float px(float at_1x) const { return std::round(at_1x * context_.scale); }
    void section(const char *title, const char *explanation);
    void row(const char *label, const std::string &value, const char *explanation,
             Evidence evidence = Evidence::Reported); // by the driver
    bool path_field(const char *label, const char *hint, std::string &path, const char *button,
                    const FileQuestion &question);
    void draw_head();
    void draw_files();
    void draw_export();
    void draw_outcome();
    void draw_device(const DeviceInfo &device);
    void draw_evidence(RunId run);
    void draw_worker();
    void draw_runs();
    void draw_failures();

    ViewContext &context_;
    const Theme &theme_;
    const Session &session_;
    SessionFileState &state_;
    const SessionFileActions &actions_;
};

void SessionPage::section(const char *title, const char *explanation) {
    ImGui::Dummy({0, px(8)});
    ui::heading(title);
    ui::explain(explanation);
}

void SessionPage::row(const char *label, const std::string &value, const char *explanation, Evidence evidence) {
    ImGui::TableNextRow();
    ImGui::TableNextColumn();
    ui::text(label, theme_.muted);
    ui::explain(theme_, evidence, explanation);
    ImGui::TableNextColumn();
    ui::wrapped(value.empty() ? "–" : value, theme_.text);
    ui::explain(theme_, evidence, explanation);
}

// A label, a text field and a button in one line, and one that asks for the file; true when the path was given.
bool SessionPage::path_field(const char *label, const char *hint, std::string &path,
                             const char *button, const FileQuestion &question) {
    ImGui::PushID(label);
    ImGui::AlignTextToFramePadding();
    ui::text(label, theme_.muted);
    ImGui::SameLine(px(104));
    const float width = px(88), gap = ImGui::GetStyle().ItemInnerSpacing.x;
    const float buttons = (width + gap) * (context_.ask_file ? 2 : 1);
    ImGui::SetNextItemWidth(
        std::max(px(80), std::min(px(560), ImGui::GetContentRegionAvail().x - buttons)));
    bool given =
        ImGui::InputTextWithHint("##path", hint, &path, ImGuiInputTextFlags_EnterReturnsTrue);
    ImGui::SameLine(0, gap);
    ImGui::BeginDisabled(state_.busy);
    given = ImGui::Button(button, {width, 0}) || given;
    if (context_.ask_file) {
        ImGui::SameLine(0, gap);
        if (ImGui::Button("Browse …", {width, 0}))
            context_.ask_file(question, [&path, &chosen = state_.chosen](std::string answer) {
                path = std::move(answer);
                chosen = &path;
            });
        ui::explain("Asks for the file: with the desktop's dialog, or with the built-in one where there is none.");
    }
    ImGui::EndDisabled();
    ImGui::PopID();
    given = given || state_.chosen == &path;
    if (given)
        state_.chosen = nullptr;
    return given && !state_.busy;
}

void SessionPage::draw_head() {
    const bool recorded = session_.origin == Origin::Recorded;
    ui::badge(theme_, recorded ? "Recorded" : "Live", recorded ? theme_.warning : theme_.good);
    ui::explain(recorded ? "Read from a file: these numbers were measured then and there, not on "
                           "this machine now."
                         : "Measured by this window's worker.");
    ImGui::SameLine();
    const bool named = !session_.title.empty() && session_.title != "Session";
    ui::text(named                    ? session_.title
             : session_.path.empty() ? std::string("Not in a file")
                                     : std::filesystem::path(session_.path).filename().string());
    if (recorded && state_.live_there) {
        ImGui::SameLine();
        if (ImGui::SmallButton("Back to live"))
            actions_.show_live();
        ui::explain("Shows what this window's worker measures.");
    }
}

void SessionPage::draw_files() {
    section("File", "A session is one .moescope file: an SQLite database that anybody can query.");
    if (path_field("Open", "/path/to/session.moescope, or drop a file on the window",
                   state_.open_path, "Open", open_question(session_, state_.recent)) &&
        !state_.open_path.empty())
        actions_.open(state_.open_path);
    if (!state_.recent.empty()) {
        ImGui::AlignTextToFramePadding();
        ui::text("Recent", theme_.muted);
        ImGui::SameLine(px(104));
        ImGui::SetNextItemWidth(
            std::max(px(80), std::min(px(560), ImGui::GetContentRegionAvail().x)));
        if (ImGui::BeginCombo("##recent", "Sessions opened before")) {
            for (const std::string &file : state_.recent)
                if (ImGui::Selectable(file.c_str()))
                    actions_.open(file);
            ImGui::EndCombo();
        }
    }
    if (session_.empty())
        return;
    if (path_field("Save as", "name.moescope", state_.save_path, "Save", save_question(session_)) &&
        !state_.save_path.empty())
        actions_.save(state_.save_path);
}

void SessionPage::draw_export() {
    section("Export", "The same session for other programs.");
    ImGui::AlignTextToFramePadding();
    ui::text("Format", theme_.muted);
    ImGui::SameLine(px(104));
    int kind = int(state_.kind);
    constexpr const char *kNames[] = {"Chrome trace", "Report", "CSV", "Telemetry"};
    constexpr const char *kExplain[] = {
        "Trace event JSON for Perfetto and chrome://tracing; compressed when the name ends in .gz.",
        "One HTML page with the plots and tables, which needs nothing else to be read.",
        "A folder of tables: measurements.csv, samples.csv, kernels.csv, counters.csv and the rest.",
        "Autotune telemetry as JSON: kernel, key, every configuration with its fate, the chosen "
        "one, the device."};
    for (int i = 0; i < int(std::size(kNames)); ++i) {
        if (i > 0)
            ui::flow(ImGui::GetFrameHeight() + ImGui::GetStyle().ItemInnerSpacing.x + ui::text_width(kNames[i]),
                     ImGui::GetStyle().ItemSpacing.x);
        if (ImGui::RadioButton(kNames[i], &kind, i))
            state_.export_path.clear();
        ui::explain(kExplain[i]);
    }
    state_.kind = ExportKind(kind);
    const std::string suggestion = suggested_path(session_, state_.kind);
    if (path_field("To", suggestion.c_str(), state_.export_path, "Export", export_question(state_.kind, suggestion)))
        actions_.export_to(state_.kind,
                           state_.export_path.empty() ? suggestion : state_.export_path);
}

void SessionPage::draw_outcome() {
    if (state_.busy) {
        ui::text("Working on the file …", theme_.muted);
    } else if (state_.outcome) {
        ui::wrapped(state_.outcome->sentence, state_.outcome->good ? theme_.good : theme_.failure);
    }
}

void SessionPage::draw_device(const DeviceInfo &device) {
    section("Device", "What the run shown was measured on.");
    if (!ImGui::BeginTable("device", 2,
                           ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_NoSavedSettings))
        return;
    ImGui::TableSetupColumn("label", ImGuiTableColumnFlags_WidthFixed, px(140));
    ImGui::TableSetupColumn("value", ImGuiTableColumnFlags_WidthStretch);
    row("Name",
        fmt::format("{}  ({}{}{})", device.name, device.id, device.arch.empty() ? "" : ", ",
                    device.arch),
        "The device, its name on the command line and its architecture.");
    row("Host", device.host, "The machine that owns the device.");
    if (!device.is_cpu()) {
        row("Driver, CUDA", fmt::format("{}, {}", device.driver, device.runtime),
            "The driver's version and the CUDA run-time's.");
        row("Multiprocessors", fmt::format("{}", device.multiprocessors),
            "Streaming multiprocessors of the GPU.");
        row("Clocks",
            fmt::format("SM {} MHz, memory {} MHz", format_count(device.sm_clock_mhz),
                        format_count(device.memory_clock_mhz)),
            "The device's highest clocks.");
        row("L2 cache", format_bytes(double(device.l2_bytes)),
            "Size of the L2 cache, which is flushed before cold repetitions.");
    }
    row("Memory", format_bytes(double(device.memory_bytes)), "The device's memory in all.");
    if (device.ceilings.bytes_per_second > 0)
        row("Ceilings",
            fmt::format("{} ({}), {} ({})", format_bandwidth(device.ceilings.bytes_per_second),
                        ceiling_origin(device.ceilings.bytes_measured),
                        format_flops(device.ceilings.flops_per_second),
                        ceiling_origin(device.ceilings.flops_measured)),
            "The fastest the device moves memory and multiplies matrices: what floors are computed "
            "from. Measured by kernels that do nothing else; derived from its clocks and widths.",
            device.ceilings.bytes_measured && device.ceilings.flops_measured ? Evidence::Measured : Evidence::Modelled);
    if (device.ceilings.launch_ns > 0)
        row("Launch",
            fmt::format("{} ({})", format_duration_ns(device.ceilings.launch_ns),
                        ceiling_origin(device.ceilings.launch_measured_ns > 0)),
            (launch_origin(device.ceilings) + " No floor is less.").c_str(),
            device.ceilings.launch_measured_ns > 0 ? Evidence::Measured : Evidence::Modelled);
    ImGui::EndTable();
}

void SessionPage::draw_evidence(RunId run) {
    const DeviceInfo &device = session_.runs[run.value].device;
    if (device.capabilities.empty())
        return;
    section("Capabilities", "What could be collected on that machine when the run was made, and what kept it from "
                            "more.");
    for (const std::string &step : steps_down(session_, run))
        ui::wrapped("Stepped down: " + step, theme_.warning);
    draw_capabilities(context_, device);
}

void SessionPage::draw_worker() {
    for (const DeviceInfo &device : context_.progress.devices) {
        section(fmt::format("The next run: {} · {}", device.id, device.name).c_str(),
                "A device of the worker that carries out the next run, and what it may collect there.");
        draw_capabilities(context_, device);
    }
}

void SessionPage::draw_runs() {
    section("Runs", "Every plan this session carried out. Click one to show it in all views.");
    const ImGuiTableFlags flags = ImGuiTableFlags_SizingFixedFit | ImGuiTableFlags_BordersInnerH |
                                  ImGuiTableFlags_NoSavedSettings;
    if (!ImGui::BeginTable("runs", 5, flags))
        return;
    ImGui::TableSetupColumn("Run", ImGuiTableColumnFlags_WidthFixed, px(44));
    ImGui::TableSetupColumn("Model", ImGuiTableColumnFlags_WidthStretch);
    ImGui::TableSetupColumn("Tokens", ImGuiTableColumnFlags_WidthFixed, px(72));
    ImGui::TableSetupColumn("Started", ImGuiTableColumnFlags_WidthFixed, px(124));
    ImGui::TableSetupColumn("State", ImGuiTableColumnFlags_WidthFixed, px(88));
    {
        const ui::FontScope small(ui::small_font());
        ImGui::TableHeadersRow();
    }
    for (std::size_t i = session_.runs.size(); i-- > 0;) {
        const RunRecord &run = session_.runs[i];
        ImGui::TableNextRow();
        ImGui::TableNextColumn();
        const RunId id{std::uint32_t(i)};
        if (ImGui::Selectable(fmt::format("{}", i + 1).c_str(), id == context_.run,
                              ImGuiSelectableFlags_SpanAllColumns))
            actions_.show_run(id);
        const std::string words = fmt::format(
            "{} on {}: {} measurements planned{}.", run.plan.workload.model.name, run.device.name,
            run.plan.items.size(),
            run.dropped_records > 0 ? fmt::format(", {} records dropped by CUPTI",
                                                  format_count(double(run.dropped_records)))
                                    : std::string(", nothing dropped"));
        if (!ui::column_hovered(2)) // the tokens have words of their own
            ui::explain(words);
        ImGui::TableNextColumn();
        ui::text(run.plan.workload.model.name);
        ImGui::TableNextColumn();
        ui::number(theme_, {format_count(double(run.plan.workload.tokens)), Evidence::Reported,
                            "Tokens of the run's batch.\n" + words});
        ImGui::TableNextColumn();
        ui::text(date_text(run.started_ns), theme_.muted);
        ImGui::TableNextColumn();
        // Of a file: its run ended with its worker, or goes on in another program.
        const bool cut_off =
            run.state == RunRecord::State::Running && session_.origin == Origin::Recorded;
        ui::text(cut_off ? "not finished" : name_of(run.state),
                 run.state == RunRecord::State::Failed ? theme_.failure : theme_.muted);
        if (cut_off)
            ui::explain("The file ends before the run did: it was stopped, or another program is "
                        "still writing it. What was measured is all there.");
    }
    ImGui::EndTable();
}

void SessionPage::draw_failures() {
    if (session_.failures.empty())
        return;
    section("Failures", "Everything that went wrong while this session was made.");
    for (const Failure &failure : session_.failures) {
        ui::wrapped(fmt::format("{}: {}", failure.where, failure.error.what), theme_.failure);
        if (!failure.error.why.empty())
            ui::wrapped(failure.error.why +
                            (failure.error.remedy.empty() ? "" : ". " + failure.error.remedy),
                        theme_.muted);
    }
}

void SessionPage::draw() {
    ImGui::BeginChild("page");
    draw_head();
    draw_files();
    if (!session_.empty())
        draw_export();
    draw_outcome();
    if (session_.empty()) {
        ImGui::Dummy({0, px(8)});
        if (ui::empty_state(theme_, "This session is empty",
                            "Its device, runs and failures are shown here once something was "
                            "measured, or a recorded "
                            "session is opened.",
                            "Run"))
            context_.run_plan();
    } else {
        const std::size_t run =
            context_.run.valid() ? context_.run.value : session_.runs.size() - 1;
        draw_device(session_.runs[run].device);
        draw_evidence({std::uint32_t(run)});
        draw_runs();
        draw_failures();
    }
    draw_worker();
    ImGui::EndChild();
}

// The user's documents, or home where there is no such folder.
std::filesystem::path own_folder() {
    const char *home = std::getenv("HOME");
    if (!home || !*home)
        return {};
    const std::filesystem::path documents = std::filesystem::path(home) / "Documents";
    std::error_code problem;
    return std::filesystem::is_directory(documents, problem) ? documents : documents.parent_path();
}

// Beside the session's file, else in the working folder; among the user's own files where that folder is the
// program's or cannot be written.
std::filesystem::path place_beside(const Session &session) {
    const std::filesystem::path file = session.path.empty() ? "session.moescope" : session.path;
    const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
    const bool closed = access(folder.c_str(), W_OK) != 0 && errno != ENOENT;
    return closed || ships_with_program(file) ? own_folder() / file.filename() : file;
}

} // namespace

std::string origin_text(const Session &session) {
    const char *origin = session.origin == Origin::Recorded ? "Recorded" : "Live";
    if (session.empty())
        return origin;
    const DeviceInfo &device = session.runs.back().device;
    return fmt::format("{} on {}{}{}", origin, device.name, device.host.empty() ? "" : ", ", device.host);
}

std::string date_text(std::int64_t unix_ns) {
    if (unix_ns == 0)
        return {};
    const std::time_t seconds = unix_ns / 1'000'000'000;
    std::tm local{};
    localtime_r(&seconds, &local);
    return fmt::format("{:%Y-%m-%d %H:%M}", local);
}

bool ships_with_program(const std::filesystem::path &file) {
    std::error_code problem;
    return std::filesystem::equivalent(std::filesystem::absolute(file, problem).parent_path(), find_asset("sessions"), problem);
}

std::string suggested_path(const Session &session, ExportKind kind) {
    const std::string base = place_beside(session).replace_extension().string();
    switch (kind) {
    case ExportKind::ChromeTrace:
        return base + ".trace.json";
    case ExportKind::Report:
        return base + ".html";
    case ExportKind::Csv:
        return base + ".csv";
    case ExportKind::Telemetry:
        break;
    }
    return base + ".telemetry.json";
}

FileQuestion open_question(const Session &session, const std::vector<std::string> &recent) {
    const std::filesystem::path near =
        !session.path.empty() ? session.path : recent.empty() ? std::string() : recent.front();
    return {.kind = FileQuestion::Kind::Open,
            .title = "Open a session",
            .start = near.parent_path(),
            .what = "Sessions",
            .suffixes = {".moescope"}};
}

FileQuestion save_question(const Session &session) {
    return {.kind = FileQuestion::Kind::Save,
            .title = "Save the session",
            .start = place_beside(session),
            .what = "Sessions",
            .suffixes = {".moescope"}};
}

FileQuestion export_question(ExportKind kind, const std::string &suggestion) {
    switch (kind) {
    case ExportKind::ChromeTrace:
        return {.kind = FileQuestion::Kind::Save,
                .title = "Export a Chrome trace",
                .start = suggestion,
                .what = "Traces",
                .suffixes = {".json", ".json.gz"}};
    case ExportKind::Report:
        return {.kind = FileQuestion::Kind::Save,
                .title = "Export a report",
                .start = suggestion,
                .what = "Web pages",
                .suffixes = {".html"}};
    case ExportKind::Csv:
        return {.kind = FileQuestion::Kind::Save, .title = "Export tables into a folder", .start = suggestion};
    case ExportKind::Telemetry:
        break;
    }
    return {.kind = FileQuestion::Kind::Save,
            .title = "Export telemetry",
            .start = suggestion,
            .what = "JSON",
            .suffixes = {".json"}};
}

void draw_session_file(ViewContext &context, SessionFileState &state,
                       const SessionFileActions &actions) {
    SessionPage(context, state, actions).draw();
}

} // namespace moescope
