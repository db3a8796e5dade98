#include "kernels/common/float_types.h"
#include "kernels/common/parallel_for.h"
#include "kernels/common/status.h"
#include "kernels/logprob/logit_rows.h"
#include "kernels/logprob/logprob_checks.h"
#include "kernels/reference.h"

#include <cmath>
#include <cstdint>
#include <limits>

namespace moescope::reference {

namespace {

using logprob::row_count;
using logprob::row_map;
using logprob::RowMap;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// One row of scaled logits, widened.
struct Row {
    const ms_logits *logits;
    std::int64_t start;
    double scale;

    double operator[](std::int64_t i) const {
        return scale * double(load_as_float(logits->data, logits->dtype,
                                            start + i * logits->vocab_stride));
    }
    bool has(std::int64_t index) const { return index >= 0 && index < logits->vocab; }
};

template <class Args> Row row_of(const Args &args, const RowMap &map, std::int64_t row) {
    return {&args.logits, map.offset(row), double(args.logit_scale)};
}

template <class Args, class Body> void for_each_row(const Args &args, const Body &body) {
    const RowMap map = row_map(args.logits.sizes, args.logits.strides);
    parallel_for(row_count(args.logits), 1 + (1 << 14) / args.logits.vocab,
                 [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t row = begin; row < end; ++row)
                         body(row_of(args, map, row), row);
                 });
}

struct Sums {
    double largest = -kInfinity, mass = 0, weighted = 0; // m, S, W of the header's formula

    double entropy() const { return std::log(mass) - weighted / mass; }
    double lse() const { return largest + std::log(mass); }
    double log_probability(double z) const { return z - largest - std::log(mass); }
};

// A NaN or +infinity makes the mass NaN, and with it every result.
Sums sums_of(const Row &row) {
    Sums sums;
    const std::int64_t vocab = row.logits->vocab;
    for (std::int64_t i = 0; i < vocab; ++i)
        sums.largest = std::fmax(sums.largest, row[i]);
    for (std::int64_t i = 0; i < vocab; ++i) {
        const double z = row[i];
        if (z == -kInfinity)
            continue;
        const double term = std::exp(z - sums.largest);
        sums.mass += term;
        sums.weighted += term * (z - sums.largest);
    }
    return sums;
}

void select(const Row &row, const Sums &sums, const std::int64_t *indices, std::int32_t selected,
            float *logps) {
    for (std::int32_t j = 0; j < selected; ++j)
        logps[j] =
            row.has(indices[j]) ? float(sums.log_probability(row[indices[j]])) : 0.0f;
}

// lse as the backward passes take it: an infinite one stands for a row without a distribution.
double finite_or_nan(float lse) {
    return std::isfinite(lse) ? double(lse) : std::numeric_limits<double>::quiet_NaN();
}

// dlogits[i] = scale * gradient(i, log p_i).
template <class Args, class Gradient>
void write_gradient(const Args &args, const Row &row, const RowMap &out, std::int64_t r,
                    const Gradient &gradient) {
    const double lse = finite_or_nan(args.lse[r]);
    const std::int64_t start = out.offset(r);
    for (std::int64_t i = 0; i < args.logits.vocab; ++i) {
        const double log_p = row[i] - lse;
        store_from_float(args.dlogits, args.logits.dtype,
                         start + i * args.dlogits_vocab_stride,
                         float(row.scale * gradient(i, log_p)));
    }
}

} // namespace

ms_status entropy(const ms_entropy_args *args, ms_stream) {
    ms_entropy_args full;
    if (const ms_status status = logprob::check(args, full))
        return status;
    for_each_row(full, [&](const Row &row, std::int64_t r) {
        const Sums sums = sums_of(row);
        full.entropy[r] = float(sums.entropy());
        if (full.lse)
            full.lse[r] = float(sums.lse());
    });
    return succeed();
}

ms_status selective_log_softmax(const ms_selective_log_softmax_args *args, ms_stream) {
    ms_selective_log_softmax_args full;
    if (const ms_status status = logprob::check(args, full))
        return status;
    for_each_row(full, [&](const Row &row, std::int64_t r) {
        const Sums sums = sums_of(row);
        select(row, sums, full.indices + r * full.selected, full.selected,
               full.logps + r * full.selected);
        if (full.lse)
            full.lse[r] = float(sums.lse());
    });
    return succeed();
}

ms_status logprob_stats(const ms_logprob_stats_args *args, ms_stream) {
    ms_logprob_stats_args full;
    if (const ms_status status = logprob::check(args, full))
        return status;
    for_each_row(full, [&](const Row &row, std::int64_t r) {
        const Sums sums = sums_of(row);
        full.entropy[r] = float(sums.entropy());
        full.lse[r] = float(sums.lse());
        select(row, sums, full.indices + r * full.selected, full.selected,
               full.logps + r * full.selected);
    });
    return succeed();
}

ms_status entropy_backward(const ms_entropy_backward_args *args, ms_stream) {
    ms_entropy_backward_args full;
    if (const ms_status status = logprob::check(args, full))
        return status;
    const RowMap out = row_map(full.logits.sizes, full.dlogits_strides);
    for_each_row(full, [&](const Row &row, std::int64_t r) {
        const double step = -double(full.dentropy[r]), entropy = full.entropy[r];
        write_gradient(full, row, out, r, [&](std::int64_t, double log_p) {
            return log_p == -kInfinity ? 0.0 : step * std::exp(log_p) * (log_p + entropy);
        });
    });
    return succeed();
}

ms_status selective_log_softmax_backward(const ms_selective_log_softmax_backward_args *args,
                                         ms_stream) {
    ms_selective_log_softmax_backward_args full;
    if (const ms_status status = logprob::check(args, full))
        return status;
    const RowMap out = row_map(full.logits.sizes, full.dlogits_strides);
    for_each_row(full, [&](const Row &row, std::int64_t r) {
        const std::int64_t *indices = full.indices + r * full.selected;
        const float *dlogps = full.dlogps + r * full.selected;
        double sum = 0;
        for (std::int32_t j = 0; j < full.selected; ++j)
            if (row.has(indices[j]))
                sum += dlogps[j];
        write_gradient(full, row, out, r, [&](std::int64_t i, double log_p) {
            double gradient = -std::exp(log_p) * sum;
            for (std::int32_t j = 0; j < full.selected; ++j)
                if (indices[j] == i)
                    gradient += dlogps[j];
            return gradient;
        });
    });
    return succeed();
}

} // namespace moescope::reference
