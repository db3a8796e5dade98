// What ssh's own words mean, and what to do about it.
#pragma once

#include "profiler/base/result.h"

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

// exit_status: ssh's own (255: ssh itself failed; else the remote command's), -1 where a signal ended
// it. words: what came on its standard error. was_connected: the worker had answered before.
SshFailure explain_ssh_failure(const std::string &host, int exit_status, const std::string &words, bool was_connected);

// True where trying again in a moment may help.
bool may_pass(RemoteTrouble trouble);

} // namespace moescope
