#include "profiler/session/sqlite.h"

#include <fmt/format.h>

#include <cstring>

namespace moescope::sqlite {

namespace {

// What to do about a primary result code.
const char *remedy_for(int code) {
    switch (code) {
    case SQLITE_FULL:
        return "free space on that disk, or choose a path on another one";
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return "check the folder and its permissions, or choose another path";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "close the other program that has it open";
    case SQLITE_IOERR:
        return "check the disk's space and health, or choose another path";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_TOOBIG:
        return "open an undamaged copy of it";
    default:
        return "";
    }
}

// Percent-encodes what an SQLite file: URI would read as syntax.
std::string immutable_uri(const std::filesystem::path &path) {
    std::string uri = "file:";
    for (const char c : std::filesystem::absolute(path).string()) {
        if (c == '%' || c == '?' || c == '#')
            uri += fmt::format("%{:02x}", static_cast<unsigned char>(c));
        else
            uri += c;
    }
    return uri + "?immutable=1";
}

bool has_log(const std::filesystem::path &path) {
    std::error_code ignored;
    const auto size = std::filesystem::file_size(path.string() + "-wal", ignored);
    return !ignored && size > 0;
}

} // namespace

Result<Database> Database::open(const std::filesystem::path &path, Access access) {
    const int flags = access == Access::ReadOnly    ? SQLITE_OPEN_READONLY
                      : access == Access::ReadWrite ? SQLITE_OPEN_READWRITE
                                                    : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    Database database;
    database.path_ = path;
    const auto connect = [&](const std::string &name, int more) {
        sqlite3 *handle = nullptr;
        const int code = sqlite3_open_v2(name.c_str(), &handle, flags | more | SQLITE_OPEN_NOMUTEX, nullptr);
        database.handle_.reset(handle);
        if (handle)
            sqlite3_busy_timeout(handle, 2000);
        return code == SQLITE_OK;
    };
    const char *doing = access == Access::ReadOnly ? "read" : "written";
    if (!connect(path.string(), 0))
        return database.error(doing);
    if (access == Access::ReadOnly && !database.run("SELECT count(*) FROM sqlite_schema")) {
        const int code = sqlite3_errcode(database.handle());
        const bool needs_immutable = code == SQLITE_CANTOPEN || code == SQLITE_READONLY;
        if (!needs_immutable || has_log(path) || !connect(immutable_uri(path), SQLITE_OPEN_URI))
            return database.error(doing);
    }
    return database;
}

Status Database::run(const char *sql) {
    if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        return error("used");
    return {};
}

Error Database::error(std::string_view doing) const {
    const int code = sqlite3_errcode(handle_.get()) & 0xff;
    std::string why = code == SQLITE_FULL ? "the disk is full" : sqlite3_errmsg(handle_.get());
    const int os_error = handle_ ? sqlite3_system_errno(handle_.get()) : 0;
    if (os_error != 0 && (code == SQLITE_IOERR || code == SQLITE_CANTOPEN))
        why += fmt::format(" ({})", std::strerror(os_error));
    // A read that SQLite cannot even prepare: the file's tables are not the schema's.
    const bool odd_tables = code == SQLITE_ERROR && doing == "read";
    const bool damaged =
        code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_TOOBIG || odd_tables;
    return {damaged ? fmt::format("{} is damaged", path_.string())
                    : fmt::format("{} cannot be {}", path_.string(), doing),
            std::move(why), remedy_for(code)};
}

Result<Statement> Statement::prepare(const Database &database, const std::string &sql,
                                     std::string_view doing) {
    Statement statement;
    statement.database_ = &database;
    statement.doing_ = doing;
    sqlite3_stmt *handle = nullptr;
    const int code = sqlite3_prepare_v3(database.handle(), sql.c_str(), int(sql.size()) + 1,
                                        SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
    statement.handle_.reset(handle);
    if (code != SQLITE_OK)
        return database.error(doing);
    return statement;
}

Result<bool> Statement::step() {
    const int code = sqlite3_step(handle_.get());
    if (code == SQLITE_ROW)
        return true;
    if (code == SQLITE_DONE)
        return false;
    return database_->error(doing_);
}

Status Statement::finish() {
    const int code = sqlite3_step(handle_.get());
    if (code != SQLITE_DONE) {
        Error error = database_->error(doing_);
        sqlite3_reset(handle_.get());
        return error;
    }
    sqlite3_reset(handle_.get());
    return {};
}

} // namespace moescope::sqlite
