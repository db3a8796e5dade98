#include "app/cli/cli.h"

#include "app/cli/compare_command.h"
#include "app/cli/document_commands.h"
#include "app/cli/export_command.h"
#include "app/cli/import_command.h"
#include "app/cli/lessons_command.h"
#include "app/cli/list_commands.h"
#include "app/cli/metrics_command.h"
#include "app/cli/ranks_command.h"
#include "app/cli/remote_command.h"
#include "app/cli/run_command.h"
#include "app/cli/say.h"
#include "app/cli/source_command.h"
#include "app/cli/sweep_command.h"
#include "app/cli/window_options.h"

#include <CLI/CLI.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace moescope::cli {

namespace {

// The whole command line: declared once, parsed, then asked which command was given.
class CommandLine {
  public:
    CommandLine();
    int run(int argc, const char *const *argv);

  private:
    void add_commands();
    int run_chosen();
    Error explain(const CLI::ParseError &error) const;
    const CLI::App &chosen() const;
    std::vector<std::string> command_names() const;

    CLI::App app_{
        "MoEScope runs Mixture-of-Experts kernels on a GPU and shows where the time goes.",
        "moescope"};
    CLI::App *devices_ = nullptr, *models_ = nullptr, *operators_ = nullptr, *metrics_ = nullptr,
             *run_ = nullptr, *tune_ = nullptr, *export_ = nullptr, *import_ = nullptr,
             *schema_ = nullptr, *sweep_ = nullptr, *compare_ = nullptr, *source_ = nullptr,
             *completions_ = nullptr, *manual_ = nullptr,
             *remote_ = nullptr, *ranks_ = nullptr, *lessons_ = nullptr;
    WindowArguments window_;
    RunOptions run_options_, tune_options_;
    ExportOptions export_options_;
    ImportOptions import_options_;
    CompareArguments compare_options_;
    MetricsOptions metrics_options_;
    SweepOptions sweep_options_;
    SourceOptions source_options_;
    RanksOptions ranks_options_;
    LessonsOptions lessons_options_;
    std::optional<std::string> devices_remote_, shell_;
    RemoteOptions remote_options_;
    bool json_ = false, measure_ = false;
};

CommandLine::CommandLine() {
    app_.set_version_flag("--version", "moescope " MOESCOPE_VERSION);
    app_.require_subcommand(0, 1);
    app_.footer("Exit codes: 0 done, 1 a measurement or check failed, 2 the request was wrong.");
    add_window_options(app_, window_);
    add_commands();
}

void CommandLine::add_commands() {
    devices_ = app_.add_subcommand("devices", "The devices there are");
    devices_->add_option("--remote", devices_remote_, "Those of this machine, through ssh")
        ->type_name("USER@HOST");
    devices_->add_flag("--measure", measure_, "Measure each one's memory, matrix units and launches, and keep the ceilings");
    models_ = app_.add_subcommand("models", "The model catalogue");
    operators_ = app_.add_subcommand("operators", "The operators and their variants");
    for (CLI::App *command : {devices_, models_, operators_})
        command->add_flag("--json", json_, "Print one JSON document");
    metrics_ = app_.add_subcommand("metrics", "The hardware counters of a chip, and what reading them costs");
    add_metrics_options(*metrics_, metrics_options_);
    run_ = app_.add_subcommand("run", "Measure operators and write a session");
    add_run_options(*run_, run_options_);
    tune_ = app_.add_subcommand("tune", "Find the fastest tiles, then measure with them");
    add_tune_options(*tune_, tune_options_);
    export_ = app_.add_subcommand("export", "Write a session in other formats");
    add_export_options(*export_, export_options_);
    import_ = app_.add_subcommand("import", "Make a session of a trace of PyTorch's profiler");
    add_import_options(*import_, import_options_);
    schema_ = app_.add_subcommand("schema", "The tables of a session file, as SQL with comments");
    sweep_ = app_.add_subcommand("sweep", "Measure along a parameter");
    add_sweep_options(*sweep_, sweep_options_);
    compare_ = app_.add_subcommand("compare", "What changed between two sessions");
    add_compare_options(*compare_, compare_options_);
    source_ = app_.add_subcommand("source", "A tile kernel's source, as it is compiled");
    add_source_options(*source_, source_options_);
    remote_ = app_.add_subcommand("remote", "A host behind ssh: what is there, and the worker copied to it");
    add_remote_options(*remote_, remote_options_);
    lessons_ = app_.add_subcommand("lessons", "The lessons of the window, and whether a file is one");
    add_lessons_options(*lessons_, lessons_options_);
    completions_ = app_.add_subcommand("completions", "A shell's completions of this command line");
    completions_->add_option("SHELL", shell_, "bash, zsh or fish");
    manual_ = app_.add_subcommand("manual", "The manual page, as man reads it");
    ranks_ = app_.add_subcommand("ranks", "Run an expert-parallel layer over several GPUs, one rank each");
    add_ranks_options(*ranks_, ranks_options_);
}

const CLI::App &CommandLine::chosen() const {
    const auto commands = app_.get_subcommands();
    return commands.empty() ? app_ : *commands.front();
}

std::vector<std::string> CommandLine::command_names() const {
    std::vector<std::string> names;
    for (const CLI::App *command : app_.get_subcommands([](const CLI::App *) { return true; }))
        names.push_back(command->get_name());
    return names;
}

// A parse error as one sentence of what, why and what instead.
Error CommandLine::explain(const CLI::ParseError &error) const {
    const CLI::App &command = chosen();
    const std::string help =
        &command == &app_ ? "moescope --help" : "moescope " + command.get_name() + " --help";
    if (const std::vector<std::string> extra = app_.remaining(true); !extra.empty()) {
        std::vector<std::string> options;
        for (const CLI::Option *option : command.get_options())
            if (!option->get_lnames().empty())
                options.push_back("--" + option->get_lnames().front());
        return {fmt::format("\"{}\" is not expected", extra.front()),
                fmt::format("{} takes {}", &command == &app_ ? "moescope" : command.get_name(),
                            fmt::join(options, ", ")),
                {}};
    }
    const std::string text = error.what();
    if (error.get_name() == "ArgumentMismatch") {
        const bool missing = text.find("missing") != std::string::npos;
        return {text.substr(0, text.find(':')) +
                    (missing ? " has no value" : " is given more than once"),
                "it takes exactly one", help + " lists the options"};
    }
    return {text.substr(0, text.find('\n')), "the command line cannot be read",
            help + " lists the options"};
}

int CommandLine::run_chosen() {
    if (devices_->parsed())
        return devices_command(devices_remote_.value_or(""), measure_, json_);
    if (models_->parsed())
        return models_command(json_);
    if (operators_->parsed())
        return operators_command(json_);
    if (metrics_->parsed())
        return metrics_command(metrics_options_);
    if (run_->parsed())
        return run_command(run_options_, Purpose::Run);
    if (tune_->parsed())
        return run_command(tune_options_, Purpose::Tune);
    if (export_->parsed())
        return export_command(export_options_);
    if (import_->parsed())
        return import_command(import_options_);
    if (schema_->parsed())
        return schema_command();
    if (sweep_->parsed())
        return sweep_command(sweep_options_);
    if (compare_->parsed())
        return compare_command(compare_options_);
    if (source_->parsed())
        return source_command(source_options_);
    if (lessons_->parsed())
        return lessons_command(lessons_options_);
    if (completions_->parsed())
        return completions_command(app_, shell_);
    if (manual_->parsed())
        return manual_command(app_);
    if (remote_->parsed())
        return remote_command(remote_options_);
    if (ranks_->parsed())
        return ranks_command(ranks_options_);
    const Result<WindowOptions> request = make_window_options(window_, command_names());
    return request ? run_window(*request) : complain(request.error(), kWrongRequest);
}

int CommandLine::run(int argc, const char *const *argv) {
    try {
        app_.parse(argc, argv);
    } catch (const CLI::Success &wanted) { // --help and --version
        return app_.exit(wanted);
    } catch (const CLI::ParseError &error) {
        return complain(explain(error), kWrongRequest);
    }
    return run_chosen();
}

} // namespace

int run(int argc, const char *const *argv) { return CommandLine().run(argc, argv); }

} // namespace moescope::cli
