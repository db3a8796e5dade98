#include "kernels/logprob/logprob_checks.h"

#include "kernels/common/argument_check.h"
#include "kernels/common/float_types.h"
#include "kernels/logprob/logit_rows.h"

#include <cstdint>
#include <limits>
#include <string>

namespace moescope::logprob {

namespace {

constexpr std::int64_t kMaxRows = std::int64_t(1) << 40;
constexpr std::int64_t kMaxElement = std::int64_t(1) << 60; // clear of 2^63 in bytes

bool fits(std::int64_t size, std::int64_t stride) {
    return size <= 1 || stride <= kMaxElement / (size - 1);
}

void check_sizes(ArgumentCheck &check, const ms_logits &logits) {
    std::int64_t rows = 1;
    for (int i = 0; i < 3 && !check.failed(); ++i) {
        const std::string field = "logits.sizes[" + std::to_string(i) + "]";
        check.range(field.c_str(), logits.sizes[i], 0, kMaxRows / (rows > 0 ? rows : 1),
                    "2^40 rows");
        rows *= logits.sizes[i];
    }
}

// Strides of the logits or, where `lowest` is 1, of an array that is written.
void check_strides(ArgumentCheck &check, const std::string &name, const ms_logits &logits,
                   const std::int64_t (&strides)[3], std::int64_t vocab_stride,
                   std::int64_t lowest) {
    for (int i = 0; i < 3 && !check.failed(); ++i) {
        const std::string field = name + "strides[" + std::to_string(i) + "]";
        check.range(field.c_str(), strides[i], logits.sizes[i] > 1 ? lowest : 0,
                    std::numeric_limits<std::int64_t>::max())
            .require(fits(logits.sizes[i], strides[i]), field.c_str(), std::to_string(strides[i]),
                     "at most 2^60 elements from the first row to the last");
    }
    const std::string field = name + "vocab_stride";
    check.range(field.c_str(), vocab_stride, 1, kMaxElement / logits.vocab);
}

template <class Args> void check_logits(ArgumentCheck &check, const Args &args) {
    const ms_logits &logits = args.logits;
    check.dtype("logits.dtype", logits.dtype, {MS_F32, MS_F16, MS_BF16})
        .range("logits.vocab", logits.vocab, 1, std::numeric_limits<std::int32_t>::max())
        .require(args.logit_scale >= 1e-6f && args.logit_scale <= 1e6f, "logit_scale",
                 std::to_string(args.logit_scale), "from 1e-6 to 1e6");
    check_sizes(check, logits);
    if (check.failed())
        return;
    check_strides(check, "logits.", logits, logits.strides, logits.vocab_stride, 0);
    if (row_count(logits) > 0)
        check.pointer("logits.data", logits.data, std::size_t(size_of(logits.dtype)));
}

template <class Args> void check_variant(ArgumentCheck &check, const Args &args) {
    check.range("variant", args.variant, MS_LOGPROB_ONE_READ, MS_LOGPROB_CHUNKED);
}

template <class Args> void check_selection(ArgumentCheck &check, const Args &args) {
    check.range("selected", args.selected, 1, kMaxSelected);
    if (!check.failed() && row_count(args.logits) > 0)
        check.pointer("indices", args.indices, alignof(std::int64_t));
}

// An array of N floats; no rows need none.
template <class Args>
void check_rows(ArgumentCheck &check, const Args &args, const char *field, const float *array) {
    if (!check.failed() && row_count(args.logits) > 0)
        check.pointer(field, array, alignof(float));
}

template <class Args> void check_gradient(ArgumentCheck &check, const Args &args) {
    if (check.failed())
        return;
    check_strides(check, "dlogits_", args.logits, args.dlogits_strides, args.dlogits_vocab_stride,
                  1);
    if (!check.failed() && row_count(args.logits) > 0)
        check.pointer("dlogits", args.dlogits, std::size_t(size_of(args.logits.dtype)));
}

} // namespace

ms_status check(const ms_entropy_args *args, ms_entropy_args &full) {
    ArgumentCheck check("ms_entropy");
    check.read(args, full);
    check_variant(check, full);
    check_logits(check, full);
    check_rows(check, full, "entropy", full.entropy);
    return check.optional_pointer("lse", full.lse, alignof(float)).status();
}

ms_status check(const ms_entropy_backward_args *args, ms_entropy_backward_args &full) {
    ArgumentCheck check("ms_entropy_backward");
    check.read(args, full);
    check_variant(check, full);
    check_logits(check, full);
    check_rows(check, full, "dentropy", full.dentropy);
    check_rows(check, full, "entropy", full.entropy);
    check_rows(check, full, "lse", full.lse);
    check_gradient(check, full);
    return check.status();
}

ms_status check(const ms_selective_log_softmax_args *args, ms_selective_log_softmax_args &full) {
    ArgumentCheck check("ms_selective_log_softmax");
    check.read(args, full);
    check_variant(check, full);
    check_logits(check, full);
    check_selection(check, full);
    check_rows(check, full, "logps", full.logps);
    return check.optional_pointer("lse", full.lse, alignof(float)).status();
}

ms_status check(const ms_selective_log_softmax_backward_args *args,
                ms_selective_log_softmax_backward_args &full) {
    ArgumentCheck check("ms_selective_log_softmax_backward");
    check.read(args, full);
    check_variant(check, full);
    check_logits(check, full);
    check_selection(check, full);
    check_rows(check, full, "dlogps", full.dlogps);
    check_rows(check, full, "lse", full.lse);
    check_gradient(check, full);
    return check.status();
}

ms_status check(const ms_logprob_stats_args *args, ms_logprob_stats_args &full) {
    ArgumentCheck check("ms_logprob_stats");
    check.read(args, full);
    check_logits(check, full);
    check_selection(check, full);
    check_rows(check, full, "entropy", full.entropy);
    check_rows(check, full, "logps", full.logps);
    check_rows(check, full, "lse", full.lse);
    return check.status();
}

ms_status check_workspace(const char *function, const void *workspace, std::size_t bytes,
                          std::size_t needed) {
    ArgumentCheck check(function);
    if (needed > 0)
        check.pointer("workspace", workspace, 16)
            .range("workspace_bytes", std::int64_t(bytes), std::int64_t(needed),
                   std::numeric_limits<std::int64_t>::max());
    return check.status();
}

} // namespace moescope::logprob
