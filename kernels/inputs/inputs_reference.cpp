#include "kernels/common/float_types.h"
#include "kernels/common/parallel_for.h"
#include "kernels/inputs/counter_hash.h"
#include "kernels/inputs/inputs.h"
#include "kernels/inputs/inputs_checks.h"

#include <cstdint>

namespace moescope::reference {

ms_status fill_uniform(const FillUniformArgs *args, ms_stream) {
    if (const ms_status status = check_fill_uniform(args))
        return status;
    const std::uint64_t key = hash_key(args->seed, args->tensor);
    const float step = args->scale / 128.0f;
    parallel_for(args->count, 1 << 16, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            const std::uint64_t hash = hash_at(key, static_cast<std::uint64_t>(args->first + i) / 8);
            store_from_float(args->data, args->dtype, i,
                             uniform_of(byte_of(hash, int(i % 8)), step));
        }
    });
    return MS_OK;
}

ms_status fill_bytes(const FillBytesArgs *args, ms_stream) {
    if (const ms_status status = check_fill_bytes(args))
        return status;
    const std::uint64_t key = hash_key(args->seed, args->tensor);
    parallel_for(args->count, 1 << 16, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
            args->data[i] = byte_of(hash_at(key, static_cast<std::uint64_t>(i) / 8), int(i % 8));
    });
    return MS_OK;
}

ms_status routing_logits(const RoutingLogitsArgs *args, ms_stream) {
    if (const ms_status status = check_routing_logits(args))
        return status;
    const std::uint64_t gumbel_key = hash_key(args->seed, kGumbelStream);
    const std::uint64_t hot_key = hash_key(args->seed, kHotStream);
    const std::uint32_t threshold = hot_threshold(args->hot_share);
    parallel_for(args->tokens, 64, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t token = begin; token < end; ++token) {
            const bool hot = is_hot(hot_key, token, threshold);
            for (std::int32_t expert = 0; expert < args->experts; ++expert) {
                const std::int64_t i = token * args->experts + expert;
                const float logit = gumbel_logit(args->log_popularity[expert], args->gumbel_table,
                                                 gumbel_key, i);
                store_from_float(args->logits, args->dtype, i,
                                 logit + (hot && expert == 0 ? kHotBonus : 0.0f));
            }
        }
    });
    return MS_OK;
}

} // namespace moescope::reference
