#include "app/views/status.h"

#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

constexpr const char *kProblemsPopup = "problems";

void draw_progress_bar(const ViewContext &context, float width) {
    const float height = std::round(6 * context.scale);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float line = ImGui::GetTextLineHeight();
    const float top = std::round(at.y + (line - height) / 2);
    auto *draw = ImGui::GetWindowDrawList();
    draw->AddRectFilled({at.x, top}, {at.x + width, top + height}, packed(context.theme.raised),
                        height / 2);
    const float share = std::clamp(float(context.progress.fraction), 0.0f, 1.0f);
    if (share > 0)
        draw->AddRectFilled({at.x, top}, {at.x + std::max(height, width * share), top + height},
                            packed(context.theme.accent), height / 2);
    ImGui::Dummy({width, line});
    ui::explain(context.progress.fraction < 0
                    ? "How far the run is: not known yet."
                    : fmt::format("{:.0f} % of the current run is done.", double(share) * 100));
}

void draw_worker(const ViewContext &context) {
    const float line = ImGui::GetTextLineHeight(), radius = std::round(4 * context.scale);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    ImGui::GetWindowDrawList()->AddCircleFilled(
        {at.x + radius, at.y + line / 2}, radius,
        packed(state_colour(context.theme, context.progress)));
    ImGui::Dummy({2 * radius, line});
    ImGui::SameLine();
    const bool waits = context.progress.state == WorkerClient::State::Reconnecting;
    std::string label = name_of(context.progress.state);
    for (const HostDevices &host : context.hosts)
        if (host.used && context.hosts.size() > 1)
            label += " · " + host.host;
    ui::text(waits ? label + ", " + waiting_text(context.progress) : label);
    if (context.open_hosts && ImGui::IsItemHovered())
        ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
    if (context.open_hosts && ImGui::IsItemClicked())
        context.open_hosts();
    std::string words =
        "The worker is the program that owns the GPU and runs the kernels. If it dies, its last "
        "words are kept and another one is started. Click for this machine's and other hosts' workers.";
    if (!context.progress.last_words.empty())
        words += "\n\nLast words of the one before:\n" + context.progress.last_words;
    ui::explain(words);
}

void draw_problem(const ViewContext &context, const Error &problem, int index) {
    ImGui::PushID(index);
    ui::wrapped(problem.what, context.theme.failure);
    if (!problem.why.empty())
        ui::wrapped(problem.why, context.theme.text);
    if (!problem.remedy.empty())
        ui::wrapped(problem.remedy, context.theme.muted);
    ImGui::PopID();
}

void draw_problems_popup(ViewContext &context, StatusState &state,
                         const std::vector<Error> &problems) {
    const float unit = ImGui::GetFontSize();
    ImGui::SetNextWindowSize(
        {unit * 36, std::min(unit * 24, unit * (4.0f + 4.0f * float(problems.size())))});
    if (!ImGui::BeginPopup(kProblemsPopup))
        return;
    ui::heading("Problems");
    ui::explain(
        "What went wrong since the window opened, the newest first, with what to do about it.");
    ImGui::SameLine(ImGui::GetWindowWidth() - unit * 12);
    if (ImGui::SmallButton("Copy all")) {
        std::string all;
        for (const Error &problem : problems)
            all += problem.sentence() + "\n";
        context.copy_text(all);
    }
    ImGui::SameLine();
    if (ImGui::SmallButton("Clear"))
        state.problems.clear();
    ui::explain("Clears the window's own problems; those of the session stay in its file.");
    ImGui::BeginChild("list");
    for (std::size_t i = 0; i < problems.size(); ++i) {
        if (i > 0)
            ImGui::Separator();
        draw_problem(context, problems[i], int(i));
    }
    ImGui::EndChild();
    ImGui::EndPopup();
}

// Right end of the line: the number of problems, which opens their list.
void draw_problems(ViewContext &context, StatusState &state, float reserved) {
    const std::vector<Error> problems = problems_of(context, state);
    if (!problems.empty()) {
        const std::string label =
            fmt::format("{} problem{}", problems.size(), problems.size() == 1 ? "" : "s");
        const float width = ImGui::CalcTextSize(label.c_str()).x;
        ImGui::SameLine(ImGui::GetWindowWidth() - width - reserved -
                        ImGui::GetStyle().WindowPadding.x);
        ui::text(label, context.theme.failure);
        ui::explain(problems.front().sentence() + "\n\nClick for all of them.");
        if (ImGui::IsItemHovered())
            ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
        if (ImGui::IsItemClicked())
            ImGui::OpenPopup(kProblemsPopup);
    }
    draw_problems_popup(context, state, problems);
}

} // namespace

ImVec4 state_colour(const Theme &theme, const WorkerClient::Progress &progress) {
    switch (progress.state) {
    case WorkerClient::State::Ready:
        return theme.good;
    case WorkerClient::State::Running:
        return theme.accent;
    case WorkerClient::State::Gone:
        return progress.error.what.empty() ? theme.muted : theme.failure;
    case WorkerClient::State::Starting:
    case WorkerClient::State::Restarting:
    case WorkerClient::State::Reconnecting:
        break;
    }
    return theme.warning;
}

const char *name_of(WorkerClient::State state) {
    switch (state) {
    case WorkerClient::State::Starting:
        return "Worker starting";
    case WorkerClient::State::Ready:
        return "Worker ready";
    case WorkerClient::State::Running:
        return "Running";
    case WorkerClient::State::Restarting:
        return "Worker restarting";
    case WorkerClient::State::Reconnecting:
        return "Connection lost";
    case WorkerClient::State::Gone:
        break;
    }
    return "No worker";
}

std::vector<Error> problems_of(const ViewContext &context, const StatusState &state) {
    std::vector<Error> problems(state.problems.rbegin(), state.problems.rend());
    const auto add = [&](const Error &error) {
        if (!error.what.empty() &&
            std::find(problems.begin(), problems.end(), error) == problems.end())
            problems.push_back(error);
    };
    add(context.progress.error);
    const Session &session = *context.session;
    for (std::size_t i = session.failures.size(); i-- > 0;)
        add(session.failures[i].error);
    for (const RunRecord &run : session.runs)
        if (run.dropped_records > 0)
            add({fmt::format("{} records were dropped", format_count(double(run.dropped_records))),
                 "CUPTI's buffers were full, so some kernels of the run are missing from the "
                 "timeline; "
                 "times of the measurements are not affected",
                 ""});
    return problems;
}

void draw_status(ViewContext &context, StatusState &state, const std::function<void()> &stop,
                 float reserved) {
    const ui::FontScope small(ui::small_font());
    draw_worker(context);
    if (context.progress.state == WorkerClient::State::Running) {
        ImGui::SameLine(0, 16 * context.scale);
        draw_progress_bar(context, std::round(120 * context.scale));
        ImGui::SameLine(0, 12 * context.scale);
        if (ImGui::SmallButton("Stop"))
            stop();
        ui::explain("Cancels the run. What is already measured stays.");
    }
    ImGui::SameLine(0, 12 * context.scale);
    const float room = ImGui::GetContentRegionAvail().x - ImGui::GetFontSize() * 8 - reserved;
    if (ImGui::GetTime() >= state.notice_until)
        state.notice.clear();
    const bool notice = !state.notice.empty();
    ui::text(ui::fitted(notice ? state.notice : context.progress.doing, std::max(0.0f, room)),
             notice ? context.theme.text : context.theme.muted);
    draw_problems(context, state, reserved);
}

} // namespace moescope
