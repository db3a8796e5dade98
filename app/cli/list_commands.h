// moescope devices, models, operators and schema: what there is.
#pragma once

#include <string>

namespace moescope::cli {

int devices_command(const std::string &remote, bool measure, bool json);
int models_command(bool json);
int operators_command(bool json);
int schema_command();

} // namespace moescope::cli
