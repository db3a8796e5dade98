#include "kernels/scatter2scatter/tile_configs.h"

#include "kernels/scatter2scatter/kernel_plan.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>

namespace moescope::scatter2scatter {

namespace {

// Rows a non-empty expert gets when routing is even.
std::int64_t mean_rows(const ms_scatter2scatter_args &args) {
    const std::int64_t experts =
        std::max<std::int64_t>(1, std::min<std::int64_t>(args.experts, args.slots));
    return (args.slots + experts - 1) / experts;
}

// {warps, stages} and depths worth pairing with a block: enough bytes in flight for a small block,
// enough sums in registers for a large one.
constexpr ms_tile_config kCandidates[] = {
    // Large: compute-bound, 64 x 64 of the block a warp.
    {128, 128, 32, 4, 4},
    {128, 128, 32, 4, 5},
    {128, 128, 32, 8, 4},
    {128, 128, 64, 4, 3},
    {128, 128, 64, 8, 3},
    {128, 128, 64, 8, 4},
    {128, 256, 32, 8, 4},
    {128, 256, 32, 8, 3},
    {128, 256, 64, 8, 3},
    {128, 64, 32, 4, 4},
    {128, 64, 64, 4, 4},
    {128, 64, 64, 4, 3},
    {128, 32, 64, 4, 4},
    // 64 rows.
    {64, 128, 64, 4, 4},
    {64, 128, 64, 4, 3},
    {64, 128, 64, 8, 4},
    {64, 128, 32, 4, 4},
    {64, 128, 32, 4, 6},
    {64, 128, 128, 8, 3},
    {64, 256, 32, 4, 4},
    {64, 256, 32, 8, 4},
    {64, 256, 64, 8, 3},
    {64, 256, 64, 8, 4},
    {64, 64, 64, 4, 4},
    {64, 64, 64, 4, 6},
    {64, 64, 32, 4, 4},
    {64, 64, 128, 4, 3},
    {64, 32, 64, 2, 4},
    {64, 32, 128, 4, 4},
    // 32 rows.
    {32, 128, 64, 4, 4},
    {32, 128, 64, 4, 6},
    {32, 128, 32, 4, 4},
    {32, 128, 128, 4, 3},
    {32, 256, 64, 8, 4},
    {32, 256, 32, 4, 4},
    {32, 64, 64, 2, 4},
    {32, 64, 64, 4, 4},
    {32, 64, 128, 4, 4},
    {32, 32, 128, 2, 4},
    {32, 32, 64, 1, 4},
    // 16 rows: weights stream, the product itself is nothing.
    {16, 128, 64, 4, 4},
    {16, 128, 64, 4, 6},
    {16, 128, 128, 4, 3},
    {16, 128, 128, 8, 4},
    {16, 128, 32, 4, 6},
    {16, 256, 64, 8, 4},
    {16, 256, 64, 4, 4},
    {16, 64, 128, 4, 4},
    {16, 64, 128, 2, 4},
    {16, 64, 64, 2, 6},
    {16, 64, 64, 4, 4},
    {16, 32, 128, 2, 4},
    {16, 32, 128, 1, 6},
    {16, 32, 64, 1, 6},
    {16, 32, 16, 1, 2},
};

// With NF4 weights: deep stages, so that a row's nibbles are a whole sector or two, and warps that
// share no columns, so that nothing is decoded twice.
constexpr ms_tile_config kNf4Candidates[] = {
    {128, 128, 128, 4, 3}, {128, 128, 128, 8, 3}, {128, 128, 64, 4, 4}, {128, 256, 64, 8, 3},
    {128, 64, 128, 4, 3},  {64, 128, 128, 4, 3},  {64, 128, 128, 4, 4}, {64, 128, 128, 8, 3},
    {64, 128, 64, 4, 4},   {64, 256, 128, 8, 3},
    {64, 64, 128, 2, 4},   {64, 64, 128, 4, 3},   {32, 128, 128, 4, 3}, {32, 128, 128, 4, 4},
    {32, 128, 64, 4, 4},   {32, 256, 128, 4, 3},  {32, 256, 128, 8, 4}, {32, 64, 128, 2, 4},
    {32, 64, 128, 4, 4},   {16, 128, 128, 4, 3},  {16, 128, 128, 4, 4}, {16, 128, 128, 4, 6},
    {16, 128, 64, 4, 4},   {16, 128, 64, 4, 6},   {16, 256, 128, 8, 4},
    {16, 64, 128, 4, 4},   {16, 64, 128, 2, 4},   {16, 64, 64, 2, 6},   {16, 32, 128, 2, 4},
    {16, 32, 128, 1, 4},
};

// A block may be up to twice as large as the smallest that holds `size`; the smallest block always
// passes.
bool fits(int block, int smallest, std::int64_t size) {
    return block == smallest || block < 4 * size;
}

bool worth_trying(const ms_scatter2scatter_args &args, const ms_tile_config &config) {
    return fits(config.block_m, 16, mean_rows(args)) && fits(config.block_n, 32, args.n) &&
           (config.block_k <= 64 || args.k >= 4 * config.block_k);
}

// Registers that hold sums, a thread: Y's and, fused, XA's.
int accumulator_registers(const ms_scatter2scatter_args &args, const ms_tile_config &config) {
    int most = 0;
    for (const KernelShape &shape : plan_kernels(args, config)) {
        const ms_tile_config &c = shape.config;
        const int rows = c.block_m / shape.warps_m / 16;
        const int lora_tiles = (shape.rank_padded / 8 + shape.warps_n - 1) / shape.warps_n;
        most = std::max(most, rows * (c.block_n / shape.warps_n / 8 + lora_tiles) * 4);
    }
    return most;
}

int rows_for(std::int64_t mean) {
    if (mean <= 16)
        return 16;
    if (mean <= 32)
        return 32;
    return mean <= 128 ? 64 : 128;
}

constexpr ms_tile_config hopper(std::int32_t block_m, std::int32_t block_n, std::int32_t stages) {
    return {block_m, block_n, 64, 12, stages, MS_TILE_WGMMA};
}

constexpr ms_tile_config kHopperCandidates[] = {
    hopper(288, 128, 4), hopper(256, 128, 4), hopper(192, 128, 5), hopper(128, 256, 4),
    hopper(128, 128, 6), hopper(96, 256, 4),  hopper(96, 128, 6),  hopper(64, 256, 5),
    hopper(64, 128, 8),  hopper(32, 256, 5),  hopper(32, 128, 10),
};

// Every expert's rows in as few tiles as can be: what is left of a tile costs nothing, so that the
// mean fills a tile with room for the spread around it.
ms_tile_config hopper_default(const ms_scatter2scatter_args &args) {
    const std::int64_t mean = mean_rows(args);
    if (mean > 128)
        return hopper(288, 128, 4);
    if (args.n <= 128)
        return hopper(128, 128, 6);
    if (mean > 48)
        return hopper(128, 256, 4);
    return mean > 16 ? hopper(64, 256, 5) : hopper(32, 256, 5);
}

bool hopper_can(const ms_scatter2scatter_args &args, const std::string &arch) {
    return config_problem(args, hopper_default(args), arch).empty();
}

// Its blocks have a multiprocessor each: with fewer tiles than those, the smaller tiles of the other
// family keep more of the device busy.
bool fills_device(const ms_scatter2scatter_args &args, const ms_tile_config &config) {
    constexpr std::int64_t kMultiprocessors = 132;
    const std::int64_t active = std::min<std::int64_t>(args.experts, args.slots);
    const std::int64_t row_tiles = (mean_rows(args) + config.block_m - 1) / config.block_m;
    return active * row_tiles * ((args.n + config.block_n - 1) / config.block_n) >=
           kMultiprocessors;
}

void add_hopper(const ms_scatter2scatter_args &args, std::vector<ms_tile_config> &configs) {
    for (const ms_tile_config &config : kHopperCandidates)
        if (fits(config.block_m, 32, mean_rows(args)) && fits(config.block_n, 128, args.n))
            configs.push_back(config);
}

ms_tile_config portable_default(const ms_scatter2scatter_args &args);

} // namespace

std::vector<ms_tile_config> candidate_configs(const ms_scatter2scatter_args &args,
                                              const std::string &arch) {
    std::vector<ms_tile_config> configs;
    if (hopper_can(args, arch)) {
        add_hopper(args, configs);
        configs.push_back(portable_default(args));
    }
    const std::span<const ms_tile_config> all =
        args.w_nf4 ? std::span<const ms_tile_config>(kNf4Candidates) : kCandidates;
    for (const ms_tile_config &config : all)
        if (worth_trying(args, config))
            configs.push_back(config);
    const ms_tile_config first = default_config(args, arch);
    const auto same = [&](const ms_tile_config &c) {
        return c.block_m == first.block_m && c.block_n == first.block_n &&
               c.block_k == first.block_k && c.warps == first.warps && c.stages == first.stages &&
               c.family == first.family;
    };
    std::erase_if(configs, same);
    configs.insert(configs.begin(), first);
    return configs;
}

std::vector<int> row_tile_sizes(ms_tile_family family) {
    std::set<int> sizes;
    for (const std::span<const ms_tile_config> all :
         {std::span<const ms_tile_config>(kCandidates), std::span<const ms_tile_config>(kHopperCandidates)})
        for (const ms_tile_config &config : all)
            if (config.family == family)
                sizes.insert(config.block_m);
    return {sizes.begin(), sizes.end()};
}

ms_tile_config default_config(const ms_scatter2scatter_args &args, const std::string &arch) {
    const bool hopper = hopper_can(args, arch) && fills_device(args, hopper_default(args));
    return hopper ? hopper_default(args) : portable_default(args);
}

namespace {

ms_tile_config portable_default(const ms_scatter2scatter_args &args) {
    ms_tile_config config{.block_m = rows_for(mean_rows(args)),
                          .block_n = 128,
                          .block_k = 64,
                          .warps = 4,
                          .stages = 4};
    if (config.block_m == 128)
        config.block_k = 32;
    if (args.w_nf4) {
        config.block_k = 128;
        config.stages = 3;
    }
    const int least_k = args.w_nf4 ? 32 : 16;
    while (config.block_n > 32 && config.block_n >= 2 * args.n)
        config.block_n /= 2;
    // A high rank sums XA in registers too, and keeps A in every stage: shrink until both have room
    // on the smallest sm_80+ device (99 KiB a block).
    constexpr int kMostSums = 136, kMostSmem = 99 * 1024;
    while (accumulator_registers(args, config) > kMostSums && config.warps < 8 &&
           2 * config.warps <= config.block_m / 16 * (config.block_n / 16))
        config.warps *= 2;
    while (config.block_m > 16 && accumulator_registers(args, config) > kMostSums)
        config.block_m /= 2;
    while (config.block_k > least_k && dynamic_smem_bytes(args, config) > kMostSmem)
        config.block_k /= 2;
    while (config.stages > 2 && dynamic_smem_bytes(args, config) > kMostSmem)
        --config.stages;
    config.warps = std::min(config.warps, config.block_m / 16 * (config.block_n / 16));
    return config;
}

} // namespace

int dynamic_smem_bytes(const ms_scatter2scatter_args &args, const ms_tile_config &config) {
    int most = 0;
    for (const KernelShape &shape : plan_kernels(args, config))
        most = std::max(most, dynamic_smem_bytes(shape));
    return most;
}

} // namespace moescope::scatter2scatter
