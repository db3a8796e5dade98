#include "kernels/common/float_types.h"
#include "kernels/common/parallel_for.h"
#include "kernels/common/status.h"
#include "kernels/mlp/activation_math.h"
#include "kernels/mlp/mlp_checks.h"
#include "kernels/reference.h"

#include <cstdint>

namespace moescope::reference {

namespace {

// Where the gate and the up of an output column stand in a row of h.
struct Columns {
    std::int64_t gate, up;
};
template <class Args> Columns columns_of(const Args &args, std::int64_t column) {
    if (!args.gated)
        return {column, column};
    return args.interleaved ? Columns{2 * column, 2 * column + 1}
                            : Columns{column, args.width + column};
}

template <class Args>
GatedValue<double> value_at(const Args &args, std::int64_t row, std::int64_t column) {
    const Columns at = columns_of(args, column);
    const double gate = load_as_float(args.h, args.dtype, row * args.h_stride + at.gate);
    if (!args.gated) {
        const ValueAndSlope<double> act = activate(args.kind, double(args.alpha), gate);
        return {act.value, act.slope, 0};
    }
    const double up = load_as_float(args.h, args.dtype, row * args.h_stride + at.up);
    return activate_gated(args.kind, double(args.alpha), double(args.limit), gate, up);
}

// Runs body(row, slot) for every row that counts.
template <class Args, class Body> void for_each_row(const Args &args, Body body) {
    parallel_for(args.rows, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row)
            if (const std::int64_t slot = args.slots ? args.slots[row] : row; slot >= 0)
                body(row, slot);
    });
}

void row_backward(const ms_gated_activation_backward_args &args, std::int64_t row,
                  std::int64_t slot) {
    const double weight = args.weights ? double(args.weights[slot]) : 1.0;
    double dot = 0;
    for (std::int64_t column = 0; column < args.width; ++column) {
        const GatedValue<double> act = value_at(args, row, column);
        const double dout = load_as_float(args.dout, args.dtype, row * args.dout_stride + column);
        dot += dout * act.value;
        const Columns at = columns_of(args, column);
        const std::int64_t dh = row * args.dh_stride;
        store_from_float(args.dh, args.dtype, dh + at.gate, float(weight * dout * act.by_gate));
        if (args.gated)
            store_from_float(args.dh, args.dtype, dh + at.up, float(weight * dout * act.by_up));
        if (args.out)
            store_from_float(args.out, args.dtype, row * args.out_stride + column,
                             float(weight * act.value));
    }
    if (args.dweights)
        args.dweights[slot] = float(dot);
}

} // namespace

ms_status gated_activation(const ms_gated_activation_args *args, ms_stream) {
    ms_gated_activation_args full;
    if (const ms_status status = check_gated_activation(args, full))
        return status;
    for_each_row(full, [&](std::int64_t row, std::int64_t slot) {
        const double weight = full.weights ? double(full.weights[slot]) : 1.0;
        for (std::int64_t column = 0; column < full.width; ++column)
            store_from_float(full.out, full.dtype, row * full.out_stride + column,
                             float(weight * value_at(full, row, column).value));
    });
    return succeed();
}

ms_status gated_activation_backward(const ms_gated_activation_backward_args *args, ms_stream) {
    ms_gated_activation_backward_args full;
    if (const ms_status status = check_gated_activation_backward(args, full))
        return status;
    for_each_row(full, [&](std::int64_t row, std::int64_t slot) { row_backward(full, row, slot); });
    return succeed();
}

} // namespace moescope::reference
