// A machine behind ssh, as the user names it.
#pragma once

#include "profiler/base/result.h"

#include <chrono>
#include <string>
#include <vector>

namespace moescope {

struct RemoteHost {
    std::string target;      // "gpu1", "user@gpu1", "ssh://user@gpu1:2222": what ssh takes
    std::string worker_path; // of moescope-worker there; "": where it usually lies

    // As it was given: "user@gpu1:/opt/moescope/moescope-worker".
    std::string text() const { return worker_path.empty() ? target : target + ":" + worker_path; }
    friend bool operator==(const RemoteHost &, const RemoteHost &) = default;
};

// HOST, USER@HOST or ssh://USER@HOST:PORT, and :/PATH/moescope-worker behind it where the worker lies
// at an unusual place ("~/" is the home folder there). Errors: anything that a shell or ssh would take
// for more than a name.
Result<RemoteHost> parse_remote_host(const std::string &text);

// Whether ssh may ask on the terminal for a password or about an unknown host.
enum class SshQuestions { Allowed, Refused };
// How long a host may say nothing: long enough to type a password where ssh may ask for one, and for a worker that
// wakes many GPUs.
std::chrono::seconds patience_with(SshQuestions questions);

// ssh and its options, up to and with the host; the remote command follows as one more word.
std::vector<std::string> ssh_command(const RemoteHost &host, SshQuestions questions);

// A line of shell as one word that every login shell hands to sh unchanged. It may hold no single
// quote, backslash, exclamation mark or line break.
std::string for_any_shell(const std::string &script);

// Finds a worker of this version there and becomes its parent, so that the worker's end is told from
// the connection's: its exit status is passed on, 128 + N where signal N ended it. Of several the
// first of this version; where there is none of it, the first at all, which then says its own.
std::string launch_script(const RemoteHost &host);
// Where the workers lie that were copied to a host, in the shell's terms.
inline constexpr const char *kRemoteFolder = "${XDG_DATA_HOME:-$HOME/.local/share}/moescope";
// Defines `start PATH ARGUMENTS`, which runs a worker with the libraries that lie beside it, if any do:
// those of a copied one, and theirs in turn, whatever it was linked for.
extern const char *const kStartFunction;
// Where to look for a worker on a host, as words of shell.
std::string worker_places(const RemoteHost &host);
// What moescope-worker --version prints.
std::string worker_version_line();

} // namespace moescope
