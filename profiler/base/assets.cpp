#include "profiler/base/assets.h"

#include <cstdlib>
#include <system_error>

namespace moescope {

namespace fs = std::filesystem;

namespace {

fs::path assets_folder() {
    if (const char *chosen = std::getenv("MOESCOPE_ASSETS"); chosen && *chosen)
        return chosen;
    std::error_code problem;
    const fs::path program = fs::read_symlink("/proc/self/exe", problem).parent_path();
    for (const char *place : {"../share/moescope", "assets", "../assets"})
        if (!program.empty() && fs::exists(program / place / "models.json", problem))
            return fs::weakly_canonical(program / place, problem);
    return MOESCOPE_SOURCE_ASSETS;
}

} // namespace

fs::path find_asset(std::string_view relative) { return assets_folder() / relative; }

} // namespace moescope
