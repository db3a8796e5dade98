// Takes a caller's versioned args struct: the fields its struct_size covers, zero for the rest.
#pragma once

#include "kernels/common/status.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace moescope {

// The struct as this library knows it. A caller older than the library hands a shorter one, a newer
// caller a longer one whose extra fields are not ours to read.
template <class Args> ms_status read_args(const Args *args, const char *name, Args &out) {
    if (args == nullptr)
        return fail(MS_INVALID_ARGUMENT, std::string(name) + " is null");
    if (args->struct_size < sizeof(args->struct_size) || args->struct_size > 4096)
        return fail(MS_INVALID_ARGUMENT, std::string(name) + ".struct_size is " +
                                             std::to_string(args->struct_size) +
                                             "; it must be the size of the struct (" +
                                             std::to_string(sizeof(Args)) + " in this version)");
    out = Args{};
    std::memcpy(&out, args, std::min<std::size_t>(args->struct_size, sizeof(Args)));
    return MS_OK;
}

} // namespace moescope
