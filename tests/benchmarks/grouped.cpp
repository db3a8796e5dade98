#include "tests/benchmarks/grouped.h"

#include "kernels/scatter2scatter/tile_configs.h"
#include "tests/benchmarks/nf4.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>

namespace moescope::bench {

namespace {

constexpr ms_s2s_variant kVariants[] = {MS_S2S_FUSED, MS_S2S_SPLIT, MS_S2S_EXTRA_K};
constexpr float kScaling = 2;
// A LoRA variant's product has the base product's best tiles, or nearly so: this many of them are
// tried for each variant.
constexpr std::size_t kTilesAVariant = 10;
const char *name_of(ms_s2s_variant variant) {
    return variant == MS_S2S_FUSED ? "fused" : variant == MS_S2S_SPLIT ? "split" : "extra_k";
}

float weight_scale(std::int32_t k) {
    return 1 / std::sqrt(float(k));
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

std::string Tile::text() const { return std::string(name_of(variant)) + " " + text_of(config); }

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
    if (pass_ == GroupedPass::Nf4)
        input.nf4 = make_nf4(memory_, shape_.experts, k * n);
    else
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
    args.w_transposed = gradient || pass_ == GroupedPass::Nf4; // the kernel that decodes wants it so
    args.lora_a_transposed = args.lora_b_transposed = gradient;
    args.w_nf4 = pass_ == GroupedPass::Nf4 && !inputs_.empty() ? &inputs_.front().nf4 : nullptr;
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
    const std::vector<std::int32_t> &counts = routing_.host_counts;
    Cost cost = minimum_cost(workload, shape_.op(), has_lora() ? "fused" : "base", counts);
    if (pass_ == GroupedPass::Nf4)
        cost.bytes += nf4_less_dense_bytes(workload, counts);
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
        call.w_nf4 = call.w_nf4 ? &input.nf4 : nullptr;
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
    case GroupedPass::Nf4:
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

// Compiles, prunes and times.
std::vector<Tile> GroupedCase::fastest_first(const std::vector<Tile> &tiles, std::int32_t rank) {
    std::vector<ms_scatter2scatter_args> calls;
    for (const Tile &tile : tiles)
        calls.push_back(args_of(tile, rank));
    const std::vector<std::string> problems = problems_of(calls);
    std::vector<Choice> choices;
    for (std::size_t i = 0; i < tiles.size(); ++i)
        choices.push_back({.variant = rank == 0 ? "base" : name_of(tiles[i].variant),
                           .text = tiles[i].text(),
                           .refused = problems[i]});
    std::vector<Tile> order;
    for (const Place &place : race(choices, [&](std::size_t i, const Timing &timing) {
             return median(time_launches(launch(tiles[i], rank), sets(), timing).ns);
         }))
        order.push_back(tiles[place.tile]);
    tried_.insert(tried_.end(), choices.begin(), choices.end());
    return order;
}

// The product without LoRA orders the tiles alike whatever the rank: the rows that differ in that
// alone share one race.
const std::vector<Tile> &GroupedCase::base_order() {
    static std::map<std::tuple<std::string, std::int64_t, Load, bool>, std::vector<Tile>> orders;
    std::vector<Tile> &order = orders[{shape_.name, batch_.tokens, batch_.load,
                                       pass_ == GroupedPass::InputGradient}];
    if (order.empty())
        order = fastest_first(all_tiles(MS_S2S_FUSED, 0), 0);
    return order;
}

Tile GroupedCase::tune() {
    if (pass_ == GroupedPass::Nf4)
        return fastest_first(all_tiles(MS_S2S_FUSED, 0), 0).front();
    if (pass_ == GroupedPass::Base)
        return base_order().front();
    std::vector<Tile> tiles;
    for (const ms_s2s_variant variant : variants()) {
        const std::vector<Tile> possible = all_tiles(variant, rank());
        std::size_t taken = 0;
        for (const Tile &each : base_order()) {
            const Tile tile{variant, each.config};
            if (taken < kTilesAVariant &&
                std::find(possible.begin(), possible.end(), tile) != possible.end()) {
                tiles.push_back(tile);
                ++taken;
            }
        }
    }
    return fastest_first(tiles, rank()).front();
}

Tile GroupedCase::named(const std::string &text) const {
    for (const ms_s2s_variant variant : variants())
        for (const Tile &tile : all_tiles(variant, rank()))
            if (tile.text() == text)
                return tile;
    throw std::runtime_error("no tile is called " + text);
}

Case grouped_case(const GroupedShape &shape, const Batch &batch, GroupedPass pass,
                  const std::string &config, GroupedCase **out) {
    const auto grouped = std::make_shared<GroupedCase>(shape, batch, pass);
    const Tile tile = config.empty() ? grouped->tune() : grouped->named(config);
    Case made;
    made.sets = grouped->sets();
    made.launch = grouped->launch(tile);
    made.cost = grouped->cost();
    made.config = tile.text();
    made.tried = grouped->tried();
    made.holds = grouped;
    if (out)
        *out = grouped.get();
    return made;
}

} // namespace moescope::bench
