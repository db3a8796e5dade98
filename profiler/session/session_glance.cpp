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

nlohmann::json parsed(const std::string &text) {
    return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
}

std::string string_at(const nlohmann::json &json, const char *place) {
    const nlohmann::json::json_pointer name(place);
    const bool there = json.is_object() && json.contains(name) && json[name].is_string();
    return there ? json[name].get<std::string>() : "";
}

// Not the CPU's own name, which says nothing of what was run.
std::string device_of(const nlohmann::json &device) {
    return string_at(device, "/id") == "cpu" ? "cpu" : string_at(device, "/name");
}

std::int32_t ranks_of(const nlohmann::json &plan) {
    const nlohmann::json::json_pointer size("/ranks/size");
    const bool there = plan.is_object() && plan.contains(size) && plan[size].is_number_integer();
    return there ? plan[size].get<std::int32_t>() : 0;
}

} // namespace

Result<SessionGlance> glance_at_session(const std::filesystem::path &path) {
    MOESCOPE_TRY(check_session_file(path));
    Result<sqlite::Database> database = sqlite::Database::open(path, sqlite::Access::ReadOnly);
    MOESCOPE_TRY(database);
    Result<sqlite::Statement> runs = sqlite::Statement::prepare(*database, "SELECT started_ns, plan, device FROM runs ORDER BY id", "read");
    MOESCOPE_TRY(runs);
    SessionGlance glance;
    while (true) {
        Result<bool> row = runs->step();
        MOESCOPE_TRY(row);
        if (!*row)
            break;
        glance.started_ns = std::max<std::int64_t>(glance.started_ns, sqlite3_column_int64(runs->handle(), 0));
        const nlohmann::json plan = parsed(text_of(runs->handle(), 1));
        glance.models.push_back(string_at(plan, "/workload/model/name"));
        glance.ranks = std::max(glance.ranks, ranks_of(plan));
        if (glance.device.empty())
            glance.device = device_of(parsed(text_of(runs->handle(), 2)));
    }
    Result<sqlite::Statement> tiles = sqlite::Statement::prepare(*database, "SELECT 1 FROM candidates LIMIT 1", "read");
    MOESCOPE_TRY(tiles);
    Result<bool> any = tiles->step();
    MOESCOPE_TRY(any);
    glance.tuned = *any;
    return glance;
}

} // namespace moescope
