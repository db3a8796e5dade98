#include "app/assets.h"

#include <cstdlib>
#include <system_error>

namespace moescope {

std::filesystem::path assets_folder() {
    namespace fs = std::filesystem;
    if (const char *chosen = std::getenv("MOESCOPE_ASSETS"); chosen && *chosen)
        return chosen;
    std::error_code problem;
    const fs::path program = fs::read_symlink("/proc/self/exe", problem).parent_path();
    for (const char *place : {"../share/moescope/assets", "assets", "../assets"})
        if (!program.empty() && fs::is_directory(program / place / "themes", problem))
            return fs::weakly_canonical(program / place, problem);
    return MOESCOPE_SOURCE_ASSETS;
}

} // namespace moescope
