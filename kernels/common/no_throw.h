// Keeps exceptions of the standard library (memory, threads, streams) from crossing the C interface.
#pragma once

#include "kernels/common/status.h"

#include <exception>
#include <string>

namespace moescope {

// call()'s status, or MS_HOST_ERROR with what it threw.
template <class Call> ms_status no_throw(const char *function, Call call) noexcept {
    try {
        return call();
    } catch (const std::exception &error) {
        return fail(MS_HOST_ERROR, std::string(function) + ": " + error.what());
    }
}

} // namespace moescope
