#include "app/cli/import_command.h"

#include "app/cli/output_file.h"
#include "app/cli/say.h"
#include "profiler/import/kineto.h"
#include "profiler/session/session_file.h"

#include <fmt/format.h>

#include <filesystem>

namespace moescope::cli {

namespace {

Result<Session> imported(const ImportOptions &options) {
    if (!options.append)
        return import_kineto(*options.trace);
    const Result<Session> session = read_session(*options.append);
    return session ? append_kineto(*session, *options.trace) : session.error();
}

// trace.json.gz -> trace.moescope
std::filesystem::path beside(std::filesystem::path trace) {
    for (const char *extension : {".gz", ".json"})
        if (trace.extension() == extension)
            trace.replace_extension();
    return trace.replace_extension(".moescope");
}

} // namespace

void add_import_options(CLI::App &command, ImportOptions &options) {
    command.add_option("TRACE", options.trace, "The trace: .json or .json.gz");
    command.add_option("--out", options.out, "The session file to write (TRACE.moescope)")
        ->type_name("FILE");
    command
        .add_option("--append", options.append,
                    "Put it after what this session holds; with --out, in a copy")
        ->type_name("FILE");
}

int import_command(const ImportOptions &options) {
    if (!options.trace)
        return complain({"TRACE is missing", "it names the trace to import",
                         "moescope import TRACE.json --out F.moescope"},
                        kWrongRequest);
    const auto &named = options.out ? options.out : options.append;
    const std::filesystem::path out = named ? std::filesystem::path(*named) : beside(*options.trace);
    if (const Status status = check_session_output("--out", out); !status)
        return complain(status.error(), kWrongRequest);
    const Result<Session> session = imported(options);
    if (!session)
        return complain(session.error(), kWrongRequest);
    if (const Status saved = save_session(*session, out); !saved)
        return complain(saved.error(), kFailed);
    say(fmt::format("{} written: {} kernels, {} calls and operators, {} copies", out.string(),
                    session->kernels.size(), session->api_calls.size(), session->copies.size()));
    return kDone;
}

} // namespace moescope::cli
