// Why a tile is fast: data is read once for many products, and read ahead of them.
#include "app/lessons/figures/tile_pipeline.h"

#include "app/lessons/facts.h"
#include "app/lessons/figures/figures.h"
#include "app/lessons/figures/parts.h"

namespace moescope::lessons {

namespace {

using Slab = Pipeline::Slab;

constexpr int kSlabs = 6, kLatency = 3;
constexpr float kTile = 90, kLeft = 150, kTop = 66, kSlab = 26;
constexpr float kRing = 500, kRingWidth = 240;

struct ShownTile : TileConfig {
    bool measured = false; // else a usual one
};

ShownTile tile_of(const FigureInputs &inputs) {
    const Measurement *found = find_measurement(inputs.session, inputs.run, OperatorId::GateUp, "base");
    const bool measured = found && !found->config.is_default();
    return {measured ? found->config : TileConfig{128, 128, 32, 4, 4}, measured};
}

Ink ink_of(Slab slab) {
    return slab == Slab::Waiting ? Ink::Line : slab == Slab::Loading ? Ink::Warning : slab == Slab::Ready ? Ink::Accent : Ink::Good;
}

// A beside the tile, B above it, cut into slabs of the inner size.
void draw_operands(Pen &pen, const std::vector<Slab> &slabs, int multiplying, const TileConfig &tile) {
    const float cut = (kLeft - kMargin - 6) / kSlabs;
    for (int i = 0; i < kSlabs; ++i) {
        const Ink ink = ink_of(slabs[std::size_t(i)]);
        const float alpha = i == multiplying ? 1.0f : 0.65f;
        pen.box(kMargin + cut * float(i), kTop, cut - 2, kTile, ink, "a" + std::to_string(i)).alpha = alpha;
        const float row = (kTop - 14) / kSlabs;
        pen.box(kLeft, 10 + row * float(i), kTile * 1.6f, row - 1.5f, ink, "b" + std::to_string(i)).alpha = alpha;
    }
    const bool busy = multiplying >= 0;
    pen.box(kLeft, kTop, kTile * 1.6f, kTile, busy ? Ink::Good : Ink::Raised, "c").alpha = busy ? 0.7f : 1;
    pen.words(kLeft + kTile * 0.8f, kTop + kTile / 2, busy ? "tensor cores at work" : "tensor cores wait");
    pen.words(kMargin, kTop + kTile + 14, fmt::format("A: {} rows", tile.block_m), Ink::Muted, Shape::Align::Left);
    pen.words(kLeft + kTile * 1.6f + 8, 14, fmt::format("B: {} columns,", tile.block_n), Ink::Muted, Shape::Align::Left);
    pen.words(kLeft + kTile * 1.6f + 8, 30, fmt::format("slabs of {}", tile.block_k), Ink::Muted, Shape::Align::Left);
    pen.words(kLeft, kTop + kTile + 14, "C: sums, in registers", Ink::Muted, Shape::Align::Left);
}

// The buffers of shared memory and what each holds.
void draw_buffers(Pen &pen, const std::vector<Slab> &slabs, int stages) {
    const Columns columns{stages, kRing, kRing + kRingWidth};
    pen.words(kRing, kTop - 24, fmt::format("shared memory: {} buffer{}", stages, stages == 1 ? "" : "s"), Ink::Muted, Shape::Align::Left);
    for (int s = 0; s < stages; ++s)
        pen.outline(columns.x(s), kTop, columns.step() - 6, kTile, Ink::Line);
    for (int i = 0; i < kSlabs; ++i) {
        const Slab slab = slabs[std::size_t(i)];
        if (slab == Slab::Waiting || slab == Slab::Multiplied)
            continue;
        const float height = slab == Slab::Ready ? kTile - 6 : kTile * 0.5f;
        pen.box(columns.x(i % stages) + 3, kTop + kTile - 3 - height, columns.step() - 12, height, ink_of(slab),
                "r" + std::to_string(i))
            .alpha = 0.6f;
        pen.words(columns.x(i % stages) + columns.step() / 2 - 3, kTop + kTile / 2, std::to_string(i)).bold = true;
    }
}

// One row a slab count, one column a moment: what has happened so far.
void draw_history(Pen &pen, const Pipeline &pipeline, std::size_t now) {
    const float top = kTop + kTile + 36, left = 120;
    const Columns columns{kSlabs * (kLatency + 1), left, kFigureWidth - kMargin}; // as many as one buffer needs
    pen.words(left - 8, top + 8, "loading", Ink::Muted, Shape::Align::Right);
    pen.words(left - 8, top + 30, "multiplying", Ink::Muted, Shape::Align::Right);
    for (std::size_t m = 0; m <= now; ++m) {
        const auto &moment = pipeline.moments[m];
        const auto loading = std::ranges::count(moment.slabs, Slab::Loading);
        const float x = columns.x(int(m)), w = columns.step() - 2;
        if (loading > 0)
            pen.box(x, top, w, 16, Ink::Warning).alpha = std::min(1.0f, 0.25f + 0.15f * float(loading));
        if (moment.multiplying >= 0)
            pen.box(x, top + 22, w, 16, Ink::Good);
        else
            pen.outline(x, top + 22, w, 16, Ink::Failure);
    }
}

std::string sentence_of(const Pipeline::Moment &moment) {
    const auto loading = std::ranges::count(moment.slabs, Slab::Loading);
    return fmt::format("{} on the way from memory; {}.",
                       loading == 0   ? std::string("no slab is")
                       : loading == 1 ? std::string("1 slab is")
                                      : fmt::format("{} slabs are", loading),
                       moment.multiplying < 0 ? std::string("the tensor cores wait")
                                              : fmt::format("slab {} is multiplied", moment.multiplying));
}

void add_pipeline(Figure &figure, const TileConfig &tile, int stages, const std::string &lead) {
    const Pipeline pipeline = run_pipeline(kSlabs, stages, kLatency);
    for (std::size_t m = 0; m < pipeline.moments.size(); ++m) {
        const bool last = m + 1 == pipeline.moments.size();
        Pen pen = next_frame(figure, fmt::format("{} {}{}", lead, sentence_of(pipeline.moments[m]),
                                                 last ? fmt::format(" Of {} moments the tensor cores waited in {}.",
                                                                    pipeline.moments.size(), pipeline.idle)
                                                      : ""));
        draw_operands(pen, pipeline.moments[m].slabs, pipeline.moments[m].multiplying, tile);
        draw_buffers(pen, pipeline.moments[m].slabs, stages);
        draw_history(pen, pipeline, m);
    }
}

void draw_intensities(Pen &pen, const ShownTile &tile, double ridge) {
    struct Row {
        int m, n;
        std::string name;
    };
    std::vector<Row> rows = {{1, 1, "one number"}, {16, 16, "16 x 16"}, {64, 64, "64 x 64"}, {128, 128, "128 x 128"}};
    if (tile.measured)
        rows.push_back({tile.block_m, tile.block_n, fmt::format("measured: {} x {}", tile.block_m, tile.block_n)});
    const float name = 196, value = 246, left = 258, width = kFigureWidth - left - kMargin - 10;
    const double most = std::max(ridge, 1.15 * tile_intensity(256, 128, 2));
    pen.words(value, 12, "FLOP/byte", Ink::Muted, Shape::Align::Right).h = 11;
    float y = 26;
    for (const Row &row : rows) {
        const double intensity = tile_intensity(row.m, row.n, 2);
        const float length = std::max(2.0f, width * float(intensity / most));
        pen.words(name, y + 10, row.name, Ink::Text, Shape::Align::Right);
        pen.box(left, y, length, 20, Ink::Accent);
        pen.words(value, y + 10, fmt::format("{:.1f}", intensity), Ink::Muted, Shape::Align::Right);
        y += 34;
    }
    if (ridge > 0) {
        const float x = left + width * float(std::min(1.0, ridge / most));
        pen.line(x, 14, x, y, Ink::Warning).note = Note::ceilings();
        pen.words(x, y + 12, fmt::format("{:.0f}: what the device needs without its caches", ridge), Ink::Warning,
                  x > kFigureWidth * 0.6f ? Shape::Align::Right : Shape::Align::Left)
            .note = Note::ceilings();
    }
}

} // namespace

double tile_intensity(int block_m, int block_n, int element_bytes) {
    return 2.0 * block_m * block_n / (double(block_m + block_n) * element_bytes);
}

Pipeline run_pipeline(int slabs, int stages, int latency) {
    Pipeline pipeline;
    std::vector<Slab> state(std::size_t(slabs), Slab::Waiting);
    std::vector<int> ready(std::size_t(slabs), 0);
    int next_load = 0, done = 0;
    for (int now = 0; done < slabs; ++now) {
        for (int i = done; i < next_load; ++i)
            if (state[std::size_t(i)] == Slab::Loading && now >= ready[std::size_t(i)])
                state[std::size_t(i)] = Slab::Ready;
        if (next_load < slabs && next_load - done < stages) {
            ready[std::size_t(next_load)] = now + latency;
            state[std::size_t(next_load++)] = Slab::Loading;
        }
        const int at_work = state[std::size_t(done)] == Slab::Ready ? done : -1;
        pipeline.moments.push_back({state, at_work});
        pipeline.idle += at_work < 0;
        if (at_work >= 0)
            state[std::size_t(done++)] = Slab::Multiplied;
    }
    return pipeline;
}

Figure tile_pipeline_figure(const FigureInputs &inputs) {
    const ShownTile tile = tile_of(inputs);
    double ridge = 0;
    if (inputs.run.valid() && inputs.run.value < inputs.session.runs.size())
        if (const Ceilings &c = inputs.session.runs[inputs.run.value].device.ceilings; c.bytes_per_second > 0)
            ridge = c.flops_per_second / c.bytes_per_second;
    Figure figure;
    figure.height = 244;
    Pen pen = next_frame(figure, "How many operations a byte pays for, by the size of the tile that shares it: a number "
                                 "of A serves every column of the tile, a number of B every row.");
    draw_intensities(pen, tile, ridge);
    add_pipeline(figure, tile, 1, "One buffer:");
    const int stages = std::clamp(tile.stages, 2, 6);
    add_pipeline(figure, tile, stages, fmt::format("{} buffers{}:", stages, tile.measured ? ", as the measured tile has" : ""));
    return figure;
}

} // namespace moescope::lessons
