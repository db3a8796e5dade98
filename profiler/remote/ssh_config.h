// The hosts that the user's ssh configuration names, to choose from.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace moescope {

// The names of its Host lines in order, each once, without patterns; files that it includes too.
// Nothing where there is no such file.
std::vector<std::string> ssh_config_hosts(const std::filesystem::path &config);
// ~/.ssh/config, as ssh finds it: by the user's entry, whatever HOME says.
std::filesystem::path ssh_config_path();

} // namespace moescope
