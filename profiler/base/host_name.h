// What this machine is called.
#pragma once

#include <string>

namespace moescope {

std::string host_name(); // "" where it cannot be read

} // namespace moescope
