// The Hopper family of tiles: which ones the tuner tries, what it refuses, and that every one compiles
// without spilling, on a machine without a GPU.
#include "kernels/scatter2scatter/kernel_plan.h"
#include "kernels/scatter2scatter/tile_configs.h"
#include "tests/kernels/scatter2scatter/s2s_case.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

using namespace moescope;
using namespace moescope::test;
using Catch::Matchers::ContainsSubstring;
using scatter2scatter::candidate_configs;
using scatter2scatter::config_problem;
using scatter2scatter::Pass;

namespace {

constexpr int kHopperSmem = 227 * 1024; // a block's limit
constexpr const char *kHopper = "sm_90a";

S2sShape shape_of(std::int32_t rows, std::int32_t rank = 0) {
    return {.tokens = rows * 4,
            .experts = 8,
            .top_k = 2,
            .k = 2048,
            .n = 1536,
            .rank = rank,
            .variant = MS_S2S_EXTRA_K};
}

bool is_wgmma(const ms_tile_config &config) { return config.family == MS_TILE_WGMMA; }

} // namespace

TEST_CASE("the wgmma family is tried on Hopper alone, and beside the portable one",
          "[scatter2scatter][wgmma][jit]") {
    for (const std::int32_t rows : {1, 64, 256, 2000}) {
        const auto args = shape_args(shape_of(rows, 16));
        const std::vector<ms_tile_config> configs = candidate_configs(args, kHopper);
        CHECK(is_wgmma(configs.front()) == (rows > 256)); // else fewer tiles than multiprocessors
        CHECK(std::ranges::count_if(configs, is_wgmma) >= 2);
        CHECK(std::ranges::count_if(configs, is_wgmma) < std::ptrdiff_t(configs.size()) / 2);
        for (const ms_tile_config &config : configs) {
            CHECK(config_problem(args, config, kHopper) == "");
            if (is_wgmma(config))
                CHECK(scatter2scatter::dynamic_smem_bytes(args, config) <= kHopperSmem);
        }
        CHECK(std::ranges::none_of(candidate_configs(args, "sm_100a"), is_wgmma));
        CHECK(std::ranges::none_of(candidate_configs(args), is_wgmma));
    }
    S2sShape fused = shape_of(64, 16);
    fused.variant = MS_S2S_FUSED;
    CHECK(std::ranges::none_of(candidate_configs(shape_args(fused), kHopper), is_wgmma));
}

TEST_CASE("a wgmma tile that cannot be says why", "[scatter2scatter][wgmma][jit]") {
    const auto args = shape_args(shape_of(64, 16));
    const ms_tile_config good{128, 256, 64, 12, 4, MS_TILE_WGMMA};
    CHECK(config_problem(args, good, kHopper) == "");
    CHECK_THAT(config_problem(args, good, "sm_100a"), ContainsSubstring("sm_90a alone"));
    auto with = [&](auto change) {
        ms_tile_config config = good;
        change(config);
        return config_problem(config);
    };
    CHECK_THAT(with([](auto &c) { c.block_m = 100; }), ContainsSubstring("block_m is 100"));
    CHECK_THAT(with([](auto &c) { c.block_m = 160; }), ContainsSubstring("up to 128"));
    CHECK_THAT(with([](auto &c) { c.block_n = 64; }), ContainsSubstring("block_n is 64"));
    CHECK_THAT(with([](auto &c) { c.block_k = 32; }), ContainsSubstring("block_k is 32"));
    CHECK_THAT(with([](auto &c) { c.warps = 8; }), ContainsSubstring("warps is 8"));
    CHECK_THAT(with([](auto &c) { c.stages = 1; }), ContainsSubstring("stages is 1"));
    CHECK_THAT(with([](auto &c) { c.family = 7; }), ContainsSubstring("family is 7"));
    S2sShape fused = shape_of(64, 16);
    fused.variant = MS_S2S_FUSED;
    CHECK_THAT(config_problem(shape_args(fused), good, kHopper), ContainsSubstring("no fused LoRA"));
}

TEST_CASE("the passes beside a wgmma tile cover its rows in blocks of their own",
          "[scatter2scatter][wgmma][jit]") {
    S2sShape shape = shape_of(300, 24);
    for (const ms_s2s_variant variant : {MS_S2S_SPLIT, MS_S2S_EXTRA_K}) {
        shape.variant = variant;
        for (const std::int32_t rows : {32, 96, 288}) {
            const ms_tile_config config{rows, 128, 64, 12, 4, MS_TILE_WGMMA};
            const auto passes = scatter2scatter::plan_kernels(shape_args(shape), config);
            CHECK(passes.size() == (variant == MS_S2S_SPLIT ? 3 : 2));
            for (const auto &pass : passes) {
                INFO(scatter2scatter::kernel_name(pass));
                CHECK(config_problem(pass.config) == "");
                CHECK(is_wgmma(pass.config) ==
                      (pass.pass == Pass::kBase || pass.pass == Pass::kExtraK));
                CHECK(pass.config.block_m * pass.row_split == rows);
            }
        }
    }
}

TEST_CASE("every wgmma tile compiles without spilling", "[scatter2scatter][wgmma][jit]") {
    int at = 0;
    for (const std::int32_t rows : {20, 64, 300})
        for (const ms_tile_config &config : candidate_configs(shape_args(shape_of(rows)), kHopper)) {
            if (!is_wgmma(config))
                continue;
            // The paths take turns: all pairs would compile for an hour.
            S2sShape shape = shape_of(rows, at % 2 ? (at % 4 == 1 ? 16 : 100) : 0);
            shape.w_transposed = at % 3 == 0;
            shape.lora_b_transposed = at % 5 == 0;
            shape.x_grouped = at % 4 >= 2;
            shape.dtype = at % 7 == 0 ? MS_F16 : MS_BF16;
            shape.y_dtype = at % 6 == 5 ? MS_F32 : shape.dtype;
            ++at;
            ms_scatter2scatter_args args = shape_args(shape);
            args.config = config;
            ms_tile_resources resources{};
            const ms_status status = ms_scatter2scatter_compile(&args, kHopper, &resources);
            INFO(scatter2scatter::kernel_name(
                     scatter2scatter::plan_kernels(args, config).back())
                 << " " << shape.name() << ": " << ms_last_error());
            REQUIRE(status == MS_OK);
            CHECK(resources.spill_bytes == 0);
            CHECK(resources.registers <= 168); // 384 threads share 65,536
            CHECK(resources.threads == 384);
            CHECK(resources.dynamic_smem_bytes ==
                  scatter2scatter::dynamic_smem_bytes(args, config));
        }
    CHECK(at >= 12);
}
