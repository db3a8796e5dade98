// The LoRA gradient kernels' own source, run on the host thread by thread.
#include "tests/kernels/compare.h"
#include "tests/kernels/emulation/block_emulator.h"
#include "tests/kernels/lora_grad/lora_grad_case.h"
#include "tests/kernels/lora_grad/lora_grad_emulated.h"

#include <catch2/catch_all.hpp>

#include <cstdint>
#include <string>
#include <vector>

using namespace moescope;
using namespace moescope::test;
using emulation::CopyTime;
using emulation::Order;

namespace {

// As on a GPU, every array begins at a multiple of 16 bytes.
struct AlignedCopy {
    template <class T> explicit AlignedCopy(const std::vector<T> &values) {
        storage.resize(values.size() * sizeof(T) / sizeof(std::max_align_t) + 1);
        std::copy_n(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T),
                    reinterpret_cast<char *>(storage.data()));
    }
    void *data() { return storage.data(); }
    std::vector<std::max_align_t> storage;
};

std::vector<float> decoded(const void *bytes, ms_dtype dtype, std::size_t count) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i)
        values[i] = load_as_float(bytes, dtype, std::int64_t(i));
    return values;
}

void emulate(const ms_lora_grad_args &args, CopyTime copies, Order order) {
    std::vector<lora_grad::Launch> launches;
    REQUIRE(lora_grad::plan_launches(args, args.config, launches) == MS_OK);
    for (const lora_grad::Launch &launch : launches) {
        INFO(lora_grad::kernel_name(launch.shape));
        const EmulatedLoraGrad kernel = find_emulated(launch.shape);
        REQUIRE(kernel);
        const emulation::BlockSetup setup{.threads = launch.shape.threads(),
                                          .smem_bytes = lora_grad::dynamic_smem_bytes(launch.shape),
                                          .copies = copies,
                                          .order = order};
        REQUIRE(emulation::run_grid(int(launch.blocks), setup, [&] { kernel(launch.params); }) ==
                "");
    }
}

void check_emulated(const LoraGradShape &shape, const ms_lora_grad_config &config) {
    INFO(shape.name());
    const LoraGradCase c(shape);
    AlignedCopy x(c.routing.x), dy(c.dy), xa(c.xa), yb(c.yb), a(c.routing.lora_a),
        b(c.routing.lora_b);
    const std::size_t element = std::size_t(size_of(shape.out_dtype));
    const std::vector<std::uint8_t> blank_da(c.da_elements() * element, 0xC7),
        blank_db(c.db_elements() * element, 0xC7);
    AlignedCopy expected_da(blank_da), expected_db(blank_db);
    ms_lora_grad_args args = c.args(expected_da.data(), expected_db.data());
    args.x = x.data(), args.dy = dy.data(), args.xa = xa.data(), args.yb = yb.data();
    args.lora_a = a.data(), args.lora_b = b.data();
    REQUIRE(reference::lora_grad(&args, nullptr) == MS_OK);
    args.config = config;
    args.workspace_bytes = lora_grad::workspace_bytes(args);
    AlignedCopy workspace(std::vector<std::uint8_t>(args.workspace_bytes, 0xFF)); // NaN
    args.workspace = workspace.data();
    const double relative = lora_grad_relative(shape.out_dtype),
                 absolute = lora_grad_absolute(c);
    const long long conflicts = emulation::bank_conflicts;
    for (const CopyTime copies : {CopyTime::kAtIssue, CopyTime::kAtWait})
        for (const Order order : {Order::kAscending, Order::kDescending}) {
            const bool atomic = shape.variant == MS_LORA_GRAD_ATOMIC; // the host's part: zeros
            AlignedCopy da(atomic ? std::vector<std::uint8_t>(blank_da.size()) : blank_da),
                db(atomic ? std::vector<std::uint8_t>(blank_db.size()) : blank_db);
            args.da = shape.da ? da.data() : nullptr;
            args.db = shape.db ? db.data() : nullptr;
            emulate(args, copies, order);
            CHECK(difference(decoded(da.data(), shape.out_dtype, c.da_elements()),
                             decoded(expected_da.data(), shape.out_dtype, c.da_elements()),
                             relative, absolute) == "");
            CHECK(difference(decoded(db.data(), shape.out_dtype, c.db_elements()),
                             decoded(expected_db.data(), shape.out_dtype, c.db_elements()),
                             relative, absolute) == "");
        }
    CHECK(emulation::bank_conflicts == conflicts);
}

} // namespace

TEST_CASE("the Gram kernel's source computes LoRA's gradients on the host",
          "[lora_grad][emulated]") {
    check_emulated({.k = 72, .n = 136, .rank = 16}, {64, 16, 2, 3});
    check_emulated({.k = 72, .n = 136, .rank = 5, .sentinels = true, .db = false}, {64, 16, 2, 3});
    check_emulated({.tokens = 3, .experts = 9, .k = 8, .n = 8, .rank = 8, .da = false},
                   {64, 16, 2, 3});
    check_emulated({.tokens = 60,
                    .k = 40,
                    .n = 72,
                    .rank = 40,
                    .dtype = MS_F16,
                    .out_dtype = MS_F16,
                    .x_grouped = true,
                    .x_padding = 8,
                    .dy_padding = 8},
                   {32, 32, 2, 2});
    check_emulated({.tokens = 90,
                    .experts = 2,
                    .k = 136,
                    .n = 264,
                    .rank = 64,
                    .out_dtype = MS_BF16,
                    .dy_grouped = true},
                   {128, 32, 8, 4});
}

TEST_CASE("experts of many rows are cut into chunks whose sums are added in order",
          "[lora_grad][emulated]") {
    // 4 experts of about 160 rows: a chunk each. All in one expert: 3 chunks.
    check_emulated({.tokens = 320, .k = 16, .n = 24, .rank = 12}, {64, 16, 2, 3});
    check_emulated({.tokens = 1300, .top_k = 1, .k = 24, .n = 16, .rank = 12, .only_expert = 2},
                   {64, 16, 2, 3});
    check_emulated({.tokens = 1030,
                    .experts = 130, // more than the block has threads
                    .top_k = 1,
                    .k = 16,
                    .n = 16,
                    .rank = 8,
                    .only_expert = 129},
                   {64, 16, 2, 3});
    check_emulated({.tokens = 600,
                    .experts = 2,
                    .top_k = 1,
                    .k = 40,
                    .n = 16,
                    .rank = 40,
                    .dtype = MS_F16,
                    .out_dtype = MS_F16,
                    .only_expert = 0,
                    .da = false},
                   {32, 32, 2, 2});
}

TEST_CASE("the recomputing kernel's source makes XA and YB as it goes", "[lora_grad][emulated]") {
    for (const std::int32_t rank : {8, 12})
        check_emulated({.tokens = 40,
                        .k = 136,
                        .n = 72,
                        .rank = rank,
                        .variant = MS_LORA_GRAD_RECOMPUTE,
                        .sentinels = true},
                       {64, 32, 2, 2});
    check_emulated({.tokens = 30,
                    .k = 40,
                    .n = 264,
                    .rank = 40,
                    .dtype = MS_F16,
                    .variant = MS_LORA_GRAD_RECOMPUTE,
                    .x_grouped = true,
                    .dy_grouped = true},
                   {32, 16, 2, 2});
}

TEST_CASE("the atomic kernel's source adds every chunk to the result", "[lora_grad][emulated]") {
    check_emulated({.tokens = 400, .experts = 3, .k = 40, .n = 72, .rank = 16,
                    .variant = MS_LORA_GRAD_ATOMIC},
                   {64, 16, 2, 3});
}
