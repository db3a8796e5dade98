#include "app/views/measurement_text.h"

#include "profiler/base/units.h"
#include "profiler/session/record_names.h"
#include "profiler/stats/ratio.h"
#include "profiler/workload/cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

constexpr double kDoubtful = 0.2; // half an interval over the median

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

std::string workload_label(const Session &session, std::size_t index) {
    const RunRecord &run = session.runs[index];
    const bool devices = std::ranges::any_of(session.runs, [&](const RunRecord &other) { return other.device.id != run.device.id; });
    return fmt::format("{}, T {}{}", run.plan.workload.model.name, format_count(double(run.plan.workload.tokens)),
                       run.plan.ranks ? fmt::format(", rank {}", run.plan.ranks->rank)
                       : devices      ? ", " + run.device.id
                                      : "");
}

std::string run_label(const Session &session, std::size_t index) {
    return fmt::format("{} of {}: {}", index + 1, session.runs.size(), workload_label(session, index));
}

std::string duration_or_dash(double ns) { return ns > 0 ? format_duration_ns(ns) : "–"; }

std::string counted(std::size_t number, std::string_view what) {
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

std::string spread_text(const Summary &time) {
    return has_interval(time) ? fmt::format("±{:.1f} %", time.relative_ci() * 50) : counted(time.samples, "sample");
}

bool is_doubtful(const Summary &time) { return has_interval(time) && time.relative_ci() / 2 > kDoubtful; }

std::string time_text(const Summary &time) {
    return fmt::format("{}{}{}", format_duration_ns(time.median), has_interval(time) ? " " : ", ", spread_text(time));
}

std::string explain_spread(const Summary &time) {
    if (time.samples == 1)
        return "Of one sample the spread is not known.";
    if (!has_interval(time))
        return fmt::format("The samples lie between {} and {}. An interval for the median takes {} of them.",
                           format_duration_ns(time.minimum), format_duration_ns(time.maximum), kFewestForRatio);
    return fmt::format("80 % of the samples lie between {} and {}. The median is known to ±{:.1f} % (95 % confidence).",
                       format_duration_ns(time.p10), format_duration_ns(time.p90), time.relative_ci() * 50);
}

std::string explain_time(const Measurement &m) {
    if (!timed(m))
        return fmt::format("Not timed: the measurement is {}.", name_of(m.state));
    std::string words =
        fmt::format("{} by {}, with {} L2, after {}.\n{}",
                    m.time.samples == 1 ? "One sample" : fmt::format("Median of {} samples", m.time.samples),
                    title_of(m.timer), name_of(m.cache), counted(std::size_t(std::max(0, int(m.warmup))), "warm-up"),
                    explain_spread(m.time));
    if (is_doubtful(m.time))
        words += "\nThe samples differ so much that little can be said of the median: something else may have run meanwhile.";
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
    const Bound by = floor_of(m.cost, ceilings).by;
    const std::string_view memory = ceiling_origin(ceilings.bytes_measured), matrix = ceiling_origin(ceilings.flops_measured);
    const std::string work = fmt::format(
        "{} at {} and {} operations at {} ({})", format_bytes(m.cost.bytes), format_bandwidth(ceilings.bytes_per_second),
        format_count(m.cost.flops), format_flops(ceilings.flops_per_second),
        memory == matrix ? fmt::format("both ceilings {}", memory)
                         : fmt::format("ceilings: memory {}, matrix units {}", memory, matrix));
    std::string words = by == Bound::Launch
                            ? fmt::format("Bound by the launch: {}. {}\nLess than that take {}.", format_duration_ns(m.floor_ns),
                                          launch_origin(ceilings), work)
                            : fmt::format("Bound by the {}: no implementation on this device can be faster than {}, the larger of {}.",
                                          title_of(by), format_duration_ns(m.floor_ns), work);
    if (m.cache == CacheState::Warm)
        words += "\nThe ceiling is the memory's: with a warm L2 a measurement may go below it.";
    if (timed(m))
        words += fmt::format("\nMeasured time is {} the floor.", format_ratio(m.times_floor()));
    return words;
}

std::string explain_times_floor(const Measurement &m, const Ceilings &ceilings) {
    if (m.times_floor() <= 0)
        return explain_floor(m, ceilings);
    return fmt::format("The median of {}, {}, over the floor of {}. 1× is the limit.\n{}",
                       counted(m.time.samples, "sample"), format_duration_ns(m.time.median),
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
