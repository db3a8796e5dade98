#include "kernels/common/status.h"

#include <utility>

namespace moescope {

namespace {
thread_local std::string message_;
}

ms_status fail(ms_status code, std::string message) {
    message_ = std::move(message);
    return code;
}

ms_status succeed() {
    message_.clear();
    return MS_OK;
}

const std::string &last_error_message() { return message_; }

} // namespace moescope

extern "C" const char *ms_last_error(void) { return moescope::last_error_message().c_str(); }
extern "C" uint32_t ms_abi_version(void) { return MS_ABI_VERSION; }
