#include "kernels/common/float_types.h"
#include "kernels/common/parallel_for.h"
#include "kernels/common/status.h"
#include "kernels/mlp/mlp_checks.h"
#include "kernels/reference.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace moescope::reference {

namespace {

// The row of y that belongs to a slot, -1 for none.
template <class Args> std::int64_t row_of(const Args &args, std::int64_t slot) {
    if (args.inverse == nullptr)
        return slot;
    const std::int64_t position = args.inverse[slot];
    return position < 0 || args.y_grouped ? position : slot;
}

template <class Args> double weight_of(const Args &args, std::int64_t slot) {
    return args.weights ? double(args.weights[slot]) : 1.0;
}

void combine_token(const ms_combine_args &args, std::int64_t token, std::vector<double> &sums) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (std::int64_t slot = token * args.top_k; slot < (token + 1) * args.top_k; ++slot) {
        const std::int64_t row = row_of(args, slot);
        if (row < 0)
            continue;
        const double weight = weight_of(args, slot);
        for (std::int64_t n = 0; n < args.width; ++n)
            sums[std::size_t(n)] +=
                weight * double(load_as_float(args.y, args.dtype, row * args.y_stride + n));
    }
    for (std::int64_t n = 0; n < args.width; ++n)
        store_from_float(args.out, args.out_dtype, token * args.out_stride + n,
                         float(sums[std::size_t(n)]));
}

void spread_slot(const ms_combine_backward_args &args, std::int64_t slot) {
    const std::int64_t row = row_of(args, slot);
    if (row < 0) {
        if (args.dweights)
            args.dweights[slot] = 0;
        return;
    }
    const std::int64_t dout = slot / args.top_k * args.dout_stride;
    double dot = 0;
    for (std::int64_t n = 0; n < args.width; ++n) {
        const double gradient = load_as_float(args.dout, args.dout_dtype, dout + n);
        if (args.dweights) // before dy, which may be y
            dot += gradient * double(load_as_float(args.y, args.dtype, row * args.y_stride + n));
        if (args.dy)
            store_from_float(args.dy, args.dtype, row * args.dy_stride + n,
                             float(weight_of(args, slot) * gradient));
    }
    if (args.dweights)
        args.dweights[slot] = float(dot);
}

} // namespace

ms_status combine(const ms_combine_args *args, ms_stream) {
    ms_combine_args full;
    if (const ms_status status = check_combine(args, full))
        return status;
    parallel_for(full.tokens, 1, [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> sums(std::size_t(full.width));
        for (std::int64_t token = begin; token < end; ++token)
            combine_token(full, token, sums);
    });
    return succeed();
}

ms_status combine_backward(const ms_combine_backward_args *args, ms_stream) {
    ms_combine_backward_args full;
    if (const ms_status status = check_combine_backward(args, full))
        return status;
    parallel_for(full.tokens * full.top_k, 4, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t slot = begin; slot < end; ++slot)
            spread_slot(full, slot);
    });
    return succeed();
}

} // namespace moescope::reference
