// The tile kernel's own source, run on the host thread by thread: indexing, fragment layouts,
// swizzles, tails, the pipeline's group accounting and its barriers are tested without a GPU.
#include "kernels/scatter2scatter/launch_plan.h"
#include "kernels/scatter2scatter/scatter2scatter_checks.h"
#include "tests/kernels/compare.h"
#include "tests/kernels/emulation/block_emulator.h"
#include "tests/kernels/scatter2scatter/emulated_kernels.h"
#include "tests/kernels/scatter2scatter/s2s_case.h"

#include <catch2/catch_all.hpp>

#include <cstdint>
#include <string>
#include <vector>

using namespace moescope;
using namespace moescope::test;
using emulation::CopyTime;
using emulation::Order;

namespace {

// Rows of every input begin at multiples of 16 bytes, as on a GPU.
struct AlignedCopy {
    explicit AlignedCopy(const std::vector<std::uint16_t> &values) : storage_(values.size() + 8) {
        while (reinterpret_cast<std::uintptr_t>(storage_.data() + begin_) % 16 != 0)
            ++begin_;
        std::copy(values.begin(), values.end(), storage_.begin() + begin_);
    }
    std::uint16_t *data() { return storage_.data() + begin_; }

  private:
    std::vector<std::uint16_t> storage_;
    std::ptrdiff_t begin_ = 0;
};

struct AlignedBytes {
    explicit AlignedBytes(const std::vector<std::uint8_t> &bytes) : words_(halves(bytes)) {}
    const std::uint8_t *data() { return reinterpret_cast<const std::uint8_t *>(words_.data()); }

  private:
    static std::vector<std::uint16_t> halves(const std::vector<std::uint8_t> &bytes) {
        std::vector<std::uint16_t> words((bytes.size() + 1) / 2);
        std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::uint8_t *>(words.data()));
        return words;
    }
    AlignedCopy words_;
};

std::vector<float> decode(const void *bytes, ms_dtype dtype, std::size_t count) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i)
        values[i] = load_as_float(bytes, dtype, std::int64_t(i));
    return values;
}

std::vector<ms_tile> schedule(const S2sCase &c, const ms_scatter2scatter_args &args,
                              std::int32_t block_rows) {
    std::vector<ms_tile> tiles(ms_max_tiles(args.slots, args.experts, block_rows));
    const ms_tile_schedule_args schedule{.struct_size = sizeof schedule,
                                         .experts = args.experts,
                                         .offsets = c.offsets.data(),
                                         .slots = args.slots,
                                         .block_rows = block_rows,
                                         .tiles = tiles.data()};
    REQUIRE(reference::tile_schedule(&schedule, nullptr) == MS_OK);
    return tiles;
}

void emulate(const ms_scatter2scatter_args &args, CopyTime copies, Order order) {
    std::vector<scatter2scatter::Launch> launches;
    REQUIRE(scatter2scatter::plan_launches(args, args.config, launches) == MS_OK);
    for (const scatter2scatter::Launch &launch : launches) {
        const EmulatedFunction kernel = find_emulated(launch.shape);
        INFO(scatter2scatter::kernel_name(launch.shape));
        REQUIRE(kernel);
        const emulation::BlockSetup setup{.threads = 32 * launch.shape.config.warps,
                                          .smem_bytes =
                                              scatter2scatter::dynamic_smem_bytes(launch.shape),
                                          .copies = copies,
                                          .order = order};
        REQUIRE(emulation::run_grid(int(launch.blocks), setup, [&] { kernel(launch.params); }) ==
                "");
    }
}

void check_emulated(const S2sShape &shape, const ms_tile_config &config) {
    const S2sCase c(shape);
    AlignedCopy x(c.x), w(c.w), lora_a(c.lora_a), lora_b(c.lora_b);
    constexpr std::uint8_t kPoison = 0xC7;
    std::vector<std::uint8_t> expected(c.y_bytes(), kPoison);
    ms_scatter2scatter_args args = c.args(expected.data());
    AlignedCopy workspace(
        std::vector<std::uint16_t>(scatter2scatter::workspace_bytes(args) / 2, 0x7fff)); // NaN
    args.workspace = workspace.data();
    args.workspace_bytes = scatter2scatter::workspace_bytes(args);
    AlignedBytes packed(c.nf4.packed);
    ms_expert_weights nf4 = c.nf4_view;
    nf4.values = packed.data();
    args.w_nf4 = args.w_nf4 ? &nf4 : nullptr;
    args.x = x.data(), args.w = w.data(), args.lora_a = lora_a.data(), args.lora_b = lora_b.data();
    INFO(shape.name());
    REQUIRE(reference::scatter2scatter(&args, nullptr) == MS_OK);

    args.config = config;
    const std::vector<ms_tile> tiles = schedule(c, args, config.block_m);
    args.tiles = tiles.data();
    const double relative = shape.y_dtype == MS_F32    ? 1e-6
                            : shape.y_dtype == MS_BF16 ? 0x1p-7
                                                       : 0x1p-10;
    const long long conflicts = emulation::bank_conflicts;
    for (const CopyTime copies : {CopyTime::kAtIssue, CopyTime::kAtWait})
        for (const Order order : {Order::kAscending, Order::kDescending}) {
            INFO((copies == CopyTime::kAtIssue ? "copies land at once" : "copies land late")
                 << (order == Order::kAscending ? ", ascending" : ", descending"));
            AlignedCopy y(std::vector<std::uint16_t>((c.y_bytes() + 1) / 2, 0xC7C7));
            args.y = y.data();
            emulate(args, copies, order);
            CHECK(difference(decode(y.data(), shape.y_dtype, c.y_elements()),
                             decode(expected.data(), shape.y_dtype, c.y_elements()), relative,
                             2e-5) == "");
        }
    CHECK(emulation::bank_conflicts == conflicts); // the swizzles and paddings do their work
}

} // namespace

TEST_CASE("the tile kernel's source computes Y = X*W on the host", "[scatter2scatter][emulated]") {
    check_emulated({.tokens = 9, .experts = 3, .k = 72, .n = 40}, {16, 32, 16, 1, 2});
    check_emulated({.tokens = 9, .experts = 3, .k = 8, .n = 8, .y_grouped = true},
                   {16, 32, 16, 1, 2});
    check_emulated({.tokens = 40,
                    .experts = 2,
                    .top_k = 1,
                    .k = 200,
                    .n = 72,
                    .y_dtype = MS_F32,
                    .bias = true,
                    .x_grouped = true,
                    .x_padding = 8,
                    .y_padding = 4},
                   {64, 64, 32, 4, 3});
    check_emulated({.tokens = 21,
                    .k = 136,
                    .n = 77,
                    .dtype = MS_F16,
                    .y_dtype = MS_F16,
                    .w_transposed = true,
                    .bias = true,
                    .sentinels = true},
                   {32, 64, 64, 4, 2});
}

TEST_CASE("the tile kernel's source adds LoRA in the same pass", "[scatter2scatter][emulated]") {
    for (const std::int32_t rank : {1, 8, 16})
        check_emulated({.tokens = 45, .experts = 3, .k = 104, .n = 136, .rank = rank, .bias = true},
                       {64, 128, 32, 4, 4});
    for (const std::int32_t rank : {33, 40, 48})
        check_emulated({.tokens = 30, .k = 136, .n = 50, .rank = rank, .w_transposed = true},
                       {32, 64, 64, 2, 3});
    check_emulated({.tokens = 150,
                    .experts = 2,
                    .k = 40,
                    .n = 40,
                    .rank = 40,
                    .dtype = MS_F16,
                    .y_dtype = MS_F32},
                   {128, 32, 16, 8, 3});
    check_emulated({.tokens = 12, .k = 264, .n = 72, .rank = 256, .y_grouped = true},
                   {16, 64, 128, 4, 2});
}

TEST_CASE("the tile kernel's source adds LoRA in three passes", "[scatter2scatter][emulated]") {
    check_emulated({.tokens = 50,
                    .experts = 2,
                    .k = 136,
                    .n = 104,
                    .rank = 17,
                    .variant = MS_S2S_SPLIT,
                    .bias = true},
                   {64, 64, 64, 4, 3});
    check_emulated({.tokens = 20,
                    .k = 72,
                    .n = 133,
                    .rank = 16,
                    .dtype = MS_F16,
                    .y_dtype = MS_F32,
                    .variant = MS_S2S_SPLIT,
                    .w_transposed = true,
                    .sentinels = true,
                    .y_padding = 3},
                   {16, 128, 32, 2, 6});
}

TEST_CASE("the tile kernel's source adds LoRA as extra depth", "[scatter2scatter][emulated]") {
    for (const std::int32_t rank : {9, 16}) // B's rows on odd elements, then on 16 bytes
        check_emulated({.tokens = rank == 16 ? 45 : 30,
                        .experts = 3,
                        .k = 104,
                        .n = 136,
                        .rank = rank,
                        .variant = MS_S2S_EXTRA_K,
                        .bias = true,
                        .lora_a_transposed = rank != 16},
                       rank == 16 ? ms_tile_config{64, 128, 32, 4, 4}
                                  : ms_tile_config{32, 32, 32, 1, 2});
    // As the gradient of X asks for it; three tiles of extra depth, and one of fewer steps.
    check_emulated({.tokens = 30,
                    .k = 136,
                    .n = 56,
                    .rank = 33,
                    .variant = MS_S2S_EXTRA_K,
                    .w_transposed = true,
                    .lora_a_transposed = true,
                    .lora_b_transposed = true},
                   {32, 64, 16, 2, 3});
    check_emulated({.tokens = 30,
                    .k = 136,
                    .n = 72,
                    .rank = 40,
                    .dtype = MS_F16,
                    .y_dtype = MS_F32,
                    .variant = MS_S2S_EXTRA_K,
                    .w_transposed = true,
                    .x_grouped = true,
                    .sentinels = true,
                    .lora_a_transposed = true,
                    .lora_b_transposed = true},
                   {16, 64, 64, 2, 4});
    check_emulated({.tokens = 30,
                    .k = 136,
                    .n = 72,
                    .rank = 40,
                    .variant = MS_S2S_SPLIT,
                    .w_transposed = true,
                    .lora_a_transposed = true,
                    .lora_b_transposed = true},
                   {32, 64, 32, 2, 3});
}

TEST_CASE("the tile kernels' sources keep XA, and read one that is given",
          "[scatter2scatter][emulated]") {
    for (const ms_s2s_variant variant : {MS_S2S_EXTRA_K, MS_S2S_FUSED}) {
        const S2sCase c({.tokens = 45,
                         .experts = 3,
                         .k = 104,
                         .n = 136,
                         .rank = 14,
                         .variant = variant,
                         .sentinels = true,
                         .lora_a_transposed = variant == MS_S2S_EXTRA_K});
        AlignedCopy x(c.x), w(c.w), lora_a(c.lora_a), lora_b(c.lora_b);
        std::vector<std::uint16_t> expected_xa(c.ids.size() * 16, 0x7fff);
        std::vector<std::uint8_t> expected(c.y_bytes(), 0xC7);
        AlignedCopy xa(expected_xa), y(std::vector<std::uint16_t>(c.y_elements(), 0xC7C7));
        ms_scatter2scatter_args args = c.args(expected.data());
        args.x = x.data(), args.w = w.data();
        args.lora_a = lora_a.data(), args.lora_b = lora_b.data();
        AlignedCopy reference_xa(expected_xa);
        args.xa = reference_xa.data();
        REQUIRE(reference::scatter2scatter(&args, nullptr) == MS_OK);
        args.config = variant == MS_S2S_EXTRA_K ? ms_tile_config{32, 32, 32, 1, 2}
                                                : ms_tile_config{64, 128, 32, 4, 4};
        const std::vector<ms_tile> tiles = schedule(c, args, args.config.block_m);
        args.tiles = tiles.data();
        args.y = y.data();
        args.xa = xa.data();
        REQUIRE(scatter2scatter::workspace_bytes(args) == 0);
        emulate(args, CopyTime::kAtWait, Order::kAscending);
        const auto values = [](const void *bits, std::size_t count) {
            return decode(bits, MS_BF16, count);
        };
        CHECK(difference(values(xa.data(), expected_xa.size()),
                         values(reference_xa.data(), expected_xa.size()), 0x1p-7, 2e-5) == "");
        CHECK(difference(values(y.data(), c.y_elements()), values(expected.data(), c.y_elements()),
                         0x1p-7, 2e-5) == "");
        if (variant == MS_S2S_FUSED)
            continue;
        args.xa_is_input = 1;
        args.lora_a = nullptr;
        AlignedCopy again(std::vector<std::uint16_t>(c.y_elements(), 0xC7C7));
        args.y = again.data();
        emulate(args, CopyTime::kAtWait, Order::kAscending);
        CHECK(values(again.data(), c.y_elements()) == values(y.data(), c.y_elements()));
    }
}

TEST_CASE("the tile kernel's source decodes NF4 weights", "[scatter2scatter][emulated]") {
    check_emulated({.tokens = 45, .experts = 3, .k = 160, .n = 72, .w_transposed = true, .nf4_block = 64},
                   {64, 64, 128, 2, 2});
    check_emulated({.tokens = 21,
                    .k = 224,
                    .n = 77,
                    .dtype = MS_F16,
                    .y_dtype = MS_F32,
                    .w_transposed = true,
                    .bias = true,
                    .sentinels = true,
                    .nf4_block = 32,
                    .nested_block = 256},
                   {32, 64, 64, 4, 3});
    check_emulated({.tokens = 45, .experts = 3, .k = 192, .n = 72, .w_transposed = true, .nf4_block = 64},
                   {64, 64, 128, 2, 2});
    check_emulated({.tokens = 21,
                    .k = 192,
                    .n = 77,
                    .dtype = MS_F16,
                    .y_dtype = MS_F32,
                    .w_transposed = true,
                    .sentinels = true,
                    .nf4_block = 128,
                    .nested_block = 16},
                   {32, 64, 64, 4, 3});
    check_emulated({.tokens = 9, .experts = 3, .k = 96, .n = 40, .w_transposed = true, .nf4_block = 4096},
                   {16, 32, 32, 1, 2});
}

TEST_CASE("the tile kernel's source adds LoRA to NF4 weights", "[scatter2scatter][emulated]") {
    check_emulated({.tokens = 40,
                    .experts = 3,
                    .k = 320,
                    .n = 88,
                    .rank = 20,
                    .y_dtype = MS_F32,
                    .variant = MS_S2S_EXTRA_K,
                    .w_transposed = true,
                    .nf4_block = 64,
                    .nested_block = 16},
                   {32, 64, 128, 8, 2});
    check_emulated({.tokens = 40,
                    .experts = 3,
                    .k = 96,
                    .n = 40,
                    .rank = 16,
                    .variant = MS_S2S_SPLIT,
                    .w_transposed = true,
                    .nf4_block = 128},
                   {32, 32, 32, 2, 3});
}

TEST_CASE("a large tile of several row groups is rasterised completely",
          "[scatter2scatter][emulated]") {
    check_emulated({.tokens = 700, .experts = 6, .top_k = 1, .k = 40, .n = 160, .rank = 16},
                   {128, 128, 32, 4, 4});
}
