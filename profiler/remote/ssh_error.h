// What ssh's own words mean, and what to do about it.
#pragma once

#include "profiler/base/result.h"

#include <chrono>
#include <string>

namespace moescope {

// Why a host cannot be used now.
enum class RemoteTrouble {
    None,
    NoWorker,     // moescope-worker is not there, or does not start there
    OtherVersion, // it is another one's
    NoAccess,     // ssh was refused: keys, passwords, an unknown host
    Unreachable,  // no such name, nobody answers
    Lost,         // there was a connection
    Other
};

struct SshFailure {
    RemoteTrouble trouble = RemoteTrouble::Other;
    Error error;
};

inline constexpr const char *kNoWorkerThere = "moescope: there is no moescope-worker here";
inline constexpr const char *kNamedPath = ": "; // behind it, before the path that the user named

// exit_status: ssh's own (255: ssh itself failed; else the remote command's), -1 where a signal ended
// it. words: what came on its standard error. was_connected: the worker had answered before.
SshFailure explain_ssh_failure(const std::string &host, int exit_status, const std::string &words, bool was_connected);

// The same of a shell's command that is no worker.
SshFailure explain_shell_failure(const std::string &host, int exit_status, const std::string &words);
// Neither ssh nor what it starts said anything.
SshFailure silent_host(const std::string &host, std::chrono::seconds waited);

// True where trying again in a moment may help.
bool may_pass(RemoteTrouble trouble);

} // namespace moescope
