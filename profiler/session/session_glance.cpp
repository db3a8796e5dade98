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

nlohmann::json parsed(const std::string &plan) {
    return nlohmann::json::parse(plan, nullptr, /*allow_exceptions=*/false);
}

std::string model_of(const nlohmann::json &plan) {
    const nlohmann::json::json_pointer name("/workload/model/name");
    const bool there = plan.is_object() && plan.contains(name) && plan[name].is_string();
    return there ? plan[name].get<std::string>() : "";
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
        const nlohmann::json plan = parsed(text_of(runs->handle(), 1));
        glance.models.push_back(model_of(plan));
        glance.ranks = glance.ranks || (plan.is_object() && plan.contains("ranks"));
    }
    Result<sqlite::Statement> tiles = sqlite::Statement::prepare(*database, "SELECT 1 FROM candidates LIMIT 1", "read");
    MOESCOPE_TRY(tiles);
    Result<bool> any = tiles->step();
    MOESCOPE_TRY(any);
    glance.tuned = *any;
    return glance;
}

} // namespace moescope
