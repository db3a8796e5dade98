// "What was measured, where and how?": the session itself. Open, save, export, and what it knows of
// its device, its runs and what went wrong.
#pragma once

#include "app/views/view_context.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace moescope {

enum class ExportKind { ChromeTrace, Report, Csv, Telemetry };

struct SessionFileState {
    std::string open_path, save_path;
    ExportKind kind = ExportKind::ChromeTrace;
    std::string export_path; // "": a name made from the session's
    bool busy = false;       // the shell is reading or writing a file
    struct Outcome {
        bool good = true;
        std::string sentence;
    };
    std::optional<Outcome> outcome; // of the last save, export or open
    std::vector<std::string> recent;
    bool live_there = false; // there is a live session to go back to
    const std::string *chosen = nullptr; // which of the paths a file dialog has just given
};

struct SessionFileActions {
    std::function<void(std::string)> open;
    std::function<void(std::string)> save;
    std::function<void(ExportKind, std::string)> export_to;
    std::function<void()> show_live;
    std::function<void(RunId)> show_run;
};

// "Recorded on NVIDIA H200", "Live on NVIDIA H200", "Live": for badges and the banner.
std::string origin_text(const Session &session);
// "2026-11-20 11:05" in local time, "" for 0.
std::string date_text(std::int64_t unix_ns);
// Whether it is one of the recordings that come with the program.
bool ships_with_program(const std::filesystem::path &file);
// Where an export goes when no path is given: beside the session's file, else in the working folder; in the
// user's documents where that folder is the program's or cannot be written.
std::string suggested_path(const Session &session, ExportKind kind);

// What is asked when a session is to be opened, saved or exported.
FileQuestion open_question(const Session &session, const std::vector<std::string> &recent);
FileQuestion save_question(const Session &session);
FileQuestion export_question(ExportKind kind, const std::string &suggestion);

void draw_session_file(ViewContext &context, SessionFileState &state,
                       const SessionFileActions &actions);

} // namespace moescope
