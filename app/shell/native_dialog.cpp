#include "app/shell/native_dialog.h"

#include "app/shell/other_program.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace moescope {

namespace {

std::string patterns(const FileQuestion &question) {
    std::vector<std::string> all;
    for (const std::string &suffix : question.suffixes)
        all.push_back("*" + suffix);
    return fmt::format("{}", fmt::join(all, " "));
}

std::vector<std::string> kdialog_command(const FileQuestion &question) {
    std::vector<std::string> argv = {"kdialog", "--title", question.title};
    argv.emplace_back(question.kind == FileQuestion::Kind::Folder ? "--getexistingdirectory"
                      : question.kind == FileQuestion::Kind::Save ? "--getsavefilename"
                                                                  : "--getopenfilename");
    argv.push_back(question.start.empty() ? "." : question.start.string());
    if (question.kind != FileQuestion::Kind::Folder && !question.suffixes.empty())
        argv.push_back(fmt::format("{} ({})", question.what, patterns(question)));
    return argv;
}

// Where a folder is given zenity wants a slash at its end: without, it is a file to be selected.
std::string start_for_zenity(const FileQuestion &question) {
    std::error_code problem;
    const std::string start = question.start.string();
    return std::filesystem::is_directory(question.start, problem) && !start.ends_with('/') ? start + "/" : start;
}

std::vector<std::string> zenity_command(const std::string &program, const FileQuestion &question) {
    std::vector<std::string> argv = {program, "--file-selection", "--title=" + question.title};
    if (!question.start.empty())
        argv.push_back("--filename=" + start_for_zenity(question));
    if (question.kind == FileQuestion::Kind::Folder)
        argv.emplace_back("--directory");
    if (question.kind == FileQuestion::Kind::Save)
        argv.insert(argv.end(), {"--save", "--confirm-overwrite"});
    if (question.kind != FileQuestion::Kind::Folder && !question.suffixes.empty()) {
        argv.push_back(fmt::format("--file-filter={} | {}", question.what, patterns(question)));
        argv.emplace_back("--file-filter=All files | *");
    }
    return argv;
}

} // namespace

std::optional<std::string> dialog_program() {
    const char *desktop = std::getenv("XDG_CURRENT_DESKTOP");
    const bool kde = desktop && std::string_view(desktop).find("KDE") != std::string_view::npos;
    std::vector<const char *> programs = {"zenity", "qarma", "matedialog", "kdialog"};
    if (kde)
        std::ranges::rotate(programs, programs.end() - 1);
    for (const char *program : programs)
        if (has_program(program))
            return program;
    return std::nullopt;
}

std::vector<std::string> dialog_command(const std::string &program, const FileQuestion &question) {
    return program == "kdialog" ? kdialog_command(question) : zenity_command(program, question);
}

Result<std::string> ask_native_dialog(const std::string &program, const FileQuestion &question,
                                      const std::stop_token &stop) {
    auto answer = ask_program(dialog_command(program, question), std::chrono::hours(24), stop);
    if (!answer)
        return answer.error();
    std::string &path = answer->output;
    while (!path.empty() && path.back() == '\n')
        path.pop_back();
    if (answer->good() && !path.empty())
        return std::move(path);
    if (answer->good() || answer->end == "exited with status 1") // cancelled
        return std::string();
    return Error{fmt::format("{} could not show a file dialog", program), "it " + answer->end, ""};
}

} // namespace moescope
