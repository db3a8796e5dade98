// What several ranks measured together: one row a step, and who sent how much to whom.
#pragma once

#include "profiler/session/json_codec.h"
#include "profiler/session/session.h"

#include <string>

namespace moescope::cli {

// Of the ranks that ran with `run`; says so where they are not all there.
std::string ranks_table(const Session &session, RunId run);
Json ranks_json(const Session &session, RunId run);

} // namespace moescope::cli
