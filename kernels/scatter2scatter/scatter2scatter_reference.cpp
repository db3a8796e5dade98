// Y = X*W (+ s * XA*B^T) (+ bias) on the CPU, in cache-sized tiles on all cores.
//
// Sums: products of two 16-bit floats are exact in float32 (bfloat16: 16 bits, float16: 22 bits);
// 32 of them at a time are summed in float32, the partial sums in float64. (With NF4 weights the
// products are rounded to float32.) Everything after that is
// float64, rounded once to y_dtype; the split variant rounds Y to y_dtype between its passes too,
// as its kernels do.
#include "kernels/common/float_types.h"
#include "kernels/common/parallel_for.h"
#include "kernels/common/status.h"
#include "kernels/reference.h"
#include "kernels/scatter2scatter/kernel_plan.h"
#include "kernels/scatter2scatter/scatter2scatter_checks.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace moescope::reference {

namespace {

constexpr int kTileRows = 64;
constexpr int kTileColumns = 64;
constexpr int kDepth = 32;

template <class T> using Tile = std::array<std::array<T, kTileColumns>, kTileRows>;

float nf4_absmax(const ms_expert_weights &weights, std::int64_t block) {
    if (weights.absmax)
        return weights.absmax[block];
    const float nested = weights.nested_absmax[block / weights.nested_block];
    return weights.nested_code[weights.absmax_u8[block]] * nested + weights.nested_offset;
}

// Value `index` of the flat array of all experts: its code as dtype has it, times its absmax.
float nf4_value(const ms_expert_weights &weights, ms_dtype dtype, std::int64_t index) {
    const std::uint8_t byte = static_cast<const std::uint8_t *>(weights.values)[index / 2];
    const int nibble = index % 2 == 0 ? byte >> 4 : byte & 15;
    return round_to(dtype, weights.code[nibble]) * nf4_absmax(weights, index / weights.block_size);
}

// A product of one expert: element (k, n) of the weight stands at n * length + k if rows run along
// k, else at k * length + n.
struct Weight {
    const std::uint16_t *data;
    bool rows_along_k;
    std::int64_t length;
    const ms_expert_weights *nf4 = nullptr; // data is not read then
    std::int64_t nf4_begin = 0;          // first value of the expert

    float at(std::int64_t index, ms_dtype dtype) const {
        if (!nf4)
            return load_as_float(data, dtype, index);
        return nf4_value(*nf4, dtype, nf4_begin + index);
    }
};

float widen(std::uint16_t bits, bool bf16) {
    return bf16 ? bf16_to_float(bits) : f16_to_float(bits);
}

// panel[k][n] = weight(k0 + k, n0 + n), zero outside.
void load_panel(const Weight &weight, bool bf16, int k0, int depth, int n0, int columns,
                std::array<std::array<float, kTileColumns>, kDepth> &panel) {
    for (int k = 0; k < depth; ++k) {
        panel[k].fill(0);
        for (int n = 0; n < columns; ++n) {
            const std::int64_t at = weight.rows_along_k
                                        ? std::int64_t(n0 + n) * weight.length + k0 + k
                                        : std::int64_t(k0 + k) * weight.length + n0 + n;
            panel[k][n] = weight.at(at, bf16 ? MS_BF16 : MS_F16);
        }
    }
}

// sums[m][n] = sum over k of rows[m][k] * weight(k, n0 + n).
void multiply_tile(const std::vector<const std::uint16_t *> &rows, bool bf16, const Weight &weight,
                   int depth, int n0, int columns, Tile<double> &sums) {
    std::array<std::array<float, kTileColumns>, kDepth> panel;
    for (std::size_t m = 0; m < rows.size(); ++m)
        sums[m].fill(0);
    for (int k0 = 0; k0 < depth; k0 += kDepth) {
        const int steps = std::min(kDepth, depth - k0);
        load_panel(weight, bf16, k0, steps, n0, columns, panel);
        for (std::size_t m = 0; m < rows.size(); ++m) {
            std::array<float, kTileColumns> partial{};
            for (int k = 0; k < steps; ++k) {
                const float x = widen(rows[m][k0 + k], bf16);
                for (int n = 0; n < kTileColumns; ++n)
                    partial[n] += x * panel[k][n];
            }
            for (int n = 0; n < kTileColumns; ++n)
                sums[m][n] += partial[n];
        }
    }
}

// Up to kTileRows sorted positions of one expert.
struct RowBlock {
    int expert;
    std::int64_t begin;
    int rows;
};

std::vector<RowBlock> split_rows(const ms_scatter2scatter_args &args) {
    std::vector<RowBlock> blocks;
    for (int expert = 0; expert < args.experts; ++expert)
        for (std::int64_t begin = args.offsets[expert]; begin < args.offsets[expert + 1];
             begin += kTileRows)
            blocks.push_back(
                {expert, begin,
                 int(std::min<std::int64_t>(kTileRows, args.offsets[expert + 1] - begin))});
    return blocks;
}

// Runs body(block, n0, columns) for every tile of an output of n columns.
template <class Body> void for_each_tile(const std::vector<RowBlock> &blocks, int n, Body body) {
    const std::int64_t column_tiles = (n + kTileColumns - 1) / kTileColumns;
    parallel_for(std::int64_t(blocks.size()) * column_tiles, 1,
                 [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t i = begin; i < end; ++i) {
                         const int n0 = int(i % column_tiles) * kTileColumns;
                         body(blocks[i / column_tiles], n0, std::min(kTileColumns, n - n0));
                     }
                 });
}

class Product {
  public:
    explicit Product(const ms_scatter2scatter_args &args)
        : args_(args), bf16_(args.dtype == MS_BF16), blocks_(split_rows(args)),
          xa_stride_(moescope::scatter2scatter::xa_columns(args.rank)) {}

    void run() {
        if (args_.rank > 0)
            prepare_xa();
        for_each_tile(blocks_, args_.n, [this](const RowBlock &block, int n0, int columns) {
            compute_tile(block, n0, columns);
        });
    }

  private:
    const std::uint16_t *expert_matrix(const void *all, int expert, std::int64_t numel) const {
        return static_cast<const std::uint16_t *>(all) + expert * numel;
    }

    std::vector<const std::uint16_t *> x_rows(const RowBlock &block) const {
        std::vector<const std::uint16_t *> rows;
        for (std::int64_t position = block.begin; position < block.begin + block.rows; ++position) {
            const std::int64_t row =
                args_.x_grouped ? position : args_.sorted_slots[position] / args_.top_k;
            rows.push_back(static_cast<const std::uint16_t *>(args_.x) + row * args_.x_stride);
        }
        return rows;
    }

    std::vector<const std::uint16_t *> xa_rows(const RowBlock &block) const {
        std::vector<const std::uint16_t *> rows;
        for (std::int64_t position = block.begin; position < block.begin + block.rows; ++position)
            rows.push_back(xa_ + position * xa_stride_);
        return rows;
    }

    // XA [S, R rounded up to 8] by sorted position, rounded to dtype; the caller's or our own.
    void prepare_xa() {
        xa_ = static_cast<std::uint16_t *>(args_.xa);
        if (args_.xa_is_input)
            return;
        if (!xa_) {
            own_xa_.resize(std::size_t(args_.slots) * xa_stride_);
            xa_ = own_xa_.data();
        }
        compute_xa();
    }

    void compute_xa() {
        const std::int64_t with_expert = args_.offsets[args_.experts];
        std::fill_n(xa_, with_expert * xa_stride_, std::uint16_t(0)); // columns past the rank
        for_each_tile(blocks_, args_.rank, [this](const RowBlock &block, int n0, int columns) {
            Tile<double> sums;
            const Weight a{
                expert_matrix(args_.lora_a, block.expert, std::int64_t(args_.rank) * args_.k),
                args_.lora_a_transposed == 0, args_.lora_a_transposed ? args_.rank : args_.k};
            multiply_tile(x_rows(block), bf16_, a, args_.k, n0, columns, sums);
            for (int m = 0; m < block.rows; ++m)
                for (int n = 0; n < columns; ++n)
                    store_from_float(xa_, args_.dtype, (block.begin + m) * xa_stride_ + n0 + n,
                                     float(sums[m][n]));
        });
    }

    void compute_tile(const RowBlock &block, int n0, int columns) const {
        Tile<double> y, delta;
        const std::int64_t numel = std::int64_t(args_.k) * args_.n;
        const Weight w{args_.w_nf4 ? nullptr : expert_matrix(args_.w, block.expert, numel),
                       args_.w_transposed != 0, args_.w_transposed ? args_.k : args_.n, args_.w_nf4,
                       block.expert * numel};
        multiply_tile(x_rows(block), bf16_, w, args_.k, n0, columns, y);
        if (args_.bias)
            for (int m = 0; m < block.rows; ++m)
                for (int n = 0; n < columns; ++n)
                    y[m][n] += load_as_float(args_.bias, args_.dtype,
                                             std::int64_t(block.expert) * args_.n + n0 + n);
        if (args_.rank > 0) {
            const Weight b{
                expert_matrix(args_.lora_b, block.expert, std::int64_t(args_.n) * args_.rank),
                args_.lora_b_transposed == 0, args_.lora_b_transposed ? args_.n : args_.rank};
            multiply_tile(xa_rows(block), bf16_, b, args_.rank, n0, columns, delta);
            for (int m = 0; m < block.rows; ++m)
                for (int n = 0; n < columns; ++n)
                    y[m][n] = between_passes(y[m][n]) + double(args_.scaling) * delta[m][n];
        }
        for (int m = 0; m < block.rows; ++m) {
            const std::int64_t position = block.begin + m;
            const std::int64_t row = args_.y_grouped ? position : args_.sorted_slots[position];
            for (int n = 0; n < columns; ++n)
                store_from_float(args_.y, args_.y_dtype, row * args_.y_stride + n0 + n,
                                 float(y[m][n]));
        }
    }

    double between_passes(double y) const {
        return args_.variant == MS_S2S_SPLIT ? double(round_to(args_.y_dtype, float(y))) : y;
    }

    const ms_scatter2scatter_args &args_;
    bool bf16_;
    std::vector<RowBlock> blocks_;
    std::int64_t xa_stride_;
    std::uint16_t *xa_ = nullptr;
    std::vector<std::uint16_t> own_xa_;
};

} // namespace

ms_status scatter2scatter(const ms_scatter2scatter_args *args, ms_stream) {
    ms_scatter2scatter_args full;
    if (const ms_status status = moescope::scatter2scatter::check_call(args, full); status != MS_OK)
        return status;
    if (full.slots > 0)
        Product(full).run();
    return succeed();
}

} // namespace moescope::reference
