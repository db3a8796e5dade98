#include "app/views/file_browser.h"

#include "app/views/session_file.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"

#include <fmt/format.h>
#include <imgui_stdlib.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <utility>

namespace moescope {

namespace fs = std::filesystem;

namespace {

// Runs of digits compare as numbers, letters without regard to case.
bool before(std::string_view a, std::string_view b) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
    std::size_t i = 0, k = 0;
    while (i < a.size() && k < b.size()) {
        if (digit(a[i]) && digit(b[k])) {
            const auto number = [&](std::string_view text, std::size_t &at) {
                while (at < text.size() && text[at] == '0')
                    ++at;
                const std::size_t from = at;
                while (at < text.size() && digit(text[at]))
                    ++at;
                return text.substr(from, at - from);
            };
            const std::string_view x = number(a, i), y = number(b, k);
            if (x != y)
                return x.size() != y.size() ? x.size() < y.size() : x < y;
        } else if (lower(a[i]) != lower(b[k])) {
            return lower(a[i]) < lower(b[k]);
        } else {
            ++i;
            ++k;
        }
    }
    return a.size() - i != b.size() - k ? a.size() - i < b.size() - k : a < b;
}

bool fits(const std::string &name, const std::vector<std::string> &suffixes) {
    return suffixes.empty() ||
           std::ranges::any_of(suffixes, [&](const std::string &suffix) { return name.ends_with(suffix); });
}

FolderEntry entry_of(const fs::directory_entry &file) {
    std::error_code problem;
    FolderEntry entry{.name = file.path().filename().string(), .folder = file.is_directory(problem)};
    if (!entry.folder && file.is_regular_file(problem))
        entry.bytes = file.file_size(problem);
    const auto changed = file.last_write_time(problem);
    if (!problem)
        entry.changed_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                               std::chrono::file_clock::to_sys(changed).time_since_epoch())
                               .count();
    return entry;
}

fs::path home() {
    const char *folder = std::getenv("HOME");
    return folder && *folder == '/' ? fs::path(folder) : fs::path("/");
}

const char *verb(FileQuestion::Kind kind) {
    constexpr const char *kVerbs[] = {"Open", "Save", "Choose"};
    return kVerbs[int(kind)];
}

constexpr const char *kPopup = "###file browser";

} // namespace

Result<std::vector<FolderEntry>> list_folder(const fs::path &folder, const FolderFilter &filter) {
    std::error_code problem;
    std::vector<FolderEntry> entries;
    fs::directory_iterator at(folder, problem);
    for (; !problem && at != fs::directory_iterator(); at.increment(problem)) {
        FolderEntry entry = entry_of(*at);
        const bool wanted = entry.folder || (filter.files && fits(entry.name, filter.suffixes));
        if (wanted && (filter.hidden || !entry.name.starts_with('.')))
            entries.push_back(std::move(entry));
    }
    if (problem)
        return Error{fmt::format("{} cannot be listed", folder.string()), problem.message(), "choose another folder"};
    std::ranges::sort(entries, [](const FolderEntry &a, const FolderEntry &b) {
        return a.folder != b.folder ? a.folder : before(a.name, b.name);
    });
    return entries;
}

fs::path meant_path(const fs::path &folder, std::string name, const FileQuestion &question) {
    if (name == "~" || name.starts_with("~/"))
        name = home().string() + name.substr(1);
    fs::path path = (folder / name).lexically_normal();
    std::error_code problem;
    if (question.kind == FileQuestion::Kind::Save && !question.suffixes.empty() && path.has_filename() &&
        !fits(path.filename().string(), question.suffixes) && !fs::is_directory(path, problem))
        path += question.suffixes.front();
    return path;
}

void FileBrowser::open(FileQuestion question) {
    std::error_code problem;
    fs::path start = question.start.empty() ? fs::current_path(problem) : fs::absolute(question.start, problem);
    const bool folder = fs::is_directory(start, problem);
    name_ = folder ? "" : start.filename().string();
    if (question.kind == FileQuestion::Kind::Open)
        name_.clear();
    question_ = std::move(question);
    opening_ = true;
    every_file_ = false;
    overwrite_.clear();
    answer_.reset();
    enter(folder ? start : start.parent_path());
}

void FileBrowser::enter(const fs::path &folder) {
    folder_ = folder.empty() ? home() : folder.lexically_normal();
    read();
}

void FileBrowser::read() {
    auto listed = list_folder(folder_, {.suffixes = every_file_ ? std::vector<std::string>() : question_->suffixes,
                                        .hidden = hidden_,
                                        .files = question_->kind != FileQuestion::Kind::Folder});
    problem_.reset();
    entries_.clear();
    if (listed)
        entries_ = std::move(*listed);
    else
        problem_ = listed.error();
}

// The folder's path as buttons, and the way up.
void FileBrowser::draw_path(float scale) {
    if (ImGui::Button("Home"))
        return enter(home());
    ImGui::SameLine();
    ImGui::BeginDisabled(!folder_.has_relative_path());
    const bool up = ImGui::Button("Up");
    ImGui::EndDisabled();
    if (up)
        return enter(folder_.parent_path());
    ui::explain("To the folder that holds this one. Key: Backspace.");
    fs::path at;
    int place = 0;
    for (const fs::path &part : folder_) {
        at /= part;
        if (part.empty())
            continue;
        const std::string label = part.string();
        ImGui::SameLine(0, std::round((place == 0 ? 12.0f : 2.0f) * scale));
        const float width = ImGui::CalcTextSize(label.c_str()).x + 2 * ImGui::GetStyle().FramePadding.x;
        if (place > 0 && width > ImGui::GetContentRegionAvail().x)
            ImGui::NewLine();
        ImGui::PushID(place++);
        const bool clicked = ImGui::Button(label.c_str());
        ImGui::PopID();
        if (clicked)
            return enter(at);
    }
}

void FileBrowser::draw_list(const Theme &theme, float scale) {
    const float foot = ImGui::GetFrameHeightWithSpacing() * (overwrite_.empty() ? 2 : 3) + 4 * scale;
    const ImVec2 size{0, std::max(80 * scale, ImGui::GetContentRegionAvail().y - foot)};
    const ImGuiTableFlags flags = ImGuiTableFlags_ScrollY | ImGuiTableFlags_RowBg | ImGuiTableFlags_NoSavedSettings |
                                  ImGuiTableFlags_BordersOuter;
    if (!ImGui::BeginTable("files", 3, flags, size))
        return;
    ImGui::TableSetupScrollFreeze(0, 1);
    ImGui::TableSetupColumn("Name", ImGuiTableColumnFlags_WidthStretch);
    ImGui::TableSetupColumn("Size", ImGuiTableColumnFlags_WidthFixed, std::round(80 * scale));
    ImGui::TableSetupColumn("Changed", ImGuiTableColumnFlags_WidthFixed, std::round(130 * scale));
    ImGui::TableHeadersRow();
    fs::path into;
    for (const FolderEntry &entry : entries_) {
        ImGui::TableNextRow();
        ImGui::TableNextColumn();
        const std::string label = entry.folder ? entry.name + "/" : entry.name;
        if (ImGui::Selectable(label.c_str(), entry.name == name_,
                              ImGuiSelectableFlags_SpanAllColumns | ImGuiSelectableFlags_AllowDoubleClick |
                                  ImGuiSelectableFlags_DontClosePopups)) {
            overwrite_.clear();
            // With the keyboard's Enter there is no second click to wait for.
            const bool go = ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left) ||
                            !ImGui::IsMouseReleased(ImGuiMouseButton_Left);
            if (entry.folder && go)
                into = folder_ / entry.name;
            else if (!entry.folder || question_->kind == FileQuestion::Kind::Folder)
                name_ = entry.name;
            if (!entry.folder && go)
                give();
        }
        ImGui::TableNextColumn();
        if (!entry.folder)
            ui::right_aligned(format_bytes(double(entry.bytes)), theme.muted);
        ImGui::TableNextColumn();
        ui::text(date_text(entry.changed_ns), theme.muted);
    }
    ImGui::EndTable();
    if (!into.empty())
        enter(into);
}

void FileBrowser::give() {
    const fs::path path = meant_path(folder_, name_, *question_);
    std::error_code problem;
    const bool folder = fs::is_directory(path, problem);
    if (question_->kind == FileQuestion::Kind::Folder) {
        if (folder)
            answer_ = path.string();
        else
            problem_ = Error{fmt::format("{} is not a folder", path.string()), "", ""};
        return;
    }
    if (folder) {
        name_.clear();
        return enter(path);
    }
    const bool there = fs::exists(path, problem);
    if (question_->kind == FileQuestion::Kind::Open && !there)
        problem_ = Error{fmt::format("{} is not there", path.string()), "", ""};
    else if (question_->kind == FileQuestion::Kind::Save && there && path != overwrite_)
        overwrite_ = path;
    else
        answer_ = path.string();
}

void FileBrowser::draw_foot(const Theme &theme, float scale) {
    if (problem_)
        ui::text(ui::fitted(problem_->sentence(), ImGui::GetContentRegionAvail().x), theme.failure);
    else if (!overwrite_.empty())
        ui::text(ui::fitted(fmt::format("{} is there already: save over it?", overwrite_.filename().string()),
                            ImGui::GetContentRegionAvail().x),
                 theme.warning);
    const float button = std::round(96 * scale), gap = ImGui::GetStyle().ItemSpacing.x;
    ImGui::SetNextItemWidth(ImGui::GetContentRegionAvail().x - 2 * (button + gap));
    if (ImGui::IsWindowAppearing())
        ImGui::SetKeyboardFocusHere();
    const char *hint = question_->kind == FileQuestion::Kind::Folder ? "this folder" : "name, or a path";
    const std::string name_before = name_;
    bool given = ImGui::InputTextWithHint("##name", hint, &name_, ImGuiInputTextFlags_EnterReturnsTrue);
    if (name_ != name_before)
        overwrite_.clear();
    ImGui::SameLine();
    const bool empty = name_.empty() && question_->kind != FileQuestion::Kind::Folder;
    ImGui::BeginDisabled(empty);
    given = ui::primary_button(theme, overwrite_.empty() ? verb(question_->kind) : "Save over it", {button, 0}) ||
            given;
    ImGui::EndDisabled();
    ImGui::SameLine();
    if (ImGui::Button("Cancel", {button, 0}) || ImGui::IsKeyPressed(ImGuiKey_Escape))
        answer_ = "";
    else if (given && !empty)
        give();
    bool changed = ImGui::Checkbox("Hidden files", &hidden_);
    if (!question_->suffixes.empty()) {
        ImGui::SameLine();
        changed = ImGui::Checkbox("All files", &every_file_) || changed;
        ui::explain(fmt::format("Not only {}.", question_->what));
    }
    if (changed)
        read();
}

std::optional<std::string> FileBrowser::draw(const Theme &theme, float scale) {
    if (!question_)
        return std::nullopt;
    const std::string title = question_->title + kPopup;
    if (std::exchange(opening_, false))
        ImGui::OpenPopup(title.c_str());
    const ImVec2 room = ImGui::GetMainViewport()->Size;
    ImGui::SetNextWindowPos({room.x / 2, room.y / 2}, ImGuiCond_Always, {0.5f, 0.5f});
    ImGui::SetNextWindowSize({std::min(room.x, std::round(720 * scale)), std::min(room.y, std::round(520 * scale))});
    if (ImGui::BeginPopupModal(title.c_str(), nullptr,
                               ImGuiWindowFlags_NoResize | ImGuiWindowFlags_NoMove |
                                   ImGuiWindowFlags_NoSavedSettings)) {
        if (!ImGui::GetIO().WantTextInput && ImGui::IsKeyPressed(ImGuiKey_Backspace) && folder_.has_relative_path())
            enter(folder_.parent_path());
        draw_path(scale);
        draw_list(theme, scale);
        draw_foot(theme, scale);
        if (answer_)
            ImGui::CloseCurrentPopup();
        ImGui::EndPopup();
    } else if (!answer_) {
        answer_ = ""; // closed from outside
    }
    if (!answer_)
        return std::nullopt;
    question_.reset();
    return std::exchange(answer_, std::nullopt);
}

} // namespace moescope
