#include "profiler/session/session_glance.h"

#include "profiler/base/try.h"
#include "profiler/session/file_check.h"
#include "profiler/session/sqlite.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace moescope {

namespace {

std::string text_of(sqlite3_stmt *row, int column) {
    const unsigned char *text = sqlite3_column_text(row, column);
    return text ? reinterpret_cast<const char *>(text) : "";
}

std::string model_of(const std::string &plan) {
    const auto json = nlohmann::json::parse(plan, nullptr, /*allow_exceptions=*/false);
    const nlohmann::json::json_pointer name("/workload/model/name");
    const bool there = json.is_object() && json.contains(name) && json[name].is_string();
    return there ? json[name].get<std::string>() : "";
}

} // namespace

Result<SessionGlance> glance_at_session(const std::filesystem::path &path) {
    MOESCOPE_TRY(check_session_file(path));
    Result<sqlite::Database> database = sqlite::Database::open(path, sqlite::Access::ReadOnly);
    MOESCOPE_TRY(database);
    Result<sqlite::Statement> runs = sqlite::Statement::prepare(*database, "SELECT started_ns, plan FROM runs ORDER BY id", "read");
    MOESCOPE_TRY(runs);
    SessionGlance glance;
    while (true) {
        Result<bool> row = runs->step();
        MOESCOPE_TRY(row);
        if (!*row)
            break;
        glance.started_ns = std::max<std::int64_t>(glance.started_ns, sqlite3_column_int64(runs->handle(), 0));
        glance.models.push_back(model_of(text_of(runs->handle(), 1)));
    }
    Result<sqlite::Statement> tiles = sqlite::Statement::prepare(*database, "SELECT 1 FROM candidates LIMIT 1", "read");
    MOESCOPE_TRY(tiles);
    Result<bool> any = tiles->step();
    MOESCOPE_TRY(any);
    glance.tuned = *any;
    return glance;
}

} // namespace moescope
