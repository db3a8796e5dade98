#include "kernels/scatter2scatter/kernel_plan.h"
#include "kernels/scatter2scatter/tile_configs.h"
#include "tests/kernels/scatter2scatter/s2s_case.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <cstdint>
#include <set>
#include <tuple>
#include <vector>

using namespace moescope;
using namespace moescope::test;
using scatter2scatter::Pass;

namespace {

auto key(const ms_tile_config &c) {
    return std::tuple(c.block_m, c.block_n, c.block_k, c.warps, c.stages);
}

} // namespace

TEST_CASE("candidate tiles are distinct, buildable, and begin with the default",
          "[scatter2scatter]") {
    for (const std::int32_t tokens : {1, 64, 1024, 100000})
        for (const std::int32_t n : {8, 40, 768, 28672})
            for (const std::int32_t rank : {0, 16, 256}) {
                CAPTURE(tokens, n, rank);
                const auto args = shape_args(
                    {.tokens = tokens, .experts = 64, .top_k = 8, .k = 2048, .n = n, .rank = rank});
                const std::vector<ms_tile_config> configs =
                    scatter2scatter::candidate_configs(args);
                CHECK(configs.size() <= 60);
                CHECK(key(configs.front()) == key(scatter2scatter::default_config(args)));
                std::set<decltype(key(configs[0]))> keys;
                for (const ms_tile_config &config : configs) {
                    CHECK(scatter2scatter::config_problem(config) == "");
                    keys.insert(key(config));
                }
                CHECK(keys.size() == configs.size());
            }
}

TEST_CASE("large problems get large tiles, small ones small tiles", "[scatter2scatter]") {
    const auto rows_of_default = [](std::int32_t tokens) {
        return scatter2scatter::default_config(
                   shape_args({.tokens = tokens, .experts = 64, .top_k = 8, .k = 2048, .n = 2048}))
            .block_m;
    };
    CHECK(rows_of_default(8) == 16);
    CHECK(rows_of_default(512) == 64);
    CHECK(rows_of_default(65536) == 128);
    const auto narrow = shape_args({.tokens = 65536, .experts = 8, .k = 2048, .n = 32});
    CHECK(scatter2scatter::default_config(narrow).block_n == 32);
}

TEST_CASE("split is three passes where there is a rank, everything else is one",
          "[scatter2scatter]") {
    const ms_tile_config config{64, 128, 64, 4, 4};
    const auto passes = [&](std::int32_t rank, ms_s2s_variant variant) {
        std::vector<Pass> list;
        for (const auto &shape :
             scatter2scatter::plan_kernels(shape_args({.rank = rank, .variant = variant}), config))
            list.push_back(shape.pass);
        return list;
    };
    CHECK(passes(16, MS_S2S_FUSED) == std::vector{Pass::kFused});
    CHECK(passes(16, MS_S2S_SPLIT) == std::vector{Pass::kBase, Pass::kLoraXA, Pass::kLoraB});
    CHECK(passes(0, MS_S2S_FUSED) == std::vector{Pass::kBase});
    CHECK(passes(0, MS_S2S_SPLIT) == std::vector{Pass::kBase});
}

TEST_CASE("every pass of every candidate can itself be built, with whole warps",
          "[scatter2scatter]") {
    for (const std::int32_t rank : {1, 17, 256})
        for (const ms_s2s_variant variant : {MS_S2S_FUSED, MS_S2S_SPLIT}) {
            const auto args = shape_args(
                {.tokens = 4096, .k = 4096, .n = 4096, .rank = rank, .variant = variant});
            for (const ms_tile_config &config : scatter2scatter::candidate_configs(args))
                for (const auto &shape : scatter2scatter::plan_kernels(args, config)) {
                    INFO(scatter2scatter::kernel_name(shape));
                    CHECK(scatter2scatter::config_problem(shape.config) == "");
                    CHECK(shape.config.block_m == config.block_m); // one schedule serves all passes
                    CHECK(shape.warps_m * shape.warps_n == shape.config.warps);
                    CHECK(shape.config.block_m / shape.warps_m >= 16);
                    CHECK(shape.config.block_n / shape.warps_n >= 16);
                }
        }
}
