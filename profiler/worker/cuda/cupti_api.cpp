#include "profiler/worker/cuda/cupti_api.h"

#include "profiler/worker/cuda/counter_access.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace moescope::cupti {

namespace {

// For the causes that a user can mend.
std::string remedy_for(CUptiResult result) {
    switch (result) {
    case CUPTI_ERROR_INSUFFICIENT_PRIVILEGES:
        return counter_remedy(counter_access());
    case CUPTI_ERROR_VIRTUALIZED_DEVICE_INSUFFICIENT_PRIVILEGES:
        return "let the hypervisor's administrator allow profiling for this virtual GPU";
    case CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED:
        return "start the worker outside other profilers and debuggers";
    case CUPTI_ERROR_HARDWARE_BUSY:
        return "another program holds this GPU's counters: end it, or let DCGM pause (dcgmi profile --pause)";
    case CUPTI_ERROR_CONFIDENTIAL_COMPUTING_NOT_SUPPORTED:
        return "confidential computing must be off for this GPU";
    case CUPTI_ERROR_MIG_DEVICE_NOT_SUPPORTED:
        return "use the whole GPU rather than a MIG slice";
    case CUPTI_ERROR_NOT_INITIALIZED:
        return "install NVIDIA's driver, or a newer one";
    default:
        return "";
    }
}

} // namespace

std::string demangled(const char *name) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void *)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
    return status == 0 && text ? text.get() : name;
}

Status check(CUptiResult result, const char *call) {
    if (result == CUPTI_SUCCESS)
        return {};
    const char *text = nullptr;
    cuptiGetResultString(result, &text);
    return Error{std::string("CUPTI's ") + call, text ? text : "unknown error", remedy_for(result)};
}

DeviceInfo::Capability capability(const std::string &collector, const Status &state, const char *if_failed) {
    if (state)
        return {collector, "ok", ""};
    const Error &error = state.error();
    return {collector, if_failed, error.what + ": " + error.why, error.remedy};
}

} // namespace moescope::cupti
