// What the log-probability operators accept; shared by CUDA and reference. On success `full` holds
// the arguments. The workspace is not looked at: references have none.
#pragma once

#include "kernels/include/moescope/kernels.h"

#include <cstddef>
#include <cstdint>

namespace moescope::logprob {

constexpr std::int32_t kMaxSelected = 1024;

ms_status check(const ms_entropy_args *args, ms_entropy_args &full);
ms_status check(const ms_entropy_backward_args *args, ms_entropy_backward_args &full);
ms_status check(const ms_selective_log_softmax_args *args, ms_selective_log_softmax_args &full);
ms_status check(const ms_selective_log_softmax_backward_args *args,
                ms_selective_log_softmax_backward_args &full);
ms_status check(const ms_logprob_stats_args *args, ms_logprob_stats_args &full);

ms_status check_workspace(const char *function, const void *workspace, std::size_t bytes,
                          std::size_t needed);

} // namespace moescope::logprob
