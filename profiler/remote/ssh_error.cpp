#include "profiler/remote/ssh_error.h"

#include "profiler/protocol/codec.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <sstream>
#include <string_view>

namespace moescope {

namespace {

constexpr int kSshFailed = 255;
constexpr int kNotFound = 127;

// The first entry with its words in ssh's text is the cause. In why and remedy {0} is the host and {1} the line of ssh's
// that holds `line`, which stands at its beginning.
struct Cause {
    std::string_view words;
    RemoteTrouble trouble;
    const char *why, *remedy;
    std::string_view line = {};
};
constexpr std::array kCauses{
    Cause{"REMOTE HOST IDENTIFICATION HAS CHANGED", RemoteTrouble::NoAccess,
          "its host key is not the one that ssh remembers",
          "ask its administrator whether the key was changed; if so, forget the old one ({1}) and connect once by hand: ssh {0}",
          "ssh-keygen -"},
    Cause{"Host key verification failed", RemoteTrouble::NoAccess, "ssh does not know this host's key yet",
          "connect once in a terminal and accept its key: ssh {0}"},
    Cause{"UNPROTECTED PRIVATE KEY FILE", RemoteTrouble::NoAccess, "ssh leaves aside a private key that others may read: {1}",
          "chmod 600 that file", "Permissions "},
    Cause{"no such identity", RemoteTrouble::NoAccess, "the key that ssh is to use is not there: {1}",
          "mend IdentityFile in ~/.ssh/config, or put the key there", "no such identity: "},
    Cause{"Permission denied", RemoteTrouble::NoAccess,
          "the host accepted none of your keys without asking for a password",
          "load your key (ssh-add) or put it there (ssh-copy-id {0}), then try again"},
    Cause{"Too many authentication failures", RemoteTrouble::NoAccess,
          "ssh offered more keys than the host tries",
          "name the right one with IdentityFile and IdentitiesOnly in ~/.ssh/config"},
    Cause{"Could not resolve hostname", RemoteTrouble::Unreachable, "no machine of that name is known here",
          "check the spelling, or the Host entry in ~/.ssh/config"},
    Cause{"Connection refused", RemoteTrouble::Unreachable, "the machine is there and no ssh server answers",
          "check the port, and that sshd runs there"},
    Cause{"No route to host", RemoteTrouble::Unreachable, "there is no way to it on the network",
          "check that it is on, and that the VPN is up"},
    Cause{"Network is unreachable", RemoteTrouble::Unreachable, "this machine has no network that leads there",
          "check the network"},
    Cause{"Connection timed out", RemoteTrouble::Unreachable, "nobody answered", "check that it is on, and the network"},
    Cause{"Operation timed out", RemoteTrouble::Unreachable, "nobody answered", "check that it is on, and the network"},
    Cause{"Bad configuration option", RemoteTrouble::Other, "ssh cannot read its configuration: {1}", "mend that line",
          "Bad configuration option"},
    Cause{"Bad owner or permissions", RemoteTrouble::NoAccess, "ssh refuses files that others may change: {1}",
          "chmod 600 that file", "Bad owner or permissions"},
};

std::string without_end(std::string line) {
    while (!line.empty() && (line.back() == '\r' || line.back() == '.' || line.back() == ' ')) // a sentence is made of it
        line.pop_back();
    return line;
}

// The line of ssh's words with `part` in it, without what is before it but for a file's name.
std::string line_with(const std::string &words, std::string_view part) {
    std::istringstream lines(words);
    for (std::string line; std::getline(lines, line);)
        if (const std::size_t at = line.find(part); !part.empty() && at != line.npos)
            return without_end(line.substr(line.front() == '/' ? 0 : at));
    return "";
}

// Nothing that a banner or a warning says: the last line, where ssh says what ended it.
std::string last_line(const std::string &words) {
    const std::size_t end = words.find_last_not_of("\r\n ");
    if (end == words.npos)
        return "";
    const std::size_t from = words.find_last_of('\n', end);
    const std::size_t begin = from == words.npos ? 0 : from + 1;
    return without_end(words.substr(begin, end - begin + 1));
}

bool contains(const std::string &text, std::string_view part) { return text.find(part) != text.npos; }

// The path that was named is part of the words where one was.
SshFailure no_worker(const std::string &host, const std::string &words) {
    const std::string named = line_with(words, kNoWorkerThere).substr(std::string_view(kNoWorkerThere).size());
    if (!named.empty())
        return {RemoteTrouble::Other,
                {fmt::format("there is no moescope-worker at {} on {}", named.substr(std::string_view(kNamedPath).size()), host),
                 "no such file, or none that may be run, is there",
                 fmt::format("name where it lies, or the host alone and copy one there: moescope remote {} --copy", host)}};
    return {RemoteTrouble::NoWorker,
            {"there is no moescope-worker on " + host,
             "it is neither on its PATH nor where moescope copies it",
             fmt::format("copy it there: the Hosts panel, or moescope remote {} --copy", host)}};
}

// The loader's words: a library or a newer C library is missing there.
std::optional<SshFailure> loader_failure(const std::string &host, const std::string &words) {
    if (contains(words, "GLIBC_"))
        return SshFailure{RemoteTrouble::NoWorker,
                          {"moescope-worker does not start on " + host,
                           "the C library there is older than the one it was built with: " + last_line(words),
                           "build moescope-worker on that machine and put it on its PATH"}};
    if (contains(words, "error while loading shared libraries"))
        return SshFailure{RemoteTrouble::NoWorker,
                          {"moescope-worker does not start on " + host, last_line(words),
                           fmt::format("copy it there with its libraries: the Hosts panel, or moescope remote {} --copy",
                                       host)}};
    if (contains(words, "Exec format error"))
        return SshFailure{RemoteTrouble::NoWorker,
                          {"moescope-worker does not start on " + host, "it was built for another processor",
                           "build moescope-worker on that machine and put it on its PATH"}};
    return std::nullopt;
}

} // namespace

SshFailure explain_ssh_failure(const std::string &host, int exit_status, const std::string &words, bool was_connected) {
    if (exit_status == kNotFound && contains(words, kNoWorkerThere))
        return no_worker(host, words);
    if (!was_connected)
        if (const auto failure = loader_failure(host, words))
            return *failure;
    const std::string line = last_line(words);
    if (exit_status == kUnheardStatus)
        return {RemoteTrouble::Lost, {"the connection to " + host + " was lost", "the worker there heard nothing any more", ""}};
    if (exit_status != kSshFailed && exit_status >= 0)
        return {RemoteTrouble::Other,
                {fmt::format("the worker on {} exited with status {}", host, exit_status),
                 line.empty() ? "it left no last words" : "its last words: " + line, ""}};
    for (const Cause &cause : kCauses)
        if (contains(words, cause.words)) {
            std::string said = line_with(words, cause.line);
            if (said.empty()) // not every ssh names the command
                said = cause.line.starts_with("ssh-keygen") ? "ssh-keygen -R " + host : std::string(cause.words);
            return {was_connected ? RemoteTrouble::Lost : cause.trouble,
                    {fmt::format("{} cannot be reached by ssh", host), fmt::format(fmt::runtime(cause.why), host, said),
                     fmt::format(fmt::runtime(cause.remedy), host, said)}};
        }
    if (was_connected)
        return {RemoteTrouble::Lost,
                {"the connection to " + host + " was lost", line.empty() ? "ssh ended without a word" : "ssh said: " + line,
                 ""}};
    return {RemoteTrouble::Unreachable,
            {fmt::format("{} cannot be reached by ssh", host), line.empty() ? "ssh ended without a word" : "ssh said: " + line,
             "see whether this works in a terminal: ssh " + host}};
}

SshFailure explain_shell_failure(const std::string &host, int exit_status, const std::string &words) {
    if (exit_status == kSshFailed || exit_status < 0 || loader_failure(host, words))
        return explain_ssh_failure(host, exit_status, words, false);
    const std::string line = words.substr(0, words.find('\n')); // a program that ends tells its own end last
    return {RemoteTrouble::Other,
            {fmt::format("a command on {} ended with status {}", host, exit_status),
             line.empty() ? "it said nothing" : "it said: " + without_end(line),
             fmt::format("see whether this works in a terminal: ssh {} true", host)}};
}

SshFailure silent_host(const std::string &host, std::chrono::seconds waited) {
    return {RemoteTrouble::Unreachable,
            {host + " did not answer", fmt::format("ssh was started, and nothing came for {} s", waited.count()),
             fmt::format("see in a terminal where it hangs: ssh {}, then moescope-worker --devices there", host)}};
}

bool may_pass(RemoteTrouble trouble) {
    return trouble == RemoteTrouble::Lost || trouble == RemoteTrouble::Unreachable || trouble == RemoteTrouble::NoAccess;
}

} // namespace moescope
