// dA = s * YB^T X and dB = s * dY^T XA on the CPU, one expert's block of columns at a time, on all
// cores. Products of two 16-bit floats are exact in float32; everything is summed in float64, row by
// row in sorted order, and rounded once. The recompute variant makes XA and YB first, rounded to
// dtype as its kernel does.
#include "kernels/common/float_types.h"
#include "kernels/common/parallel_for.h"
#include "kernels/common/status.h"
#include "kernels/lora_grad/lora_grad_checks.h"
#include "kernels/reference.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace moescope::reference {

namespace {

constexpr int kBlockColumns = 128;

class LoraGradient {
  public:
    explicit LoraGradient(const ms_lora_grad_args &args)
        : args_(args), stride_((args.rank + 7) / 8 * 8) {}

    void run() {
        const std::uint16_t *xa = static_cast<const std::uint16_t *>(args_.xa);
        const std::uint16_t *yb = static_cast<const std::uint16_t *>(args_.yb);
        std::vector<std::uint16_t> own_xa, own_yb;
        if (args_.variant == MS_LORA_GRAD_RECOMPUTE) {
            if (args_.db) // XA[r] = sum over k of x[k] * A[r, k]
                own_xa = project(x(), args_.lora_a, args_.k, args_.k, 1);
            if (args_.da) // YB[r] = sum over n of dy[n] * B[n, r]
                own_yb = project(dy(), args_.lora_b, args_.n, 1, args_.rank);
            xa = own_xa.data();
            yb = own_yb.data();
        }
        if (args_.da)
            gradient(x(), yb, args_.k, args_.da, args_.k, 1);
        if (args_.db)
            gradient(dy(), xa, args_.n, args_.db, 1, args_.rank);
    }

  private:
    struct Rows {
        const std::uint16_t *data;
        std::int64_t stride;
        std::int32_t divisor; // row of slot s is s / divisor; 0: sorted order
    };
    Rows x() const {
        return {static_cast<const std::uint16_t *>(args_.x), args_.x_stride,
                args_.x_grouped ? 0 : args_.top_k};
    }
    Rows dy() const {
        return {static_cast<const std::uint16_t *>(args_.dy), args_.dy_stride,
                args_.dy_grouped ? 0 : 1};
    }
    const std::uint16_t *row(const Rows &rows, std::int64_t position) const {
        return rows.data + (rows.divisor == 0 ? position
                                              : args_.sorted_slots[position] / rows.divisor) *
                               rows.stride;
    }
    float widen(std::uint16_t bits) const {
        return args_.dtype == MS_BF16 ? bf16_to_float(bits) : f16_to_float(bits);
    }

    // [S, stride_] by sorted position: row * matrix, whose element (r, d) stands at r * r_step +
    // d * d_step of an expert's.
    std::vector<std::uint16_t> project(const Rows &rows, const void *matrices, std::int32_t depth,
                                       std::int64_t r_step, std::int64_t d_step) const {
        std::vector<std::uint16_t> result(std::size_t(args_.slots * stride_));
        parallel_for(args_.experts, 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t e = begin; e < end; ++e)
                for (std::int64_t p = args_.offsets[e]; p < args_.offsets[e + 1]; ++p)
                    for (std::int32_t r = 0; r < args_.rank; ++r) {
                        const std::uint16_t *from = row(rows, p);
                        const std::uint16_t *m = static_cast<const std::uint16_t *>(matrices) +
                                                 e * args_.rank * depth + r * r_step;
                        double sum = 0;
                        for (std::int32_t d = 0; d < depth; ++d)
                            sum += double(widen(from[d])) * widen(m[d * d_step]);
                        store_from_float(result.data(), args_.dtype, p * stride_ + r, float(sum));
                    }
        });
        return result;
    }

    // Element (r, c) of an expert's result stands at r * r_step + c * c_step.
    void gradient(const Rows &rows, const std::uint16_t *v, std::int32_t columns, void *out,
                  std::int64_t r_step, std::int64_t c_step) const {
        const std::int64_t blocks = (columns + kBlockColumns - 1) / kBlockColumns;
        parallel_for(args_.experts * blocks, 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                const std::int64_t e = i / blocks, c0 = i % blocks * kBlockColumns;
                const std::int64_t width = std::min<std::int64_t>(kBlockColumns, columns - c0);
                std::vector<double> sums(std::size_t(args_.rank * kBlockColumns));
                for (std::int64_t p = args_.offsets[e]; p < args_.offsets[e + 1]; ++p)
                    add_row(row(rows, p) + c0, v + p * stride_, width, sums);
                for (std::int64_t r = 0; r < args_.rank; ++r)
                    for (std::int64_t c = 0; c < width; ++c)
                        store_from_float(out, args_.out_dtype,
                                         e * args_.rank * columns + r * r_step + (c0 + c) * c_step,
                                         float(args_.scaling * sums[r * kBlockColumns + c]));
            }
        });
    }

    void add_row(const std::uint16_t *z, const std::uint16_t *v, std::int64_t width,
                 std::vector<double> &sums) const {
        float values[kBlockColumns];
        for (std::int64_t c = 0; c < width; ++c)
            values[c] = widen(z[c]);
        for (std::int64_t r = 0; r < args_.rank; ++r) {
            const float factor = widen(v[r]);
            for (std::int64_t c = 0; c < width; ++c)
                sums[r * kBlockColumns + c] += double(factor * values[c]);
        }
    }

    const ms_lora_grad_args &args_;
    std::int64_t stride_; // of xa and yb
};

} // namespace

ms_status lora_grad(const ms_lora_grad_args *args, ms_stream) {
    ms_lora_grad_args full;
    if (const ms_status status = moescope::lora_grad::check_call(args, full); status != MS_OK)
        return status;
    LoraGradient(full).run();
    return succeed();
}

} // namespace moescope::reference
