// A .moescope file: an SQLite database, written as the run goes. Schema: README, "Reading a session
// with sqlite3"; PRAGMA application_id 0x4d6f4553 ("MoES") marks it, user_version is the schema's.
#pragma once

#include "profiler/base/result.h"
#include "profiler/session/session.h"

#include <filesystem>
#include <memory>

namespace moescope {

// Reads a whole session. Errors: missing, unreadable, not SQLite, another program's database, a
// newer schema, truncated or corrupt (says what could be read).
Result<Session> read_session(const std::filesystem::path &path);

// Keeps a file up to date with a growing session: each write() appends what the last one had not
// seen, in one transaction. A kill loses at most what came after the last write.
class SessionFileWriter {
  public:
    // Creates or replaces the file. Errors: unwritable path, full disk.
    static Result<std::unique_ptr<SessionFileWriter>> create(const std::filesystem::path &path);
    virtual ~SessionFileWriter() = default;
    virtual Status write(const Session &session) = 0;
    // Leaves one plain file behind (checkpoints and drops the write-ahead log).
    virtual Status close() = 0;
};

// All of it at once: for "Save as".
Status save_session(const Session &session, const std::filesystem::path &path);

} // namespace moescope
