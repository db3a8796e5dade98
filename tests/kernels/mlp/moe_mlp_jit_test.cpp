// What the layer compiles ahead of its launch.
#include "kernels/include/moescope/kernels.h"
#include "kernels/jit/compiler.h"
#include "tests/kernels/jit/temporary_cache.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <filesystem>
#include <string>

using namespace moescope;

namespace {

constexpr const char *kArch = "sm_80";

// Tiles of two sizes: a kernel a product.
ms_moe_mlp_args small_layer() {
    ms_moe_mlp_args args{};
    args.struct_size = sizeof args;
    args.dtype = MS_BF16;
    args.variant = MS_S2S_FUSED;
    args.tokens = 100;
    args.top_k = 2;
    args.experts = 4;
    args.hidden = args.x_stride = args.out_stride = 64;
    args.intermediate = 64;
    args.gated = 1;
    args.activation = MS_ACT_SILU;
    for (ms_moe_projection *each : {&args.gate_up, &args.down}) {
        each->w_transposed = 1;
        each->config = {.block_m = 64, .block_n = 64, .block_k = 32, .warps = 4, .stages = 2, .family = MS_TILE_MMA_SYNC};
    }
    args.down.config.block_m = 32;
    return args;
}

std::ptrdiff_t cubins_in(const std::filesystem::path &folder) {
    return std::count_if(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator(),
                         [](const auto &entry) { return entry.path().extension() == ".cubin"; });
}

} // namespace

TEST_CASE("a layer's kernels are compiled ahead, without pointers or a GPU", "[jit]") {
    const test::TemporaryCache cache;
    jit::forget_compiled_kernels();
    const ms_moe_mlp_args args = small_layer();
    INFO(ms_last_error());
    REQUIRE(ms_moe_mlp_compile(&args, kArch) == MS_OK);
    CHECK(cubins_in(cache.folder()) == 2);
    REQUIRE(ms_moe_mlp_compile(&args, kArch) == MS_OK);
    CHECK(cubins_in(cache.folder()) == 2);

    ms_moe_mlp_args none = args;
    none.tokens = 0; // launches nothing
    CHECK(ms_moe_mlp_compile(&none, kArch) == MS_OK);
}

TEST_CASE("what a layer cannot compile is said whichever product it is", "[jit]") {
    const test::TemporaryCache cache;
    ms_moe_mlp_args args = small_layer();
    args.down.config.block_n = 48;
    CHECK(ms_moe_mlp_compile(&args, kArch) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()).find("block_n is 48") != std::string::npos);
    args = small_layer();
    args.hidden = 60;
    CHECK(ms_moe_mlp_compile(&args, kArch) == MS_INVALID_ARGUMENT);
}
