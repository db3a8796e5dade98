#include "app/cli/export_command.h"

#include "app/cli/numbers.h"
#include "app/cli/output_file.h"
#include "app/cli/picture_size.h"
#include "app/cli/say.h"
#include "app/render/picture.h"
#include "app/report/report.h"
#include "app/shell/view_list.h"
#include "profiler/base/try.h"
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

// The format by the file's name.
Result<PlotFormat> format_of(const std::string &out) {
    for (const PlotFormat format : {PlotFormat::Svg, PlotFormat::Png, PlotFormat::Csv})
        if (out.ends_with(extension_of(format)))
            return format;
    return Error{fmt::format("--out is \"{}\"", out), "its ending names the format", "end it in .svg, .png or .csv"};
}

bool plots_crossover(const ExportOptions &options) {
    return options.plot && options.plot->substr(0, options.plot->find(':')) == "crossover";
}

// Which crossover map is meant, by --operator and --variants.
Result<MapChoice> map_choice(const ExportOptions &options) {
    MapChoice choice;
    for (const auto &[name, value] : {std::pair{"--operator", &options.of_operator}, {"--variants", &options.variants}})
        if (*value && !options.heuristic && !plots_crossover(options))
            return Error{fmt::format("{} is \"{}\"", name, **value), "it says which crossover map is meant, and none is written",
                         "add --heuristic F.json or --plot crossover"};
    if (options.of_operator) {
        const Result<OperatorId> found = find_operator(*options.of_operator);
        MOESCOPE_TRY(found);
        choice.op = *found;
    }
    if (options.variants) {
        const Result<std::vector<std::string>> names = parse_list("--variants", *options.variants);
        MOESCOPE_TRY(names);
        if (names->size() != 2 || names->front() == names->back())
            return Error{fmt::format("--variants is \"{}\"", *options.variants), "a map is of two variants",
                         "name two, as split,extra_k"};
        choice.variants = *names;
    }
    return choice;
}

Status add_plot(const ExportOptions &options, std::vector<Export> &exports) {
    const std::pair<const char *, const std::optional<std::string> &> only_with[] = {
        {"--out", options.out}, {"--theme", options.theme}, {"--size", options.size}, {"--against", options.against}};
    if (!options.plot) {
        for (const auto &[name, value] : only_with)
            if (value)
                return Error{fmt::format("{} is \"{}\"", name, *value), "it is about a plot, and --plot is missing",
                             "add --plot VIEW"};
        return {};
    }
    if (!options.out)
        return Error{fmt::format("--plot is \"{}\"", *options.plot), "where it goes is missing", "add --out F.svg, F.png or F.csv"};
    const Result<PlotFormat> format = format_of(*options.out);
    MOESCOPE_TRY(format);
    const std::size_t colon = options.plot->find(':');
    const Result<MapChoice> choice = map_choice(options);
    MOESCOPE_TRY(choice);
    PictureOptions picture;
    picture.crossover = *choice;
    picture.view = options.plot->substr(0, colon);
    picture.theme = options.theme.value_or("light"); // as papers and pages are
    if (const auto found = find_view(picture.view); !found)
        return Error{fmt::format("--plot is \"{}\"", *options.plot), found.error().why, found.error().remedy};
    MOESCOPE_TRY(read_size(options.size, picture.width, picture.height));
    if (options.against) {
        Result<Session> other = open_session(*options.against);
        MOESCOPE_TRY(other);
        picture.other = std::make_shared<const Session>(std::move(*other));
    }
    const std::string name = colon == std::string::npos ? "" : options.plot->substr(colon + 1);
    exports.push_back({"--out", *options.out,
                       [picture, name, format = *format](const Session &session, const std::filesystem::path &path) -> Status {
                           if (picture.crossover.names_any())
                               MOESCOPE_TRY(find_map(find_crossovers(session), picture.crossover));
                           return save_plot(std::make_shared<const Session>(session), path, picture, name, format);
                       }});
    return {};
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
        return {};
    const Result<MapChoice> choice = map_choice(options);
    MOESCOPE_TRY(choice);
    exports.push_back({"--heuristic", *options.heuristic,
                       [choice = *choice](const Session &session, const std::filesystem::path &path) {
                           return export_heuristic(session, choice, path);
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
    if (const Result<MapChoice> choice = map_choice(options); !choice)
        return choice.error();
    if (const Status status = add_heuristic(options, exports); !status)
        return status.error();
    if (const Status status = add_plot(options, exports); !status)
        return status.error();
    if (exports.empty())
        return Error{
            "no format is named", "there is nothing to write",
            "give --chrome-trace F.json[.gz], --csv DIR, --report F.html, --telemetry F.json, "
            "--heuristic F.json, --picture F.png or --plot VIEW --out F.svg"};
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
                    "Whose crossover map is meant; else that with most cells")
        ->type_name("NAME");
    command
        .add_option("--variants", options.variants,
                    "The map's two variants; else the two fastest")
        ->type_name("A,B");
    command.add_option("--picture", options.picture, "The overview, drawn without a display")
        ->type_name("F.png");
    const auto of_plot = [&](const char *name, std::optional<std::string> &to, const char *value, const char *help) {
        command.add_option(name, to, help)->type_name(value)->group("A plot");
    };
    of_plot("--plot", options.plot, "VIEW[:NAME]", "One plot of a view, the first or that of a name, as --out");
    of_plot("--out", options.out, "F.{svg,png,csv}", "Where the plot goes; the ending names the format, .csv is its data");
    of_plot("--theme", options.theme, "NAME", "dark or light (light)");
    of_plot("--size", options.size, "WxH", "Pixels of the view that it is drawn in; what needs scrolling there is left out (1440x900)");
    of_plot("--against", options.against, "FILE", "The session that the compare view compares with");
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
