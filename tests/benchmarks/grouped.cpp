#include "tests/benchmarks/grouped.h"

#include "kernels/scatter2scatter/tile_configs.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <stdexcept>
#include <thread>

namespace moescope::bench {

namespace {

constexpr ms_s2s_variant kVariants[] = {MS_S2S_FUSED, MS_S2S_SPLIT, MS_S2S_EXTRA_K};
constexpr float kScaling = 2;
// A LoRA variant's product has the base product's best tiles, or nearly so: this many of them are
// tried for each variant.
constexpr std::size_t kTilesAVariant = 10;
// Every tile gets a glance, and those near the fastest a look.
constexpr Timing kGlance{.warmups = 1, .samples = 2}, kLook{.warmups = 1, .samples = 7};
constexpr double kWorthAnotherLook = 1.25;

const char *name_of(ms_s2s_variant variant) {
    return variant == MS_S2S_FUSED ? "fused" : variant == MS_S2S_SPLIT ? "split" : "extra_k";
}

float weight_scale(std::int32_t k) {
    return 1 / std::sqrt(float(k));
}

struct Compiled {
    ms_status status = MS_OK;
    std::string error;
    ms_tile_resources resources{};
};

// On every core: NVRTC compiles different kernels in parallel.
std::vector<Compiled> compile_all(const std::vector<ms_scatter2scatter_args> &calls) {
    std::vector<Compiled> compiled(calls.size());
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i)
        threads.emplace_back([&] {
            for (std::size_t at = next++; at < calls.size(); at = next++) {
                Compiled &one = compiled[at];
                one.status = ms_scatter2scatter_compile(&calls[at], device_facts().arch.c_str(),
                                                        &one.resources);
                if (one.status != MS_OK)
                    one.error = ms_last_error();
            }
        });
    threads.clear();
    return compiled;
}

std::string why_not(const Compiled &compiled) {
    if (compiled.status != MS_OK)
        return compiled.error;
    if (compiled.resources.spill_bytes > 0)
        return "spills " + std::to_string(compiled.resources.spill_bytes) + " bytes";
    if (compiled.resources.dynamic_smem_bytes > device_facts().smem_per_block_bytes)
        return "needs " + std::to_string(compiled.resources.dynamic_smem_bytes) +
               " bytes of shared memory";
    return "";
}

} // namespace

Workload GroupedShape::workload(std::int64_t tokens, std::int32_t rank) const {
    Workload workload;
    workload.model.name = name;
    workload.model.experts = experts;
    workload.model.top_k = top_k;
    workload.model.gated = false;
    workload.model.hidden = down ? n : k;
    workload.model.intermediate = down ? k : n;
    workload.tokens = tokens;
    workload.lora_rank = rank;
    return workload;
}

std::string Tile::text() const {
    char text[80];
    std::snprintf(text, sizeof text, "%s %s%dx%dx%d w%d s%d", name_of(variant),
                  config.family == MS_TILE_WGMMA ? "wgmma " : "", config.block_m, config.block_n,
                  config.block_k, config.warps, config.stages);
    return text;
}

GroupedCase::GroupedCase(const GroupedShape &shape, const Batch &batch, GroupedPass pass,
                         bool keeps_xa)
    : shape_(shape), batch_(batch), pass_(pass), keeps_xa_(keeps_xa),
      routing_(make_routing(memory_, batch.tokens, shape.experts, shape.top_k, batch.load)) {
    for (const ms_s2s_variant variant : kVariants) {
        const ms_scatter2scatter_args args = args_of({variant, {}}, rank());
        workspace_bytes_ = std::max(workspace_bytes_, ms_scatter2scatter_workspace_bytes(&args));
    }
    const std::int64_t before = memory_.total();
    inputs_.push_back(make_input());
    const int sets = sets_past_l2(memory_.total() - before);
    while (int(inputs_.size()) < sets)
        inputs_.push_back(make_input());
}

GroupedCase::Input GroupedCase::make_input() {
    const ms_scatter2scatter_args args = args_of({}, rank());
    const std::int64_t k = args.k, n = args.n, rank = args.rank, experts = shape_.experts;
    Input input;
    const std::int64_t x_rows =
        args.x_grouped || pass_ == GroupedPass::InputGradient ? routing_.slots : routing_.tokens;
    input.x = memory_.normal(MS_BF16, x_rows * k);
    input.w = memory_.normal(MS_BF16, experts * k * n, weight_scale(args.k));
    if (rank > 0) {
        input.a = memory_.normal(MS_BF16, experts * rank * k, weight_scale(args.k));
        input.b = memory_.normal(MS_BF16, experts * rank * n, weight_scale(args.rank));
    }
    input.y = memory_.bytes(routing_.slots * n * 2);
    if (keeps_xa_)
        input.xa = memory_.bytes(routing_.slots * ((rank + 7) / 8 * 8) * 2);
    input.workspace = memory_.bytes(std::int64_t(workspace_bytes_));
    return input;
}

// The gradient of the input is the product with the transposed weight: its rows come the way the
// forward ones leave, and leave by slot or grouped the way those come.
ms_scatter2scatter_args GroupedCase::args_of(const Tile &tile, std::int32_t rank) const {
    const bool gradient = pass_ == GroupedPass::InputGradient;
    ms_scatter2scatter_args args{};
    args.struct_size = sizeof args;
    args.dtype = args.y_dtype = MS_BF16;
    args.variant = tile.variant;
    args.w_transposed = args.lora_a_transposed = args.lora_b_transposed = gradient;
    args.k = args.x_stride = gradient ? shape_.n : shape_.k;
    args.n = gradient ? shape_.k : shape_.n;
    args.x_stride = args.k;
    args.y_stride = args.n;
    args.rank = rank;
    args.scaling = kScaling;
    args.slots = routing_.slots;
    args.experts = shape_.experts;
    args.x_grouped = shape_.down != gradient;
    args.y_grouped = !args.x_grouped;
    args.top_k = gradient && !args.x_grouped ? 1 : shape_.top_k; // a row a slot
    args.config = tile.config;
    args.workspace_bytes = workspace_bytes_;
    return args;
}

Cost GroupedCase::cost() const {
    const Workload workload = shape_.workload(batch_.tokens, batch_.rank);
    const char *variant = pass_ == GroupedPass::Base ? "base" : "fused";
    Cost cost = minimum_cost(workload, shape_.op(), variant, routing_.host_counts);
    // The gradient of a gathered input has a row a slot, where the input itself has one a token.
    if (pass_ == GroupedPass::InputGradient && !shape_.down)
        cost.bytes += 2.0 * double(routing_.slots - routing_.tokens) * shape_.k;
    return cost;
}

ms_tile_config GroupedCase::default_config() const {
    const ms_scatter2scatter_args args = args_of({MS_S2S_EXTRA_K, {}}, rank());
    ms_tile_config config{};
    check(ms_scatter2scatter_default_config(&args, &config), "ms_scatter2scatter_default_config");
    return config;
}

Launch GroupedCase::launch(const Tile &tile, std::int32_t rank) {
    ms_scatter2scatter_args args = args_of(tile, rank);
    args.sorted_slots = routing_.sorted_slots;
    args.offsets = routing_.offsets;
    args.tiles = routing_.tiles(memory_, tile.config.block_m);
    return [this, args](int set, ms_stream stream) {
        const Input &input = inputs_[std::size_t(set)];
        ms_scatter2scatter_args call = args;
        call.x = input.x;
        call.w = input.w;
        call.lora_a = call.rank > 0 ? input.a : nullptr;
        call.lora_b = call.rank > 0 ? input.b : nullptr;
        call.y = input.y;
        call.xa = call.rank > 0 ? input.xa : nullptr;
        call.workspace = input.workspace;
        return ms_scatter2scatter(&call, stream);
    };
}

std::vector<ms_s2s_variant> GroupedCase::variants() const {
    switch (pass_) {
    case GroupedPass::Base:
        return {MS_S2S_FUSED};
    case GroupedPass::Lora:
        return {MS_S2S_EXTRA_K, MS_S2S_FUSED, MS_S2S_SPLIT};
    case GroupedPass::InputGradient:
        break;
    }
    return {MS_S2S_EXTRA_K, MS_S2S_SPLIT}; // the fused kernel has no transposed A and B
}

std::vector<Tile> GroupedCase::all_tiles(ms_s2s_variant variant, std::int32_t rank) const {
    const ms_scatter2scatter_args args = args_of({variant, {}}, rank);
    std::vector<Tile> tiles;
    for (const ms_tile_config &config :
         scatter2scatter::candidate_configs(args, device_facts().arch))
        tiles.push_back({variant, config});
    return tiles;
}

double GroupedCase::time(const Tile &tile, std::int32_t rank, const Timing &timing) {
    return median(time_launches(launch(tile, rank), sets(), timing).ns);
}

// Compiles, prunes and times; the fastest first.
std::vector<GroupedCase::Timed> GroupedCase::race(const std::vector<Tile> &tiles,
                                                  std::int32_t rank) {
    std::vector<ms_scatter2scatter_args> calls;
    for (const Tile &tile : tiles)
        calls.push_back(args_of(tile, rank));
    const std::vector<Compiled> compiled = compile_all(calls);
    std::vector<Timed> timed;
    double fastest = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < tiles.size(); ++i) {
        Choice choice{rank == 0 ? "base" : name_of(tiles[i].variant), tiles[i].text(), 0,
                      why_not(compiled[i])};
        if (choice.refused.empty()) {
            choice.ns = time(tiles[i], rank, kGlance);
            timed.push_back({tiles[i], choice.ns, tried_.size()});
            fastest = std::min(fastest, choice.ns);
        }
        tried_.push_back(std::move(choice));
    }
    for (Timed &each : timed)
        if (each.ns < kWorthAnotherLook * fastest)
            tried_[each.place].ns = each.ns = time(each.tile, rank, kLook);
    std::sort(timed.begin(), timed.end(), [](auto &a, auto &b) { return a.ns < b.ns; });
    if (timed.empty())
        throw std::runtime_error("no tile can run: " + tried_.back().refused);
    return timed;
}

Tile GroupedCase::tune() {
    const std::vector<Timed> base = race(all_tiles(MS_S2S_FUSED, 0), 0);
    if (pass_ == GroupedPass::Base)
        return base.front().tile;
    std::vector<Tile> tiles;
    for (const ms_s2s_variant variant : variants()) {
        const std::vector<Tile> possible = all_tiles(variant, rank());
        std::size_t taken = 0;
        for (const Timed &each : base) {
            const Tile tile{variant, each.tile.config};
            if (taken < kTilesAVariant &&
                std::find(possible.begin(), possible.end(), tile) != possible.end()) {
                tiles.push_back(tile);
                ++taken;
            }
        }
    }
    return race(tiles, rank()).front().tile;
}

Tile GroupedCase::named(const std::string &text) const {
    for (const ms_s2s_variant variant : variants())
        for (const Tile &tile : all_tiles(variant, rank()))
            if (tile.text() == text)
                return tile;
    throw std::runtime_error("no tile is called " + text);
}

} // namespace moescope::bench
