// The thread's last error behind ms_last_error(), and helpers to report one.
#pragma once

#include "kernels/include/moescope/kernels.h"

#include <string>

namespace moescope {

// Stores the message for ms_last_error() and returns the code.
ms_status fail(ms_status code, std::string message);
// Clears the message; returns MS_OK.
ms_status succeed();
const std::string &last_error_message();

} // namespace moescope
