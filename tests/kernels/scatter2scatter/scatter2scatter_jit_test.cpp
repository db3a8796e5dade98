// Every tile the tuner would try compiles, on a machine without a GPU, and the compiler's report is
// what the tuner prunes on.
#include "kernels/scatter2scatter/kernel_plan.h"
#include "kernels/scatter2scatter/tile_configs.h"
#include "tests/kernels/scatter2scatter/s2s_case.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

using namespace moescope;
using namespace moescope::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr int kHopperSmem = 227 * 1024; // a block's limit on sm_90; sm_80 has 163 KiB

S2sShape qwen3_gate_up(std::int32_t rank = 16) { // 64 rows an expert
    return {.tokens = 1024, .experts = 128, .top_k = 8, .k = 2048, .n = 1536, .rank = rank};
}

ms_scatter2scatter_args call(const S2sShape &shape, const ms_tile_config &config) {
    ms_scatter2scatter_args args = shape_args(shape);
    args.config = config;
    return args;
}

struct Compiled {
    ms_scatter2scatter_args args;
    ms_status status = MS_OK;
    std::string message;
    ms_tile_resources resources{};

    std::string name() const {
        return scatter2scatter::kernel_name(
                   scatter2scatter::plan_kernels(args, args.config).front()) +
               " rank " + std::to_string(args.rank) + (args.w_transposed ? " W^T" : "");
    }
};

// On all cores, as the tuner does.
std::vector<Compiled> compile_all(const std::vector<ms_scatter2scatter_args> &calls,
                                  const char *arch) {
    std::vector<Compiled> results(calls.size());
    std::atomic<std::size_t> next{0};
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i)
        threads.emplace_back([&] {
            for (std::size_t at; (at = next++) < calls.size();) {
                Compiled &one = results[at];
                one.args = calls[at];
                one.status = ms_scatter2scatter_compile(&one.args, arch, &one.resources);
                one.message = ms_last_error();
            }
        });
    threads.clear();
    return results;
}

void check_report(const Compiled &one) {
    INFO(one.name() << ": " << one.message);
    REQUIRE(one.status == MS_OK);
    CHECK(one.resources.registers >= 16);
    CHECK(one.resources.registers <= 255);
    CHECK(one.resources.cubin_bytes > 1000);
    CHECK(one.resources.threads >= 32);
    CHECK(one.resources.static_smem_bytes == 0); // all of it is dynamic
    CHECK(one.resources.dynamic_smem_bytes ==
          scatter2scatter::dynamic_smem_bytes(one.args, one.args.config));
}

std::vector<ms_scatter2scatter_args> candidate_calls(const S2sShape &shape) {
    std::vector<ms_scatter2scatter_args> calls;
    for (const ms_tile_config &config : scatter2scatter::candidate_configs(shape_args(shape)))
        calls.push_back(call(shape, config));
    return calls;
}

} // namespace

TEST_CASE("every candidate tile compiles for Hopper, fused and split, and few spill",
          "[jit][scatter2scatter]") {
    for (const ms_s2s_variant variant : {MS_S2S_FUSED, MS_S2S_SPLIT, MS_S2S_EXTRA_K}) {
        S2sShape shape = qwen3_gate_up();
        shape.variant = variant;
        const std::vector<ms_scatter2scatter_args> calls = candidate_calls(shape);
        REQUIRE(calls.size() >= 30);
        int usable = 0;
        for (const Compiled &one : compile_all(calls, "sm_90a")) {
            check_report(one);
            if (one.resources.spill_bytes > 0)
                UNSCOPED_INFO(one.name() << " spills " << one.resources.spill_bytes << " bytes");
            usable +=
                one.resources.spill_bytes == 0 && one.resources.dynamic_smem_bytes <= kHopperSmem;
        }
        CHECK(usable >= int(calls.size()) * 9 / 10);
    }
}

TEST_CASE("a sample of tiles compiles for sm_80, float16, float32 output and transposed weights",
          "[jit][scatter2scatter]") {
    std::vector<ms_scatter2scatter_args> calls;
    const std::vector<ms_tile_config> configs = {{128, 128, 32, 4, 4}, {128, 64, 64, 8, 3},
                                                 {64, 128, 64, 4, 4},  {32, 256, 32, 8, 3},
                                                 {16, 64, 128, 2, 4},  {16, 32, 16, 1, 2}};
    for (std::size_t i = 0; i < configs.size(); ++i)
        for (const bool transposed : {false, true}) {
            S2sShape shape = qwen3_gate_up(i % 2 == 0 ? 16 : 0);
            shape.w_transposed = transposed;
            shape.dtype = i % 3 == 0 ? MS_F16 : MS_BF16;
            shape.y_dtype = i % 3 == 1 ? MS_F32 : shape.dtype;
            calls.push_back(call(shape, configs[i]));
        }
    for (const Compiled &one : compile_all(calls, "sm_80"))
        check_report(one);
}

TEST_CASE("the default tile fits every device and never spills, at any rank and size",
          "[jit][scatter2scatter]") {
    std::vector<ms_scatter2scatter_args> calls;
    for (const std::int32_t tokens : {1, 100, 1024, 16384})
        for (const std::int32_t rank : {0, 1, 16, 64, 128, 256})
            for (const ms_s2s_variant variant : {MS_S2S_FUSED, MS_S2S_SPLIT, MS_S2S_EXTRA_K}) {
                if (variant == MS_S2S_SPLIT && rank % 128 != 0)
                    continue;
                S2sShape shape = qwen3_gate_up(rank);
                shape.tokens = tokens;
                shape.variant = variant;
                ms_scatter2scatter_args args = shape_args(shape);
                args.config = scatter2scatter::default_config(args);
                calls.push_back(args);
            }
    for (const std::int32_t rank : {0, 16})
        for (const bool transposed : {false, true}) {
            S2sShape shape = qwen3_gate_up(rank);
            shape.tokens = 16384;
            shape.dtype = shape.y_dtype = MS_F16;
            shape.w_transposed = transposed;
            ms_scatter2scatter_args args = shape_args(shape);
            args.config = scatter2scatter::default_config(args);
            calls.push_back(args);
        }
    const auto check_all = [&](const char *arch) {
        for (const Compiled &one : compile_all(calls, arch)) {
            check_report(one);
            INFO(one.name() << " for " << arch);
            CHECK(one.resources.spill_bytes == 0);
            CHECK(one.resources.dynamic_smem_bytes <= 99 * 1024);
        }
    };
    for (const char *arch : {"sm_80", "sm_90a"})
        check_all(arch);
    std::size_t place = 0; // the others run the instructions of sm_80: every third will do
    std::erase_if(calls, [&](const ms_scatter2scatter_args &) { return place++ % 3 != 0; });
    for (const char *arch : {"sm_89", "sm_120"})
        check_all(arch);
}

TEST_CASE("extra-K compiles without spills for every kind of device, transposed or not",
          "[jit][scatter2scatter]") {
    std::vector<ms_scatter2scatter_args> calls;
    for (const std::int32_t rank : {12, 16, 64, 256})
        for (const bool backward : {false, true}) {
            S2sShape shape = qwen3_gate_up(rank);
            shape.tokens = rank == 16 ? 16384 : 1024;
            shape.variant = MS_S2S_EXTRA_K;
            shape.w_transposed = shape.lora_a_transposed = shape.lora_b_transposed = backward;
            ms_scatter2scatter_args args = shape_args(shape);
            args.config = scatter2scatter::default_config(args);
            calls.push_back(args);
        }
    for (const char *arch : {"sm_80", "sm_89", "sm_90a", "sm_120"})
        for (const Compiled &one : compile_all(calls, arch)) {
            check_report(one);
            INFO(one.name() << " for " << arch);
            CHECK(one.resources.spill_bytes == 0);
        }
}

TEST_CASE("the kernel that decodes NF4 compiles without spills for every kind of device",
          "[jit][scatter2scatter]") {
    const float absmax = 1;
    ms_expert_weights nf4{};
    nf4.absmax = &absmax;
    nf4.experts = 128;
    nf4.block_size = 64;
    nf4.expert_numel = 2048 * 1536;
    for (const std::int32_t rank : {0, 16, 256}) {
        S2sShape shape = qwen3_gate_up(rank);
        shape.variant = MS_S2S_EXTRA_K;
        shape.w_transposed = true;
        ms_scatter2scatter_args args = shape_args(shape);
        args.w_nf4 = &nf4;
        std::vector<ms_scatter2scatter_args> calls = {args};
        if (rank == 16)
            for (const ms_tile_config &config : scatter2scatter::candidate_configs(args))
                calls.push_back(args), calls.back().config = config;
        REQUIRE(ms_scatter2scatter_default_config(&args, &calls[0].config) == MS_OK);
        const std::vector<const char *> archs =
            rank == 16 ? std::vector{"sm_90a"} : std::vector{"sm_80", "sm_89", "sm_90a", "sm_120"};
        for (const char *arch : archs)
            for (const Compiled &one : compile_all(calls, arch)) {
                check_report(one);
                INFO(one.name() << " for " << arch);
                CHECK(one.resources.spill_bytes == 0);
            }
    }
}

// sm_90a is above. What the tuner would keep: what fits a block of the device and does not spill.
TEST_CASE("what fits the other devices compiles for them, and little of it spills",
          "[jit][scatter2scatter]") {
    struct Target {
        const char *arch;
        int smem_bytes; // a block's limit
    };
    constexpr std::size_t kEvery = 6; // a sample: a kernel takes a second or two to compile
    std::size_t first = 0;            // another sample for each device
    for (const Target target :
         {Target{"sm_80", 163 * 1024}, Target{"sm_89", 99 * 1024}, Target{"sm_120", 99 * 1024}}) {
        std::vector<ms_scatter2scatter_args> calls;
        for (const ms_s2s_variant variant : {MS_S2S_FUSED, MS_S2S_EXTRA_K}) {
            S2sShape shape = qwen3_gate_up();
            shape.variant = variant;
            const std::vector<ms_scatter2scatter_args> all = candidate_calls(shape);
            for (std::size_t i = first; i < all.size(); i += kEvery)
                if (scatter2scatter::dynamic_smem_bytes(all[i], all[i].config) <= target.smem_bytes)
                    calls.push_back(all[i]);
        }
        ++first;
        REQUIRE(calls.size() >= 8);
        std::size_t kept = 0;
        for (const Compiled &one : compile_all(calls, target.arch)) {
            check_report(one);
            if (one.resources.spill_bytes > 0)
                UNSCOPED_INFO(one.name() << " spills " << one.resources.spill_bytes << " bytes");
            kept += one.resources.spill_bytes == 0;
        }
        INFO(target.arch << " keeps " << kept << " of " << calls.size());
        CHECK(kept * 5 >= calls.size() * 4);
    }
}

TEST_CASE("an all-zero config stands for the default one", "[jit][scatter2scatter]") {
    ms_scatter2scatter_args args = shape_args({.tokens = 1, .k = 8, .n = 8});
    const ms_tile_config config = scatter2scatter::default_config(args);
    CHECK(scatter2scatter::config_problem(config) == "");
    ms_tile_resources of_zero{}, of_default{};
    REQUIRE(ms_scatter2scatter_compile(&args, "sm_80", &of_zero) == MS_OK);
    args.config = config;
    REQUIRE(ms_scatter2scatter_compile(&args, "sm_80", &of_default) == MS_OK);
    CHECK(of_zero.cubin_bytes == of_default.cubin_bytes);
    CHECK(of_zero.threads == 32 * config.warps);
}

TEST_CASE("a config that cannot be built is an invalid argument, not a compiler error",
          "[jit][scatter2scatter]") {
    ms_scatter2scatter_args args = shape_args({});
    args.config = {128, 96, 32, 4, 4};
    CHECK(ms_scatter2scatter_compile(&args, "sm_90a", nullptr) == MS_INVALID_ARGUMENT);
    CHECK_THAT(ms_last_error(), ContainsSubstring("block_n is 96"));
}

TEST_CASE("an architecture the compiler does not know is a compile error that names it",
          "[jit][scatter2scatter]") {
    ms_scatter2scatter_args args = shape_args({});
    CHECK(ms_scatter2scatter_compile(&args, "sm_1", nullptr) == MS_COMPILE_ERROR);
    CHECK_THAT(ms_last_error(), ContainsSubstring("sm_1"));
}
