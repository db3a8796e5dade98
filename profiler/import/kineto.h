// Traces of PyTorch's profiler (Kineto), and others of that form, as sessions: kernels, copies,
// runtime calls, operators and annotations of the host, the caching allocator's ledger.
#pragma once

#include "profiler/import/trace_text.h"
#include "profiler/session/session.h"

namespace moescope {

// Is this file a trace rather than a session? By its first bytes (JSON or gzip); what is neither,
// by its name (.json, .json.gz).
bool looks_like_trace(const std::filesystem::path &path);

// A session of its own: one run for each device that ran something, without measurements. Errors
// are one sentence each: unreadable, not JSON, not a trace, nothing in it to show.
Result<Session> import_kineto(const std::filesystem::path &path, const TraceLimits &limits = {});

// The same, put into a session: to see a training step beside our kernels. The trace's clock is
// another one, so its times are moved to begin a millisecond after everything that is there.
Result<Session> append_kineto(const Session &session, const std::filesystem::path &path,
                              const TraceLimits &limits = {});

// A session file, with floors that know what a launch takes (launch_floor.h), or a trace imported: whatever
// the file is.
Result<Session> open_session(const std::filesystem::path &path);

} // namespace moescope
