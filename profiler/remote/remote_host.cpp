#include "profiler/remote/remote_host.h"

#include "profiler/protocol/codec.h"
#include "profiler/remote/ssh_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace moescope {

namespace {

constexpr const char *kWanted = "it must be HOST or USER@HOST as ssh takes it, with :/PATH behind it where "
                                "moescope-worker lies at an unusual place";

bool only(const std::string &text, std::string_view more) {
    return std::ranges::all_of(text, [&](unsigned char c) { return std::isalnum(c) || more.find(char(c)) != more.npos; });
}

// Where the path begins: a colon before a slash or a tilde, behind the scheme if there is one.
std::size_t path_start(const std::string &text) {
    const std::size_t from = text.starts_with("ssh://") ? 6 : 0;
    return std::min(text.find(":/", from), text.find(":~", from));
}

// In double quotes, with the home folder's own variable.
std::string quoted_path(const std::string &path) {
    return path.starts_with("~/") ? "\"$HOME/" + path.substr(2) + "\"" : "\"" + path + "\"";
}

} // namespace

const char *const kStartFunction =
    "start() { LD_LIBRARY_PATH=\"$(dirname \"$1\")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\" \"$@\"; }; ";

std::string worker_places(const RemoteHost &host) {
    if (!host.worker_path.empty())
        return quoted_path(host.worker_path);
    return fmt::format("\"$(command -v moescope-worker)\" \"{}\"/worker-{}-*/moescope-worker "
                       "\"$HOME\"/.local/bin/moescope-worker /usr/local/bin/moescope-worker",
                       kRemoteFolder, MOESCOPE_VERSION);
}

Result<RemoteHost> parse_remote_host(const std::string &text) {
    RemoteHost host{text, ""};
    if (const std::size_t at = path_start(text); at != text.npos)
        host = {text.substr(0, at), text.substr(at + 1)};
    const Error wrong{fmt::format("the remote host is \"{}\"", text), kWanted, ""};
    const std::string &target = host.target;
    if (target.empty() || target.front() == '-' || target.front() == '@' || target.back() == '@')
        return wrong;
    if (!only(target, "@._-:/[]%+") || !only(host.worker_path, "._-/~+,@="))
        return wrong;
    if (!target.starts_with("ssh://") && target.find('/') != target.npos)
        return wrong;
    if (host.worker_path.starts_with("~") && !host.worker_path.starts_with("~/"))
        return wrong;
    return host;
}

std::chrono::seconds patience_with(SshQuestions questions) {
    return std::chrono::seconds(questions == SshQuestions::Allowed ? 120 : 60);
}

std::vector<std::string> ssh_command(const RemoteHost &host, SshQuestions questions) {
    // What the user's configuration has for a terminal there (tmux, forwarded ports) is not for the worker.
    std::vector<std::string> words{"ssh", "-T", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=4",
                                   "-o", "RemoteCommand=none", "-o", "ClearAllForwardings=yes"};
    if (questions == SshQuestions::Refused)
        words.insert(words.end(), {"-o", "BatchMode=yes"});
    words.insert(words.end(), {"--", host.target});
    return words;
}

std::string for_any_shell(const std::string &script) { return "exec sh -c '" + script + "'"; }

std::string worker_version_line() {
    return fmt::format("moescope-worker {} (protocol {})", MOESCOPE_VERSION, kProtocolVersion);
}

std::string launch_script(const RemoteHost &host) {
    return fmt::format("{}first=; own=; for w in {}; do "
                       "if [ -f \"$w\" ] && [ -x \"$w\" ]; then first=\"${{first:-$w}}\"; "
                       "if [ \"$(start \"$w\" --version 2>/dev/null </dev/null)\" = \"{}\" ]; then own=\"$w\"; break; fi; fi; done; "
                       "if [ -n \"$own\" ]; then start \"$own\" --lifeline {}; exit $?; fi; "
                       "if [ -n \"$first\" ]; then start \"$first\"; exit $?; fi; echo \"{}{}\" >&2; exit 127",
                       kStartFunction, worker_places(host), worker_version_line(), kLifelineSeconds, kNoWorkerThere,
                       host.worker_path.empty() ? "" : kNamedPath + host.worker_path);
}

} // namespace moescope
