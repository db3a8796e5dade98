// LoRA fused, split or as extra depth: what each way moves through memory, and what that took.
#include "app/lessons/figures/lora_paths.h"

#include "app/lessons/facts.h"
#include "app/lessons/figures/figures.h"
#include "app/lessons/figures/parts.h"
#include "profiler/base/units.h"
#include "profiler/workload/cost.h"

#include <map>
#include <numeric>

namespace moescope::lessons {

namespace {

constexpr const char *kVariants[] = {"fused", "split", "extra_k"};
constexpr const char *kNames[] = {"Fused", "Split", "Extra K"};
constexpr float kLeft = 90, kRow = 62, kTop = 30, kBar = 26;

std::int64_t active_of(const FigureInputs &inputs) {
    if (const RoutingRecord *routing = find_routing(inputs.session, inputs.run);
        routing && std::int64_t(routing->counts.size()) == inputs.workload.model.experts)
        return std::ranges::count_if(routing->counts, [](std::int32_t count) { return count > 0; });
    return std::min<std::int64_t>(inputs.workload.model.experts, inputs.workload.slots());
}

int colour_of(const std::string &what) {
    static const std::map<std::string, int, std::less<>> kColours = {{"W", 0}, {"X", 1}, {"Y", 2}, {"XA", 3}, {"A", 4}, {"B", 5}};
    return kColours.at(what.substr(0, what.find(' ')));
}

double total(const std::vector<Traffic> &traffic) {
    return std::accumulate(traffic.begin(), traffic.end(), 0.0,
                           [](double sum, const Traffic &each) { return sum + each.bytes; });
}

// The bars of the kernels up to `kernel` of each variant.
void draw_traffic(Pen &pen, const std::vector<std::vector<Traffic>> &all, double most, int variant, int kernel) {
    const float width = kFigureWidth - kMargin - kLeft - 70;
    const char *const legend[] = {"W", "X", "Y", "XA", "A", "B"};
    for (int i = 0; i < 6; ++i) {
        pen.box(kLeft + 62 * float(i), 6, 10, 10, Ink::Series).series = i;
        pen.words(kLeft + 62 * float(i) + 16, 11, legend[i], Ink::Muted, Shape::Align::Left);
    }
    for (int v = 0; v <= variant; ++v) {
        const float y = kTop + kRow * float(v);
        pen.words(kLeft - 10, y + kBar / 2, kNames[v], Ink::Text, Shape::Align::Right).bold = true;
        double before = 0;
        for (const Traffic &each : all[std::size_t(v)]) {
            if (v == variant && each.kernel > kernel)
                continue;
            const float x = kLeft + width * float(before / most), w = width * float(each.bytes / most);
            const std::string key = fmt::format("{} {} {}", v, each.kernel, each.what);
            Shape &box = pen.box(x, y, std::max(1.0f, w - 1), kBar, Ink::Series, key);
            box.series = colour_of(each.what);
            box.alpha = each.kernel % 2 ? 0.6f : 0.9f;
            if (w > 14.0f + 6.0f * float(each.what.size()))
                pen.words(x + w / 2, y + kBar + 10, each.what, Ink::Muted).h = 11;
            before += each.bytes;
        }
        pen.words(kLeft + width * float(before / most) + 8, y + kBar / 2, format_bytes(before), Ink::Muted,
                  Shape::Align::Left, fmt::format("total {}", v));
    }
}

void draw_times(Pen &pen, const FigureInputs &inputs) {
    double most = 0;
    for (const char *variant : kVariants)
        if (const Measurement *m = find_measurement(inputs.session, inputs.run, OperatorId::GateUp, variant))
            most = std::max(most, m->time.median);
    for (int v = 0; v < 3; ++v) {
        const Measurement *m = find_measurement(inputs.session, inputs.run, OperatorId::GateUp, kVariants[v]);
        const float y = kTop + kRow * float(v), width = kFigureWidth - kMargin - kLeft - 90;
        pen.words(kLeft - 10, y + kBar / 2, kNames[v], Ink::Text, Shape::Align::Right).bold = true;
        if (!m) {
            pen.words(kLeft, y + kBar / 2, "not measured in this run", Ink::Muted, Shape::Align::Left);
            continue;
        }
        const float w = width * float(m->time.median / most);
        const Note note = Note::measured(id_of(inputs.session, *m));
        pen.box(kLeft, y, w, kBar, Ink::Accent).note = note;
        pen.box(kLeft, y + kBar + 4, width * float(m->floor_ns / most), 4, Ink::Muted).note = note;
        pen.words(kLeft + w + 8, y + kBar / 2, format_duration_ns(m->time.median), Ink::Text, Shape::Align::Left).note = note;
    }
    pen.words(kLeft, kTop + 3 * kRow + 2, "thin bars: the floor of each", Ink::Muted, Shape::Align::Left);
}

} // namespace

std::vector<Traffic> lora_traffic(const Workload &workload, std::int64_t active, std::string_view variant) {
    const double b = double(bytes_of(workload.model.dtype)), slots = double(workload.slots());
    const WeightSize size = weight_size(workload.model, OperatorId::GateUp);
    const double k = double(size.k), n = double(size.n), r = workload.lora_rank, e = double(active);
    const double w = e * k * n * b, x = double(workload.tokens) * k * b, y = slots * n * b, xa = slots * r * b;
    const double a_bytes = e * r * k * b, b_bytes = e * r * n * b;
    if (variant == "split")
        return {{"W", w, 0},        {"X", x, 0},   {"Y", y, 0},       {"X again", x, 1},     {"A", a_bytes, 1},
                {"XA", xa, 1},      {"XA again", xa, 2}, {"B", b_bytes, 2}, {"Y read", y, 2}, {"Y again", y, 2}};
    if (variant == "extra_k")
        return {{"X", x, 0}, {"A", a_bytes, 0}, {"XA", xa, 0},       {"W", w, 1},
                {"X again", x, 1}, {"XA again", xa, 1}, {"B", b_bytes, 1}, {"Y", y, 1}};
    return {{"W", w, 0}, {"X", x, 0}, {"A", a_bytes, 0}, {"B", b_bytes, 0}, {"Y", y, 0}};
}

Figure lora_paths_figure(const FigureInputs &inputs) {
    if (inputs.workload.lora_rank < 1)
        return nothing_to_show("The workload has no LoRA: choose a rank on the left.");
    std::vector<std::vector<Traffic>> all;
    double most = 1;
    for (const char *variant : kVariants) {
        all.push_back(lora_traffic(inputs.workload, active_of(inputs), variant));
        most = std::max(most, total(all.back()));
    }
    Figure figure;
    figure.height = kTop + 3 * kRow + 14;
    const auto add = [&](int variant, int kernel, std::string caption) {
        Pen pen = next_frame(figure, std::move(caption));
        draw_traffic(pen, all, most, variant, kernel);
    };
    add(0, 0, "Fused: one kernel. While a slab of X is on chip it is multiplied with W and with A, in two accumulators; at "
              "the end (X A) B is added in registers. Nothing is read twice.");
    add(1, 0, "Split, first kernel: Y = X W, the plain product, with the best tiles there are for it.");
    add(1, 1, "Split, second kernel: X is read once more for X A, which goes out to memory: it has only R columns.");
    add(1, 2, "Split, third kernel: (X A) B is added to Y, which is read and written again. With many columns that is "
              "most of the extra traffic.");
    add(2, 0, "Extra K, first kernel: X A, as before.");
    add(2, 1, "Extra K, second kernel: X beside X A is multiplied with W above B, as if the inner size were K + R. Y is "
              "written once, and the accumulators are those of the plain product.");
    Pen pen = next_frame(figure, "What was measured. More traffic does not always lose: fused needs registers for a second "
                                 "accumulator, and so may have to take smaller tiles.");
    draw_times(pen, inputs);
    return figure;
}

} // namespace moescope::lessons
