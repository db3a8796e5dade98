// A thin layer over SQLite: handles that close themselves, and errors as values. Errors name the
// file, say what SQLite or the operating system said, and what to do.
#pragma once

#include "profiler/base/ids.h"
#include "profiler/base/result.h"

#include <sqlite3.h>

#include <concepts>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace moescope::sqlite {

enum class Access { ReadOnly, ReadWrite, Create };

// Of one thread at a time: SQLite takes no lock for every column that is read.
class Database {
  public:
    // Read-only access to a file in a folder that cannot be written to is tried as immutable.
    static Result<Database> open(const std::filesystem::path &path, Access access);

    Status run(const char *sql);
    sqlite3 *handle() const { return handle_.get(); }
    const std::filesystem::path &path() const { return path_; }
    // The error of the last failed call. doing: "written", "read".
    Error error(std::string_view doing) const;

  private:
    struct Close {
        void operator()(sqlite3 *handle) const { sqlite3_close_v2(handle); }
    };
    std::unique_ptr<sqlite3, Close> handle_;
    std::filesystem::path path_;
};

// A prepared statement. Text is bound without a copy: it must outlive the execute() call.
class Statement {
  public:
    static Result<Statement> prepare(const Database &database, const std::string &sql,
                                     std::string_view doing);

    // Runs a statement that gives no rows, with its parameters in order.
    template <typename... Values> Status execute(const Values &...values) {
        int at = 0;
        (bind(++at, values), ...);
        return finish();
    }
    // The next row; false after the last.
    Result<bool> step();

    sqlite3_stmt *handle() const { return handle_.get(); }

  private:
    void bind(int at, std::integral auto value) {
        sqlite3_bind_int64(handle_.get(), at, sqlite3_int64(value));
    }
    void bind(int at, std::floating_point auto value) {
        sqlite3_bind_double(handle_.get(), at, double(value));
    }
    void bind(int at, std::string_view text) {
        sqlite3_bind_text64(handle_.get(), at, text.empty() ? "" : text.data(), text.size(),
                            SQLITE_STATIC, SQLITE_UTF8);
    }
    void bind(int at, const char *text) { bind(at, std::string_view(text)); }
    template <typename Tag> void bind(int at, Id<Tag> id) {
        if (id.valid())
            sqlite3_bind_int64(handle_.get(), at, id.value);
        else
            sqlite3_bind_null(handle_.get(), at);
    }
    Status finish();

    struct Finalize {
        void operator()(sqlite3_stmt *handle) const { sqlite3_finalize(handle); }
    };
    std::unique_ptr<sqlite3_stmt, Finalize> handle_;
    const Database *database_ = nullptr;
    std::string doing_;
};

} // namespace moescope::sqlite
