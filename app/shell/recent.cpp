#include "app/shell/recent.h"

#include "profiler/base/assets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>

namespace moescope {

namespace {

std::string short_folder(const std::filesystem::path &folder) {
    const char *home = std::getenv("HOME");
    const std::string text = folder.string(), own = home ? home : "";
    if (own.size() > 1 && text.rfind(own, 0) == 0 && (text.size() == own.size() || text[own.size()] == '/'))
        return "~" + text.substr(own.size());
    return text;
}

} // namespace

std::string summary_of(const SessionGlance &glance, std::string_view file_name) {
    if (glance.models.empty())
        return "";
    std::vector<std::string> models; // "OLMoE-1B-7B (changed)" is one by its name
    for (const std::string &model : glance.models)
        models.push_back(model.substr(0, model.find(" (")));
    const bool one = std::ranges::all_of(models, [&](const std::string &model) { return model == models.front(); });
    std::string text = one ? models.front() : models.front() + " and others";
    if (one && file_name.starts_with(models.front()) && !glance.device.empty())
        text = glance.device;
    else if (!glance.device.empty())
        text += " on " + glance.device;
    if (glance.ranks > 1)
        text += fmt::format(", {} ranks", glance.ranks);
    else if (models.size() > 1)
        text += fmt::format(", {} runs", models.size());
    return glance.tuned ? text + ", tiles tuned" : text;
}

std::vector<RecentFile> recent_files(const std::vector<std::string> &paths) {
    std::vector<RecentFile> files;
    for (const std::string &path : paths) {
        const std::filesystem::path file(path);
        std::error_code problem;
        files.push_back({path, file.filename().string(), short_folder(file.parent_path()),
                         std::filesystem::is_regular_file(file, problem), {}});
    }
    return files;
}

std::vector<std::string> shipped_sessions() {
    std::error_code problem;
    std::vector<std::string> files;
    for (const auto &entry : std::filesystem::directory_iterator(find_asset("sessions"), problem))
        if (entry.path().extension() == ".moescope")
            files.push_back(entry.path().string());
    std::sort(files.begin(), files.end());
    return files;
}

std::string recording_for(const std::vector<std::string> &files, const std::string &model,
                          const std::function<bool(const SessionGlance &)> &fills) {
    using Rank = std::tuple<bool, bool, std::int64_t>;
    std::optional<std::pair<Rank, std::string>> best;
    for (const std::string &file : files) {
        const Result<SessionGlance> glance = glance_at_session(file);
        if (!glance || glance->models.empty() || (fills && !fills(*glance)))
            continue;
        const auto ran = [&](const std::string &name) { return std::ranges::find(glance->models, name) != glance->models.end(); };
        const std::string stem = std::filesystem::path(file).stem().string();
        const bool of_model = ran(model);
        const Rank rank{of_model, of_model ? stem == model : ran(stem), glance->started_ns};
        if (!best || rank > best->first)
            best.emplace(rank, file);
    }
    return best ? best->second : "";
}

} // namespace moescope
