// From tokens to tiles: count, offsets, sort, padding, waves.
#include "app/lessons/facts.h"
#include "app/lessons/figures/figures.h"
#include "app/lessons/figures/parts.h"
#include "app/lessons/figures/tiling.h"
#include "app/lessons/router_row.h"
#include "profiler/explain/routing_math.h"

#include <algorithm>
#include <cmath>

namespace moescope::lessons {

namespace {

constexpr int kShownSlots = 48, kSmallTile = 4;
constexpr float kCell = 13, kStep = 15, kTokens = 112, kFloor = 190, kSorted = 212;

struct Small { // the slots of the first tokens
    std::vector<std::int32_t> ids;
    int top_k, experts;
    SortedSlots sorted;
    std::vector<int> place; // in the sorted order, of each slot

    float x(int i) const { return kMargin + (kFigureWidth - 2 * kMargin - kStep * float(ids.size())) / 2 + kStep * float(i); }
    Columns columns() const { return {experts}; }
};

Small small_of(const std::vector<RouterRow> &rows, const ModelShape &model) {
    Small small{{}, model.top_k, model.experts, {}, {}};
    for (const RouterRow &row : rows)
        if (int(small.ids.size()) + model.top_k <= kShownSlots)
            small.ids.insert(small.ids.end(), row.ids.begin(), row.ids.end());
    small.sorted = sort_slots(small.ids, model.experts);
    small.place.resize(small.ids.size());
    for (std::size_t i = 0; i < small.ids.size(); ++i)
        small.place[std::size_t(small.sorted.sorted[i])] = int(i);
    return small;
}

Shape &slot(Pen &pen, const Small &small, int s, float x, float y) {
    Shape &box = pen.box(x, y, kCell, kCell, Ink::Series, "s" + std::to_string(s));
    box.series = small.ids[std::size_t(s)];
    return box;
}

void draw_tokens(Pen &pen, const Small &small) {
    for (int s = 0; s < int(small.ids.size()); ++s) {
        slot(pen, small, s, small.x(s), kTokens);
        pen.words(small.x(s) + kCell / 2, kTokens + kCell + 10, std::to_string(small.ids[std::size_t(s)]), Ink::Muted).h = 10;
        if (s % std::max(2, small.top_k) == 0) // of one slot a token every other has room
            pen.words(small.x(s) + kStep * float(small.top_k) / 2, kTokens - 14, fmt::format("t{}", s / small.top_k)).h = 11;
    }
}

void draw_counted(Pen &pen, const Small &small, bool offsets) {
    // A popular expert's slots stand closer together.
    const float tallest = float(std::max(1, std::ranges::max(small.sorted.counts)));
    const float step = std::min(kStep, (kFloor - kCell - 8) / tallest);
    for (int s = 0; s < int(small.ids.size()); ++s) {
        const int expert = small.ids[std::size_t(s)];
        const int rank = small.place[std::size_t(s)] - small.sorted.offsets[std::size_t(expert)];
        slot(pen, small, s, small.columns().middle(expert) - kCell / 2, kFloor - kCell - 2 - step * float(rank));
    }
    for (int e = 0; e < small.experts; ++e) {
        const float x = small.columns().middle(e);
        const bool room = small.experts <= 8; // for words beside the numbers
        pen.words(x, kFloor + 10, fmt::format("{}{}", room ? "expert " : "e", e), Ink::Muted).h = 12;
        pen.words(x, kFloor + 26, fmt::format("{}{}", small.sorted.counts[std::size_t(e)], room ? " slots" : "")).h = 12;
        if (offsets)
            pen.words(x, kFloor + 44, fmt::format("{}{}", room ? "from " : "", small.sorted.offsets[std::size_t(e)]), Ink::Good)
                .bold = true;
    }
}

void draw_sorted(Pen &pen, const Small &small) {
    for (int s = 0; s < int(small.ids.size()); ++s)
        slot(pen, small, s, small.x(small.place[std::size_t(s)]), kSorted - 100);
    for (int e = 0; e < small.experts; ++e)
        if (const int count = small.sorted.counts[std::size_t(e)]; count > 0)
            pen.words(small.x(small.sorted.offsets[std::size_t(e)]) + kStep * float(count) / 2, kSorted - 74,
                      fmt::format("{}", e), Ink::Muted);
    pen.words(kFigureWidth / 2, kSorted - 52, "expert", Ink::Muted);
}

// Every expert's rows begin a tile of their own; empty places are computed for nothing.
void draw_padded(Pen &pen, const Small &small, bool named) {
    const Tiling tiling = tile_rows(small.sorted.counts, {kSmallTile});
    const float tile_width = kSmallTile * kStep + 9;
    const int per_line = int((kFigureWidth - 2 * kMargin) / tile_width);
    for (std::int64_t t = 0; t < tiling.tile_count; ++t) {
        const int expert = expert_of_tile(tiling, t);
        const int block = int(t - tiling.first_tile[std::size_t(expert)]);
        const float x = kMargin + float(t % per_line) * tile_width, y = 66 + float(t / per_line) * 62;
        pen.outline(x - 2, y - 3, kSmallTile * kStep + 2, kCell + 6, Ink::Muted);
        if (named)
            pen.words(x + kSmallTile * kStep / 2, y + kCell + 14, fmt::format("e{}: {}", expert, block * kSmallTile),
                      Ink::Muted)
                .h = 10;
        for (int row = 0; row < kSmallTile; ++row) {
            const int within = block * kSmallTile + row;
            if (within < small.sorted.counts[std::size_t(expert)])
                slot(pen, small, small.sorted.sorted[std::size_t(small.sorted.offsets[std::size_t(expert)] + within)],
                     x + kStep * float(row), y);
            else
                pen.outline(x + kStep * float(row), y, kCell, kCell, Ink::Failure);
        }
    }
}

struct Batch { // the whole of it, with the tile that was measured
    std::vector<std::int32_t> counts;
    RowTile row_tile{128};
    int block_n = 128, multiprocessors = 0;
    std::string tile, device;
};

Batch batch_of(const FigureInputs &inputs, const std::vector<RouterRow> &rows) {
    Batch batch;
    std::vector<std::int32_t> ids;
    for (const RouterRow &row : rows)
        ids.insert(ids.end(), row.ids.begin(), row.ids.end());
    batch.counts = sort_slots(ids, inputs.workload.model.experts).counts;
    const Measurement *measured = find_measurement(inputs.session, inputs.run, OperatorId::GateUp, "");
    const bool tiled = measured && !measured->config.is_default();
    if (tiled) {
        batch.row_tile = row_tile(measured->config);
        batch.block_n = measured->config.block_n;
    }
    batch.tile = fmt::format("{}{}{} x {}", tiled ? "the measured tile, " : "tiles of ",
                             batch.row_tile.wgmma ? "wgmma " : "", batch.row_tile.block_m, batch.block_n);
    const bool known = inputs.run.valid() && inputs.session.runs[inputs.run.value].device.multiprocessors > 0 &&
                       !inputs.session.runs[inputs.run.value].device.is_cpu();
    batch.multiprocessors = known ? inputs.session.runs[inputs.run.value].device.multiprocessors : 132;
    batch.device = known ? inputs.session.runs[inputs.run.value].device.name : "an H200";
    return batch;
}

void draw_batch(Pen &pen, const Batch &batch, const Tiling &tiling) {
    const Columns columns{int(batch.counts.size())};
    std::vector<std::int64_t> rows; // multiplied, of each expert
    for (std::size_t e = 0; e < batch.counts.size(); ++e)
        rows.push_back(rows_of_tiles(tiling, batch.counts, tiling.first_tile[e], tiling.first_tile[e + 1]).multiplied);
    const std::int64_t most = std::max<std::int64_t>(1, std::ranges::max(rows));
    const float height = 190, base = 220;
    for (int e = 0; e < columns.count; ++e) {
        const float used = height * float(batch.counts[std::size_t(e)]) / float(most);
        const float whole = height * float(rows[std::size_t(e)]) / float(most);
        pen.box(columns.x(e), base - whole, columns.width(), whole - used, Ink::Failure, expert_key(e) + "pad").alpha = 0.55f;
        Shape &bar = pen.box(columns.x(e), base - used, columns.width(), used, Ink::Series, expert_key(e));
        bar.series = e;
        if (columns.step() > 20)
            pen.words(columns.middle(e), base + 12, std::to_string(e), Ink::Muted);
    }
}

void draw_waves(Pen &pen, const Waves &waves, int multiprocessors) {
    const std::int64_t shown = std::min<std::int64_t>(waves.waves, 8);
    const float width = kFigureWidth - 2 * kMargin - 110, row = 24;
    for (std::int64_t i = 0; i < shown; ++i) {
        const std::int64_t wave = waves.waves - shown + i;
        const float y = 30 + row * float(i);
        const double fill = wave + 1 == waves.waves ? waves.last_fill : 1.0;
        pen.words(kMargin, y + 8, fmt::format("wave {}", wave + 1), Ink::Muted, Shape::Align::Left);
        pen.outline(kMargin + 100, y, width, 16, Ink::Line);
        pen.box(kMargin + 100, y, width * float(fill), 16, fill < 1 ? Ink::Warning : Ink::Accent);
    }
    pen.words(kMargin + 100, 16, fmt::format("{} multiprocessors", multiprocessors), Ink::Muted, Shape::Align::Left);
}

} // namespace

SortedSlots sort_slots(std::span<const std::int32_t> ids, int experts) {
    SortedSlots result;
    result.counts.assign(std::size_t(experts), 0);
    for (const std::int32_t id : ids)
        ++result.counts[std::size_t(id)];
    result.offsets.assign(std::size_t(experts) + 1, 0);
    for (std::size_t e = 0; e < result.counts.size(); ++e)
        result.offsets[e + 1] = result.offsets[e] + result.counts[e];
    result.sorted.resize(ids.size());
    std::vector<std::int32_t> next(result.offsets.begin(), result.offsets.end() - 1);
    for (std::size_t slot = 0; slot < ids.size(); ++slot)
        result.sorted[std::size_t(next[std::size_t(ids[slot])]++)] = std::int32_t(slot);
    return result;
}

Figure tokens_to_tiles_figure(const FigureInputs &inputs) {
    constexpr int kMostTokens = 8192; // of the batch that the last frames count
    const auto rows = router_rows(inputs.workload, kMostTokens);
    const ModelShape &model = inputs.workload.model;
    if (rows.empty() || model.experts > 16)
        return nothing_to_show("The picture has room for 16 experts.");
    const Small small = small_of(rows, model);
    const Batch batch = batch_of(inputs, rows);
    const Tiling small_tiles = tile_rows(small.sorted.counts, {kSmallTile}),
                 tiling = tile_rows(batch.counts, batch.row_tile);
    Figure figure;
    figure.height = 262;
    const auto add = [&](std::string caption) { return next_frame(figure, std::move(caption)); };
    Pen pen = add(fmt::format("The first {} tokens, each with its {} experts: {} slots, in the order of the tokens. A "
                              "colour is an expert.",
                              small.ids.size() / std::size_t(small.top_k), small.top_k, small.ids.size()));
    draw_tokens(pen, small);
    pen = add("Count: every slot adds one to its expert.");
    draw_counted(pen, small, false);
    pen = add("Offsets: a running sum of the counts says where each expert's rows begin.");
    draw_counted(pen, small, true);
    pen = add("Sort: a slot goes to its expert's offset plus its rank among that expert's slots. Tokens keep their order, "
              "so the result is the same every time; no atomic operation decides it.");
    draw_sorted(pen, small);
    pen = add(fmt::format("Tiles: a matrix kernel computes blocks of rows, here {} of them, and a block has one weight "
                          "matrix. Every expert's last tile is padded: {} of {} rows are computed for nothing (red).",
                          kSmallTile, small_tiles.padded_rows, small_tiles.tile_count * kSmallTile));
    draw_padded(pen, small, false);
    pen = add(fmt::format("The schedule lists the {} tiles: expert and first row. A block of the kernel reads its entry "
                          "and knows what to do, without asking the host.",
                          small_tiles.tile_count));
    draw_padded(pen, small, true);
    pen = add(fmt::format("The same for {} tokens and {}: {} row tiles, {:.1f} % of their rows padding.{}", rows.size(),
                          batch.tile, tiling.tile_count, 100 * tiling.wasted_share,
                          tiling.tile.wgmma ? " Hopper's wgmma multiplies only as many rows as a tile has, in steps "
                                              "of 8 or 16."
                                            : ""));
    draw_batch(pen, batch, tiling);
    const Waves waves = waves_of(tiling.tile_count, model.gate_up_columns(), batch.block_n, batch.multiprocessors, 1);
    pen = add(fmt::format("gate_up has {} columns, so that is {} tiles. With one at a time on each of the {} "
                          "multiprocessors of {} they take {} waves, and the last one fills {:.0f} % of them.",
                          model.gate_up_columns(), waves.blocks, batch.multiprocessors, batch.device, waves.waves,
                          100 * waves.last_fill));
    draw_waves(pen, waves, batch.multiprocessors);
    return figure;
}

} // namespace moescope::lessons
