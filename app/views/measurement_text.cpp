#include "app/views/measurement_text.h"

#include "profiler/base/units.h"
#include "profiler/session/record_names.h"
#include "profiler/workload/cost.h"

#include <fmt/format.h>

#include <cmath>

namespace moescope {

namespace {

bool timed(const Measurement &m) { return m.time.samples > 0 && m.time.median > 0; }

std::string variant_title(const Measurement &m) {
    for (const VariantInfo &variant : info(m.op).variants)
        if (variant.name == m.variant)
            return std::string(variant.title);
    return m.variant;
}

} // namespace

const char *title_of(Measurement::Timer timer) {
    switch (timer) {
    case Measurement::Timer::Cupti:
        return "CUPTI";
    case Measurement::Timer::CudaEvents:
        return "events";
    case Measurement::Timer::HostClock:
        break;
    }
    return "host clock";
}

std::string explain(Measurement::Timer timer) {
    switch (timer) {
    case Measurement::Timer::Cupti:
        return "CUPTI's activity records: from the first kernel's start to the last kernel's end, "
               "by the GPU's own "
               "time stamps.";
    case Measurement::Timer::CudaEvents:
        return "CUDA events round each repetition: includes the launch of the first kernel.";
    case Measurement::Timer::HostClock:
        break;
    }
    return "The host's steady clock round each repetition: what the CPU's reference "
           "implementations are timed by.";
}

std::string title_of(const Measurement &m) {
    return fmt::format("{} · {}", info(m.op).title, variant_title(m));
}

std::string duration_or_dash(double ns) { return ns > 0 ? format_duration_ns(ns) : "–"; }

std::string explain_spread(const Summary &time) {
    return fmt::format("80 % of the samples lie between {} and {}. The median is known to ±{:.1f} % (95 % confidence).",
                       format_duration_ns(time.p10), format_duration_ns(time.p90), time.relative_ci() * 50);
}

std::string explain_time(const Measurement &m) {
    if (!timed(m))
        return fmt::format("Not timed: the measurement is {}.", name_of(m.state));
    std::string words =
        fmt::format("Median of {} samples by {}, with {} L2, after {} warm-ups.\n{}", m.time.samples,
                    title_of(m.timer), name_of(m.cache), m.warmup, explain_spread(m.time));
    if (m.event_time.samples > 0)
        words += fmt::format("\nCUDA events, as a cross-check: {}.",
                             format_duration_ns(m.event_time.median));
    if (!m.throttle.empty())
        words += fmt::format("\nThe clocks were held back meanwhile: {}.", m.throttle);
    return words;
}

std::string explain_bandwidth(const Measurement &m) {
    if (!timed(m))
        return {};
    return fmt::format(
        "The {} that the operator must move at least (every input read once, every output "
        "written once), over the measured median of {}. Real traffic can only be higher.",
        format_bytes(m.cost.bytes), format_duration_ns(m.time.median));
}

std::string explain_flops(const Measurement &m) {
    if (!timed(m))
        return {};
    return fmt::format("The {} operations that the operator must do (a multiply and an "
                       "add count two), over "
                       "the measured median of {}.",
                       format_count(m.cost.flops), format_duration_ns(m.time.median));
}

std::string explain_floor(const Measurement &m, const Ceilings &ceilings) {
    if (m.floor_ns <= 0)
        return "The floor is not known: the device's ceilings were not found out.";
    std::string words = fmt::format(
        "No implementation on this device can be faster than {}: the larger of {} at {} "
        "and {} operations "
        "at {} (ceilings {} and {}).",
        format_duration_ns(m.floor_ns), format_bytes(m.cost.bytes),
        format_bandwidth(ceilings.bytes_per_second), format_count(m.cost.flops),
        format_flops(ceilings.flops_per_second), ceiling_origin(ceilings.bytes_measured),
        ceiling_origin(ceilings.flops_measured));
    if (m.cache == CacheState::Warm)
        words += "\nThe ceiling is the memory's: with a warm L2 a measurement may go below it.";
    if (timed(m))
        words += fmt::format("\nMeasured time is {} the floor.", format_ratio(m.times_floor()));
    return words;
}

std::string explain_times_floor(const Measurement &m, const Ceilings &ceilings) {
    if (m.times_floor() <= 0)
        return explain_floor(m, ceilings);
    return fmt::format("The median of {} samples, {}, over the floor of {}. 1× is the limit.\n{}",
                       m.time.samples, format_duration_ns(m.time.median),
                       format_duration_ns(m.floor_ns), explain_floor(m, ceilings));
}

std::string explain_memory(const Measurement &m) {
    return fmt::format("By the allocation ledger: device memory above the run's baseline "
                       "at its peak.\nInputs "
                       "{}, outputs {}, workspace {}.",
                       format_bytes(double(m.input_bytes)), format_bytes(double(m.output_bytes)),
                       format_bytes(double(m.workspace_bytes)));
}

ui::Fact time_fact(const Measurement &m) {
    return {Evidence::Measured, timed(m) ? fmt::format("{}. {}", format_duration_ns(m.time.median), explain_time(m))
                                         : explain_time(m)};
}

ui::Fact floor_fact(const Measurement &m, const Ceilings &ceilings) {
    return {Evidence::Modelled, explain_floor(m, ceilings)};
}

std::string agreement_text(const Measurement &m) {
    return m.relative_error < 0 || !std::isfinite(m.relative_error) ? "–"
           : m.relative_error == 0                                  ? "exact"
                                   : fmt::format("{:.1e}", m.relative_error);
}

std::string explain_agreement(const Measurement &m) {
    if (m.relative_error < 0)
        return "The result was not compared with another one.";
    return fmt::format("How far the result is from that of \"{}\" on the same inputs, as "
                       "the norm of the "
                       "difference over the norm of the reference.",
                       m.reference);
}

} // namespace moescope
