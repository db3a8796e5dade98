// moescope devices, models and operators: what there is to choose from.
#pragma once

#include <string>

namespace moescope::cli {

int devices_command(const std::string &remote, bool measure, bool json);
int models_command(bool json);
int operators_command(bool json);

} // namespace moescope::cli
