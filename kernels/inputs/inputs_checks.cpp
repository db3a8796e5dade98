#include "kernels/inputs/inputs_checks.h"

#include "kernels/common/argument_check.h"

#include <cmath>
#include <cstdint>
#include <limits>

namespace moescope {

namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

bool is_power_of_two(float value) {
    int exponent = 0;
    return std::isfinite(value) && std::frexp(value, &exponent) == 0.5f;
}

} // namespace

ms_status check_fill_uniform(const FillUniformArgs *args) {
    ArgumentCheck check("fill_uniform");
    check.dtype("dtype", args->dtype, {MS_F32, MS_F16, MS_BF16})
        .require(is_power_of_two(args->scale), "scale", std::to_string(args->scale),
                 "a power of two")
        .range("count", args->count, 0, kNoLimit)
        .require(args->first >= 0 && args->first % 8 == 0, "first", std::to_string(args->first),
                 "a multiple of 8");
    if (args->count > 0)
        check.pointer("data", args->data, args->dtype == MS_F32 ? 4 : 2);
    return check.status();
}

ms_status check_fill_bytes(const FillBytesArgs *args) {
    ArgumentCheck check("fill_bytes");
    check.range("count", args->count, 0, kNoLimit);
    if (args->count > 0)
        check.pointer("data", args->data, 1);
    return check.status();
}

ms_status check_routing_logits(const RoutingLogitsArgs *args) {
    return ArgumentCheck("routing_logits")
        .range("tokens", args->tokens, 1, kNoLimit)
        .range("experts", args->experts, 1, std::numeric_limits<std::int32_t>::max())
        .require(args->hot_share >= 0.0f && args->hot_share <= 1.0f, "hot_share",
                 std::to_string(args->hot_share), "from 0 to 1")
        .dtype("dtype", args->dtype, {MS_F32, MS_F16, MS_BF16})
        .pointer("logits", args->logits, args->dtype == MS_F32 ? 4 : 2)
        .pointer("log_popularity", args->log_popularity, 4)
        .pointer("gumbel_table", args->gumbel_table, 4)
        .status();
}

} // namespace moescope
