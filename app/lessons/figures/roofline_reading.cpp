// Reading a roofline: two ceilings, where they meet, and where a run's operators lie under them.
#include "app/lessons/figures/figures.h"
#include "app/lessons/figures/parts.h"
#include "profiler/base/units.h"

#include <cmath>
#include <vector>

namespace moescope::lessons {

namespace {

constexpr float kLeft = 64, kRight = kFigureWidth - 30, kHigh = 18, kLow = 216;

// Decades of FLOP a byte and of FLOP/s.
struct Axes {
    double x_low, x_high, y_low, y_high;
    float x(double intensity) const {
        return kLeft + (kRight - kLeft) * float((std::log10(intensity) - x_low) / (x_high - x_low));
    }
    float y(double rate) const { return kLow - (kLow - kHigh) * float((std::log10(rate) - y_low) / (y_high - y_low)); }
};

struct Dot {
    const Measurement *measured;
    MeasurementId id;
    double intensity, rate;
    std::string name() const { return fmt::format("{} ({})", info(measured->op).name, measured->variant); }
};

std::vector<Dot> dots_of(const Session &session, RunId run) {
    std::vector<Dot> dots;
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i)
        if (const Measurement &m = session.measurements[i]; m.run == run && m.state == Measurement::State::Done && m.time.median > 0 && m.cost.flops > 0 && m.cost.bytes > 0)
            dots.push_back({&m, {i}, m.cost.flops / m.cost.bytes, m.achieved_flops_per_second()});
    return dots;
}

Axes axes_of(const std::vector<Dot> &dots, const Ceilings &ceilings) {
    const double ridge = ceilings.flops_per_second / ceilings.bytes_per_second;
    // At least a piece of the slope is in sight.
    double x_low = ridge / 20, x_high = ridge, y_low = ceilings.flops_per_second / 20, y_high = ceilings.flops_per_second;
    for (const Dot &dot : dots) {
        x_low = std::min(x_low, dot.intensity);
        x_high = std::max(x_high, dot.intensity);
        y_low = std::min(y_low, dot.rate);
    }
    return {std::floor(std::log10(x_low) - 0.2), std::ceil(std::log10(x_high) + 0.3), std::floor(std::log10(y_low) - 0.2),
            std::log10(y_high) + 0.35};
}

void draw_axes(Pen &pen, const Axes &axes) {
    for (int decade = int(axes.x_low); decade <= int(axes.x_high); ++decade) {
        const float x = axes.x(std::pow(10.0, decade));
        pen.line(x, kHigh, x, kLow, Ink::Raised);
        pen.words(x, kLow + 12, fmt::format("{:g}", std::pow(10.0, decade)), Ink::Muted).h = 12;
    }
    // One unit for all, so that the numbers are short.
    static constexpr const char *kUnits[] = {"FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s"};
    const int thousands = std::clamp(int(axes.y_high) / 3, 0, int(std::size(kUnits)) - 1);
    for (int decade = int(std::ceil(axes.y_low)); decade <= int(axes.y_high); ++decade) {
        const float y = axes.y(std::pow(10.0, decade));
        pen.line(kLeft, y, kRight, y, Ink::Raised);
        pen.words(kLeft - 8, y, fmt::format("{:g}", std::pow(10.0, decade - 3 * thousands)), Ink::Muted, Shape::Align::Right).h =
            12;
    }
    pen.words(kLeft + 4, 9, kUnits[thousands], Ink::Muted, Shape::Align::Left).h = 12;
    pen.words((kLeft + kRight) / 2, kLow + 30, "FLOP a byte", Ink::Muted);
}

void draw_roofs(Pen &pen, const Axes &axes, const Ceilings &ceilings, bool memory, bool compute) {
    const double ridge = ceilings.flops_per_second / ceilings.bytes_per_second;
    const double lowest = std::max(std::pow(10.0, axes.x_low), std::pow(10.0, axes.y_low) / ceilings.bytes_per_second);
    if (memory)
        pen.line(axes.x(lowest), axes.y(lowest * ceilings.bytes_per_second), axes.x(ridge),
                 axes.y(ceilings.flops_per_second), Ink::Warning, "memory")
            .note = Note::ceilings();
    if (compute) {
        const float y = axes.y(ceilings.flops_per_second);
        pen.line(axes.x(ridge), y, kRight, y, Ink::Failure, "compute").note = Note::ceilings();
        pen.words(kRight, y - 10, format_flops(ceilings.flops_per_second), Ink::Failure, Shape::Align::Right).note =
            Note::ceilings();
    }
}

// The roof above an intensity.
double roof(const Ceilings &ceilings, double intensity) {
    return std::min(ceilings.flops_per_second, ceilings.bytes_per_second * intensity);
}

void draw_dots(Pen &pen, const Axes &axes, const Ceilings &ceilings, const std::vector<Dot> &dots, int shown) {
    for (int i = 0; i < shown; ++i) {
        const Dot &dot = dots[std::size_t(i)];
        const float x = axes.x(dot.intensity), y = axes.y(dot.rate);
        const bool last = i + 1 == shown;
        if (last)
            pen.arrow(x, y - 6, x, axes.y(roof(ceilings, dot.intensity)), Ink::Muted);
        Shape &disc = pen.disc(x, y, last ? 6 : 4.5f, last ? Ink::Good : Ink::Accent, fmt::format("dot{}", i));
        disc.alpha = last ? 1 : 0.7f;
        disc.note = Note::measured(dot.id);
        if (!last)
            continue;
        const bool at_right = x > kFigureWidth * 0.7f;
        Shape &name = pen.words(x + (at_right ? -10 : 10), y + 2, dot.name(), Ink::Text,
                                at_right ? Shape::Align::Right : Shape::Align::Left);
        name.bold = true;
        name.note = Note::measured(dot.id);
    }
}

} // namespace

Figure roofline_reading_figure(const FigureInputs &inputs) {
    constexpr std::size_t kMostDots = 16;
    const bool there = inputs.run.valid() && inputs.run.value < inputs.session.runs.size();
    std::vector<Dot> dots = there ? dots_of(inputs.session, inputs.run) : std::vector<Dot>();
    const Ceilings ceilings = there ? inputs.session.runs[inputs.run.value].device.ceilings : Ceilings();
    if (dots.empty() || !(ceilings.bytes_per_second > 0) || !(ceilings.flops_per_second > 0))
        return nothing_to_show("The picture shows your own run's matrix products: run them with the button below.");
    if (dots.size() > kMostDots)
        dots.resize(kMostDots);
    const Axes axes = axes_of(dots, ceilings);
    const double ridge = ceilings.flops_per_second / ceilings.bytes_per_second;
    Figure figure;
    figure.height = kLow + 44;
    const auto add = [&](std::string caption, bool memory, bool compute, int shown) {
        Pen pen = next_frame(figure, std::move(caption));
        draw_axes(pen, axes);
        draw_roofs(pen, axes, ceilings, memory, compute);
        draw_dots(pen, axes, ceilings, dots, shown);
        figure.frames.back().note = shown > 0 ? Note::measured(dots[std::size_t(shown - 1)].id) : Note::ceilings();
    };
    const std::string device = inputs.session.runs[inputs.run.value].device.name;
    const bool on_cpu = inputs.session.runs[inputs.run.value].device.is_cpu();
    add("Right: how many operations a kernel does with each byte it must move. Up: how many it does a second. Both axes "
        "are logarithmic.",
        false, false, 0);
    add(fmt::format("The slope: {} moves at most {} ({}), so a kernel of 1 FLOP a byte does at most {}.", device,
                    format_bandwidth(ceilings.bytes_per_second), ceiling_origin(ceilings.bytes_measured),
                    format_flops(ceilings.bytes_per_second)),
        true, false, 0);
    add(fmt::format("The roof: its {} do at most {} ({}). Both meet at {:.0f} FLOP a byte: left of it bytes decide, "
                    "right of it operations.",
                    on_cpu ? "cores" : "matrix units", format_flops(ceilings.flops_per_second),
                    ceiling_origin(ceilings.flops_measured), ridge),
        true, true, 0);
    for (int i = 0; i < int(dots.size()); ++i) {
        const Dot &dot = dots[std::size_t(i)];
        add(fmt::format("{}: {:.3g} FLOP a byte, so {} bind it; it reaches {}, {:.0f} % of the roof above it. Its time is {}, "
                        "its floor {}.",
                        dot.name(), dot.intensity, dot.intensity < ridge ? "bytes" : "operations", format_flops(dot.rate),
                        100 * dot.rate / roof(ceilings, dot.intensity), format_duration_ns(dot.measured->time.median),
                        format_duration_ns(dot.measured->floor_ns)),
            true, true, i + 1);
    }
    return figure;
}

} // namespace moescope::lessons
