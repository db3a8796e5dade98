#include "profiler/worker/cuda/cupti_api.h"

namespace moescope::cupti {

Status check(CUptiResult result, const char *call) {
    if (result == CUPTI_SUCCESS)
        return {};
    const char *text = nullptr;
    cuptiGetResultString(result, &text);
    Error error{std::string("CUPTI's ") + call, text ? text : "unknown error", ""};
    if (result == CUPTI_ERROR_INSUFFICIENT_PRIVILEGES)
        error.remedy = "run as root, or let the driver's NVreg_RestrictProfilingToAdminUsers be 0";
    if (result == CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED)
        error.remedy = "start the worker outside other profilers and debuggers";
    return error;
}

} // namespace moescope::cupti
