// Rows between the memories of several GPUs, by NCCL: its library is taken where it happens to be at run
// time (the user's framework has one), never linked.
#pragma once

#include "profiler/worker/ranks/rank_group.h"

#include "kernels/include/moescope/base.h"

#include <memory>

namespace moescope {

// One communicator of all ranks of the meeting, on the current device; every rank calls it. The error
// says what is missing, and of which rank where it is another's.
Result<std::unique_ptr<RowTransport>> make_nccl_transport(Meeting &meeting, ms_stream stream);

} // namespace moescope
