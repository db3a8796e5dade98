#include "app/cli/remote_command.h"

#include "app/cli/json_output.h"
#include "app/cli/progress_line.h"
#include "app/cli/say.h"
#include "profiler/base/try.h"
#include "profiler/base/units.h"
#include "profiler/client/worker_client.h"
#include "profiler/remote/remote_worker.h"
#include "profiler/remote/ssh_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <future>

namespace moescope::cli {

namespace {

int list_hosts(bool json) {
    const std::vector<std::string> hosts = ssh_config_hosts(ssh_config_path());
    if (json)
        show(hosts_json(hosts));
    for (const std::string &host : hosts)
        if (!json)
            show(host + "\n");
    if (hosts.empty())
        say("moescope: no Host entry in " + ssh_config_path().string() + "; any host that ssh reaches can be named");
    return kDone;
}

std::string facts_text(const RemoteHost &host, const RemoteFacts &facts) {
    std::string text = fmt::format("{}  {} {}{}{}\n", host.target, facts.system, facts.processor,
                                   facts.c_library.empty() ? "" : ", ", facts.c_library);
    for (const std::string &gpu : facts.gpus)
        text += "    " + gpu + "\n";
    if (facts.gpus.empty())
        text += "    no NVIDIA GPU that nvidia-smi lists\n";
    for (const RemoteFacts::Worker &worker : facts.workers)
        text += fmt::format("    {}: {}\n", worker.path,
                            worker.version.empty()                     ? "does not start"
                            : worker.version == worker_version_line() ? worker.version
                                                                      : worker.version + ", not this program's version");
    if (facts.workers.empty())
        text += fmt::format("    no moescope-worker: moescope remote {} --copy brings one\n", host.text());
    if (facts.free_bytes >= 0)
        text += fmt::format("    {} free in {}\n", format_bytes(double(facts.free_bytes)), facts.folder);
    return text;
}

Result<std::string> copy_with_progress(const RemoteHost &host) {
    const Result<WorkerCommand> worker = find_worker();
    MOESCOPE_TRY(worker);
    CopyProgress progress;
    std::future<Result<std::string>> copied = std::async(std::launch::async, [&] {
        return copy_worker(host, worker->argv.front(), SshQuestions::Allowed, progress);
    });
    ProgressLine line;
    while (copied.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready)
        line.show(text_of(progress), progress.total > 0 ? double(progress.sent) / double(progress.total) : -1);
    return copied.get();
}

} // namespace

void add_remote_options(CLI::App &command, RemoteOptions &options) {
    command.add_option("HOST", options.host, "What is on this host; without one: the hosts of ~/.ssh/config")
        ->type_name("USER@HOST");
    command.add_flag("--copy", options.copy, "Copy this program's worker and its libraries there first");
    command.add_flag("--json", options.json, "Print one JSON document");
}

int remote_command(const RemoteOptions &options) {
    if (!options.host && options.copy)
        return complain({"HOST is missing", "it names where to copy the worker", "moescope remote USER@HOST --copy"}, kWrongRequest);
    if (!options.host)
        return list_hosts(options.json);
    const Result<RemoteHost> host = parse_remote_host(*options.host);
    if (!host)
        return complain(host.error(), kWrongRequest);
    if (options.copy) {
        const Result<std::string> path = copy_with_progress(*host);
        if (!path)
            return complain(path.error(), kFailed);
        say("moescope: the worker is at " + *path + " now");
    }
    const RemoteAnswer answer = look_at_host(*host, SshQuestions::Allowed);
    if (answer.failure.trouble != RemoteTrouble::None)
        return complain(answer.failure.error, kFailed);
    show(options.json ? remote_json(*host, answer.facts) : facts_text(*host, answer.facts));
    return kDone;
}

} // namespace moescope::cli
