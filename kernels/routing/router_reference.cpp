#include "kernels/common/float_types.h"
#include "kernels/common/parallel_for.h"
#include "kernels/reference.h"
#include "kernels/routing/routing_checks.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace moescope::reference {

namespace {

// A [rows, columns] matrix widened to float32 once: its elements are read many times.
std::vector<float> widen(const void *data, ms_dtype dtype, std::int64_t rows,
                         std::int64_t columns) {
    std::vector<float> wide(std::size_t(rows * columns));
    parallel_for(rows, 1 + 65536 / columns, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin * columns; i < end * columns; ++i)
            wide[std::size_t(i)] = load_as_float(data, dtype, i);
    });
    return wide;
}

double dot(const float *a, const float *b, std::int64_t count) {
    double sum[4] = {}; // independent chains: several times the speed of one
    std::int64_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (int lane = 0; lane < 4; ++lane)
            sum[lane] += double(a[i + lane]) * b[i + lane];
    for (; i < count; ++i)
        sum[0] += double(a[i]) * b[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

struct WideRouter {
    const ms_router_args &args;
    std::vector<float> gate, lora_a, lora_b;

    explicit WideRouter(const ms_router_args &router)
        : args(router), gate(widen(router.gate, router.dtype, router.experts, router.hidden_size)) {
        if (router.rank == 0)
            return;
        lora_a = widen(router.lora_a, router.dtype, router.rank, router.hidden_size);
        lora_b = widen(router.lora_b, router.dtype, router.experts, router.rank);
    }

    // hidden * lora_a^T, rounded to dtype before it meets lora_b.
    std::vector<float> project(const float *hidden) const {
        std::vector<float> xa(std::size_t(args.rank));
        for (std::int32_t r = 0; r < args.rank; ++r)
            xa[std::size_t(r)] = round_to(
                args.dtype,
                float(dot(hidden, &lora_a[std::size_t(r) * args.hidden_size], args.hidden_size)));
        return xa;
    }

    void logits_of(std::int64_t token) const {
        std::vector<float> hidden(std::size_t(args.hidden_size));
        for (std::int32_t h = 0; h < args.hidden_size; ++h)
            hidden[std::size_t(h)] =
                load_as_float(args.hidden, args.dtype, token * args.hidden_stride + h);
        const std::vector<float> xa = project(hidden.data());
        for (std::int32_t expert = 0; expert < args.experts; ++expert) {
            double logit =
                dot(hidden.data(), &gate[std::size_t(expert) * args.hidden_size], args.hidden_size);
            if (args.rank > 0)
                logit += args.scaling *
                         dot(xa.data(), &lora_b[std::size_t(expert) * args.rank], args.rank);
            args.logits[token * args.experts + expert] = float(logit);
        }
    }
};

} // namespace

ms_status router(const ms_router_args *args, ms_stream stream) {
    CheckedRouter full;
    if (const ms_status status = check_router(args, full); status != MS_OK)
        return status;
    const WideRouter wide(full.args);
    parallel_for(full.args.tokens, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t token = begin; token < end; ++token)
            wide.logits_of(token);
    });
    return topk(&full.topk, stream);
}

} // namespace moescope::reference
