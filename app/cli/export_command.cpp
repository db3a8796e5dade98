#include "app/cli/export_command.h"

#include "app/cli/output_file.h"
#include "app/cli/say.h"
#include "app/render/picture.h"
#include "app/report/report.h"
#include "profiler/crossover/heuristic.h"
#include "profiler/export/exporters.h"
#include "profiler/import/kineto.h"

#include <fmt/format.h>
#include <functional>
#include <memory>
#include <vector>

namespace moescope::cli {

namespace {

struct Export {
    const char *option;
    std::string path;
    std::function<Status(const Session &, const std::filesystem::path &)> write;
    bool folder = false;
};

Status export_picture(const Session &session, const std::filesystem::path &path) {
    return render_picture(std::make_shared<const Session>(session), path, {});
}

Status check_folder(const char *option, const std::filesystem::path &path) {
    std::error_code problem;
    if (std::filesystem::exists(path, problem) && !std::filesystem::is_directory(path, problem))
        return Error{fmt::format("{} is \"{}\"", option, path.string()), "that is a file",
                     "name a folder"};
    return {};
}

Status add_heuristic(const ExportOptions &options, std::vector<Export> &exports) {
    if (!options.heuristic)
        return options.of_operator
                   ? Status(Error{fmt::format("--operator is \"{}\"", *options.of_operator),
                                  "it says whose heuristic is written, and --heuristic is missing",
                                  "add --heuristic F.json"})
                   : Status();
    std::optional<OperatorId> op;
    if (options.of_operator) {
        const Result<OperatorId> found = find_operator(*options.of_operator);
        if (!found)
            return found.error();
        op = *found;
    }
    exports.push_back({"--heuristic", *options.heuristic,
                       [op](const Session &session, const std::filesystem::path &path) {
                           return export_heuristic(session, op, path);
                       }});
    return {};
}

Result<std::vector<Export>> wanted_exports(const ExportOptions &options) {
    if (!options.file)
        return Error{"FILE is missing", "it names the session to export",
                     "moescope export FILE.moescope --chrome-trace F.json"};
    std::vector<Export> exports;
    if (options.chrome_trace)
        exports.push_back({"--chrome-trace", *options.chrome_trace, export_chrome_trace});
    if (options.csv)
        exports.push_back({"--csv", *options.csv, export_csv, true});
    if (options.telemetry)
        exports.push_back({"--telemetry", *options.telemetry, export_telemetry});
    if (options.report)
        exports.push_back({"--report", *options.report, export_report});
    if (options.picture)
        exports.push_back({"--picture", *options.picture, export_picture});
    if (const Status status = add_heuristic(options, exports); !status)
        return status.error();
    if (exports.empty())
        return Error{
            "no format is named", "there is nothing to write",
            "give --chrome-trace F.json[.gz], --csv DIR, --report F.html, --telemetry F.json, "
            "--heuristic F.json or "
            "--picture F.png"};
    for (const Export &each : exports)
        if (const Status status = each.folder ? check_folder(each.option, each.path)
                                              : check_output(each.option, each.path);
            !status)
            return status.error();
    return exports;
}

} // namespace

void add_export_options(CLI::App &command, ExportOptions &options) {
    command.add_option("FILE", options.file, "The session, or a trace of PyTorch's profiler");
    command
        .add_option("--chrome-trace", options.chrome_trace,
                    "Trace events for Perfetto; gzip if it ends in .gz")
        ->type_name("F.json[.gz]");
    command.add_option("--csv", options.csv, "Tables, one file each, into a folder")
        ->type_name("DIR");
    command.add_option("--telemetry", options.telemetry, "Every tile the tuner considered")
        ->type_name("F.json");
    command
        .add_option("--heuristic", options.heuristic,
                    "Which of two variants to choose where, fitted from the runs of a sweep")
        ->type_name("F.json");
    command
        .add_option("--operator", options.of_operator,
                    "Whose heuristic; else that with most cells")
        ->type_name("NAME");
    command.add_option("--picture", options.picture, "The overview, drawn without a display")
        ->type_name("F.png");
    command.add_option("--report", options.report, "One page with the plots and tables, for a browser")
        ->type_name("F.html");
}

int export_command(const ExportOptions &options) {
    const Result<std::vector<Export>> exports = wanted_exports(options);
    if (!exports)
        return complain(exports.error(), kWrongRequest);
    const Result<Session> session = open_session(*options.file);
    if (!session)
        return complain(session.error(), kWrongRequest);
    for (const Export &each : *exports) {
        if (const Status status = each.write(*session, each.path); !status)
            return complain(status.error(), kFailed);
        say(fmt::format("{} written", each.path));
    }
    return kDone;
}

} // namespace moescope::cli
