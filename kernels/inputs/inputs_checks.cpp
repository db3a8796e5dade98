#include "kernels/inputs/inputs_checks.h"

#include "kernels/common/status.h"

#include <cmath>

namespace moescope {

namespace {

ms_status check_array(const char *name, const void *data, std::int64_t count) {
    if (count < 0)
        return fail(MS_INVALID_ARGUMENT, "count is " + std::to_string(count) + "; it must be >= 0");
    if (data == nullptr && count > 0)
        return fail(MS_INVALID_ARGUMENT, std::string(name) + " is null; it must point to " +
                                             std::to_string(count) + " elements");
    return succeed();
}

bool is_power_of_two(float value) {
    int exponent = 0;
    return std::isfinite(value) && std::frexp(value, &exponent) == 0.5f;
}

} // namespace

ms_status check_fill_uniform(const FillUniformArgs *args) {
    if (args->dtype != MS_F32 && args->dtype != MS_F16 && args->dtype != MS_BF16)
        return fail(MS_INVALID_ARGUMENT, "dtype is " + std::to_string(args->dtype) +
                                             "; it must be 0 (f32), 1 (f16) or 2 (bf16)");
    if (!is_power_of_two(args->scale))
        return fail(MS_INVALID_ARGUMENT,
                    "scale is " + std::to_string(args->scale) + "; it must be a power of two");
    return check_array("data", args->data, args->count);
}

ms_status check_fill_bytes(const FillBytesArgs *args) {
    return check_array("data", args->data, args->count);
}

ms_status check_routing_logits(const RoutingLogitsArgs *args) {
    if (args->tokens < 1)
        return fail(MS_INVALID_ARGUMENT,
                    "tokens is " + std::to_string(args->tokens) + "; it must be >= 1");
    if (args->experts < 1)
        return fail(MS_INVALID_ARGUMENT,
                    "experts is " + std::to_string(args->experts) + "; it must be >= 1");
    if (!(args->hot_share >= 0.0f && args->hot_share <= 1.0f))
        return fail(MS_INVALID_ARGUMENT,
                    "hot_share is " + std::to_string(args->hot_share) + "; it must be in 0..1");
    if (args->logits == nullptr || args->log_popularity == nullptr || args->gumbel_table == nullptr)
        return fail(MS_INVALID_ARGUMENT,
                    "logits, log_popularity and gumbel_table must not be null");
    return succeed();
}

} // namespace moescope
