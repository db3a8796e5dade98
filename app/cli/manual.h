// The manual page moescope(1), as man reads it: the options from their table, the rest from manual_text.h.
#pragma once

#include "app/cli/option_table.h"

namespace moescope::cli {

std::string manual_page(const OptionTable &table);

} // namespace moescope::cli
