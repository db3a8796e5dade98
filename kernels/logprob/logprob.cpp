// The C interface of the family.
#include "kernels/common/status.h"
#include "kernels/logprob/logit_rows.h"
#include "kernels/logprob/logprob_checks.h"
#include "kernels/logprob/logprob_tasks.h"

namespace moescope::logprob {

namespace {

std::size_t stats_bytes(ms_logprob_variant variant, const ms_logits &logits) {
    return variant == MS_LOGPROB_CHUNKED ? chunked_workspace_bytes(logits)
                                         : stats_workspace_bytes();
}

std::size_t gradient_bytes(ms_logprob_variant variant, const ms_logits &logits) {
    return variant == MS_LOGPROB_CHUNKED ? chunked_workspace_bytes(logits) : 0;
}

ms_status run(const char *function, ms_logprob_variant variant, const StatsTask &task,
              std::size_t workspace_bytes, ms_stream stream) {
    if (row_count(task.logits) == 0)
        return succeed();
    if (const ms_status status = check_workspace(function, task.workspace, workspace_bytes,
                                                 stats_bytes(variant, task.logits)))
        return status;
    return variant == MS_LOGPROB_CHUNKED ? chunked_stats(task, stream) : stats(task, stream);
}

ms_status run(const char *function, ms_logprob_variant variant, const GradientTask &task,
              std::size_t workspace_bytes, ms_stream stream) {
    if (row_count(task.logits) == 0)
        return succeed();
    if (const ms_status status = check_workspace(function, task.workspace, workspace_bytes,
                                                 gradient_bytes(variant, task.logits)))
        return status;
    return variant == MS_LOGPROB_CHUNKED ? chunked_gradient(task, stream)
                                         : gradient(task, stream);
}

// Where a gradient goes; the rest of the task is the operator's.
template <class Args> GradientTask gradient_task(const Args &args) {
    GradientTask task{};
    task.logits = args.logits;
    task.scale = args.logit_scale;
    task.lse = args.lse;
    task.dlogits = args.dlogits;
    for (int i = 0; i < 3; ++i)
        task.strides[i] = args.dlogits_strides[i];
    task.vocab_stride = args.dlogits_vocab_stride;
    task.workspace = args.workspace;
    return task;
}

} // namespace

} // namespace moescope::logprob

using namespace moescope;
using namespace moescope::logprob;

extern "C" size_t ms_entropy_workspace_bytes(const ms_entropy_args *args) {
    return args ? stats_bytes(args->variant, args->logits) : 0;
}

extern "C" ms_status ms_entropy(const ms_entropy_args *args, ms_stream stream) {
    ms_entropy_args full;
    if (const ms_status status = check(args, full))
        return status;
    const StatsTask task{full.logits, full.logit_scale, nullptr,  0,
                         full.entropy, nullptr,         full.lse, full.workspace};
    return run("ms_entropy", full.variant, task, full.workspace_bytes, stream);
}

extern "C" size_t ms_entropy_backward_workspace_bytes(const ms_entropy_backward_args *args) {
    return args ? gradient_bytes(args->variant, args->logits) : 0;
}

extern "C" ms_status ms_entropy_backward(const ms_entropy_backward_args *args, ms_stream stream) {
    ms_entropy_backward_args full;
    if (const ms_status status = check(args, full))
        return status;
    GradientTask task = gradient_task(full);
    task.dentropy = full.dentropy;
    task.entropy = full.entropy;
    return run("ms_entropy_backward", full.variant, task, full.workspace_bytes, stream);
}

extern "C" size_t
ms_selective_log_softmax_workspace_bytes(const ms_selective_log_softmax_args *args) {
    return args ? stats_bytes(args->variant, args->logits) : 0;
}

extern "C" ms_status ms_selective_log_softmax(const ms_selective_log_softmax_args *args,
                                              ms_stream stream) {
    ms_selective_log_softmax_args full;
    if (const ms_status status = check(args, full))
        return status;
    const StatsTask task{full.logits, full.logit_scale, full.indices, full.selected,
                         nullptr,     full.logps,       full.lse,     full.workspace};
    return run("ms_selective_log_softmax", full.variant, task, full.workspace_bytes, stream);
}

extern "C" size_t ms_selective_log_softmax_backward_workspace_bytes(
    const ms_selective_log_softmax_backward_args *args) {
    return args ? gradient_bytes(args->variant, args->logits) : 0;
}

extern "C" ms_status ms_selective_log_softmax_backward(
    const ms_selective_log_softmax_backward_args *args, ms_stream stream) {
    ms_selective_log_softmax_backward_args full;
    if (const ms_status status = check(args, full))
        return status;
    GradientTask task = gradient_task(full);
    task.indices = full.indices;
    task.selected = full.selected;
    task.dlogps = full.dlogps;
    return run("ms_selective_log_softmax_backward", full.variant, task, full.workspace_bytes,
               stream);
}

extern "C" size_t ms_logprob_stats_workspace_bytes(const ms_logprob_stats_args *) {
    return stats_workspace_bytes();
}

extern "C" ms_status ms_logprob_stats(const ms_logprob_stats_args *args, ms_stream stream) {
    ms_logprob_stats_args full;
    if (const ms_status status = check(args, full))
        return status;
    const StatsTask task{full.logits,  full.logit_scale, full.indices, full.selected,
                         full.entropy, full.logps,       full.lse,     full.workspace};
    return run("ms_logprob_stats", MS_LOGPROB_ONE_READ, task, full.workspace_bytes, stream);
}
