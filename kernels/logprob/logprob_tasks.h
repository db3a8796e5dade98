// The two passes behind the log-probability operators: from logits to a few numbers a row, and from
// those back to gradients. Arguments are checked already.
#pragma once

#include "kernels/include/moescope/kernels.h"

#include <cstddef>
#include <cstdint>

namespace moescope::logprob {

// What a row gives; outputs that are null are left out.
struct StatsTask {
    ms_logits logits;
    float scale;
    const std::int64_t *indices; // [N, selected]
    std::int32_t selected;       // 0 for none
    float *entropy;
    float *logps;
    float *lse;
    void *workspace;
};

// dentropy or dlogps is set.
struct GradientTask {
    ms_logits logits;
    float scale;
    const float *lse;
    const float *dentropy, *entropy;
    const std::int64_t *indices; // [N, selected]
    std::int32_t selected;       // 0 without dlogps
    const float *dlogps;
    void *dlogits;
    std::int64_t strides[3], vocab_stride; // of dlogits
    void *workspace;
};

// One read of the logits.
std::size_t stats_workspace_bytes();
ms_status stats(const StatsTask &task, ms_stream stream);
// One read of the logits and one write of the gradients.
ms_status gradient(const GradientTask &task, ms_stream stream);

// The baselines: log_softmax of a chunk of rows at a time, through memory.
std::size_t chunked_workspace_bytes(const ms_logits &logits);
ms_status chunked_stats(const StatsTask &task, ms_stream stream);
ms_status chunked_gradient(const GradientTask &task, ms_stream stream);

} // namespace moescope::logprob
