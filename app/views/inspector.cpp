#include "app/views/inspector.h"

#include "app/views/inspector_parts.h"
#include "app/views/inspector_rows.h"
#include "app/views/measurement_text.h"
#include "app/views/number.h"
#include "app/views/ui.h"
#include "app/views/variant_colour.h"
#include "profiler/base/units.h"
#include "profiler/session/record_names.h"
#include "profiler/stats/ratio.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

class Inspector {
  public:
    Inspector(ViewContext &context, InspectorState &state)
        : context_(context), state_(state), theme_(context.theme), session_(*context.session),
          rows_(context.theme, context.scale) {}

    void draw();

  private:
    void title(std::string_view words, const ImVec4 *swatch = nullptr);
    void section(const char *words, std::optional<Evidence> evidence = {}) {
        rows_.section(words, evidence);
    }
    void property(const char *label, const std::string &value, std::string_view explanation,
                  std::optional<Evidence> evidence = {}) {
        rows_.property(label, value, explanation, evidence);
    }
    void failure(const Error &error);
    void draw_measurement(MeasurementId id);
    void draw_times(const Measurement &m);
    void draw_achieved(const Measurement &m);
    void draw_memory(const Measurement &m);
    void draw_kernel(const KernelRecord &k);
    void draw_candidate(const Candidate &c);
    void draw_expert(const RoutingRecord &routing, std::int32_t expert);
    void draw_buttons(const Measurement &m);
    const RoutingRecord *routing_of_run() const;

    ViewContext &context_;
    InspectorState &state_;
    const Theme &theme_;
    const Session &session_;
    InspectorRows rows_;
};

void Inspector::title(std::string_view words, const ImVec4 *swatch) {
    if (swatch) {
        const float side = std::round(10 * context_.scale), line = ImGui::GetTextLineHeight();
        const ImVec2 at = ImGui::GetCursorScreenPos();
        const float top = std::round(at.y + (line - side) / 2);
        ImGui::GetWindowDrawList()->AddRectFilled({at.x, top}, {at.x + side, top + side},
                                                  packed(*swatch), std::round(2 * context_.scale));
        ImGui::Dummy({side, line});
        ImGui::SameLine();
    }
    const ui::FontScope bold(ui::bold_font());
    // An operator and its variant stand under each other where one line does not hold both.
    const std::size_t dot = words.find(" · ");
    const bool two = dot != std::string_view::npos &&
                     ImGui::CalcTextSize(words.data(), words.data() + words.size()).x > ImGui::GetContentRegionAvail().x;
    ImGui::BeginGroup();
    ImGui::PushTextWrapPos(0);
    ui::text(two ? words.substr(0, dot) : words);
    if (two)
        ui::text(words.substr(dot + std::string_view(" · ").size()));
    ImGui::PopTextWrapPos();
    ImGui::EndGroup();
}

void Inspector::failure(const Error &error) {
    ui::wrapped(error.what, theme_.failure);
    if (!error.why.empty())
        ui::wrapped(error.why, theme_.text);
    if (!error.remedy.empty())
        ui::wrapped(error.remedy, theme_.muted);
}

void Inspector::draw_times(const Measurement &m) {
    section("Time", Evidence::Measured);
    ui::badge(theme_, title_of(m.timer),
              m.timer == Measurement::Timer::Cupti ? theme_.accent : theme_.muted);
    ui::explain(explain(m.timer));
    ImGui::SameLine();
    ui::badge(theme_, fmt::format("{} L2", name_of(m.cache)), theme_.muted);
    ui::explain("Whether the L2 cache was flushed before every repetition (cold) or not (warm).");
    const std::string count = counted(m.time.samples, "sample");
    const std::string samples = fmt::format("From {} by {}.", count, title_of(m.timer));
    const std::string too_few = fmt::format(" With fewer than {} samples there is none.", kFewestForRatio);
    const auto interval = [&](double low, double high) {
        return has_interval(m.time) ? fmt::format("{} – {}", format_duration_ns(low), format_duration_ns(high))
                                     : fmt::format("– ({})", count);
    };
    property("Median", format_duration_ns(m.time.median), explain_time(m), Evidence::Measured);
    property("95 % interval", interval(m.time.ci_low, m.time.ci_high),
             "The true median lies in it with 95 % confidence, whatever the distribution: binomial "
             "order "
             "statistics. " +
                 samples + (has_interval(m.time) ? "" : too_few),
             Evidence::Measured);
    if (is_doubtful(m.time)) {
        ui::wrapped(fmt::format("{}: the samples differ much.", spread_text(m.time)), theme_.warning);
        ui::explain(theme_, Evidence::Measured, explain_time(m));
    }
    property("10 % – 90 %", interval(m.time.p10, m.time.p90),
             "The middle 80 % of the samples. " + samples + (has_interval(m.time) ? "" : too_few), Evidence::Measured);
    property("Fastest", format_duration_ns(m.time.minimum), "The fastest sample. " + samples,
             Evidence::Measured);
    property("Slowest", format_duration_ns(m.time.maximum), "The slowest sample. " + samples,
             Evidence::Measured);
    property(
        "Samples", fmt::format("{} after {}", m.time.samples, counted(std::size_t(std::max(0, m.warmup)), "warm-up")),
        "Repetitions go on until the median's confidence interval is tight or a limit is reached.",
        Evidence::Reported);
    if (m.kernels_per_repetition > 0) {
        property("Kernels",
                 fmt::format("{} · {}", m.kernels_per_repetition, format_duration_ns(m.kernel_ns)),
                 "Kernels of one repetition, and the median of the sum of their times. " + samples,
                 Evidence::Measured);
        property("Gaps", format_duration_ns(m.gap_ns),
                 "Idle time between the kernels of a repetition, the median. " + samples, Evidence::Measured);
    }
    if (m.event_time.samples > 0)
        property("CUDA events", format_duration_ns(m.event_time.median),
                 fmt::format(
                     "Cross-check: median of {} samples by CUDA events round the same repetitions.",
                     m.event_time.samples),
                 Evidence::Measured);
    if (!m.throttle.empty())
        property("Clocks", m.throttle, "Why the clocks were held back while this was measured.",
                 Evidence::Measured);
}

void Inspector::draw_achieved(const Measurement &m) {
    const Ceilings &ceilings = session_.runs[m.run.value].device.ceilings;
    section("Limit");
    property("Floor", duration_or_dash(m.floor_ns), explain_floor(m, ceilings), Evidence::Modelled);
    if (const Bound by = floor_of(m.cost, ceilings).by; m.floor_ns > 0 && by != Bound::None)
        property("bound by", title_of(by), explain_floor(m, ceilings), Evidence::Modelled);
    if (m.times_floor() > 0)
        property("× floor", format_ratio(m.times_floor()), explain_times_floor(m, ceilings), Evidence::Estimated);
    property("Least bytes", format_bytes(m.cost.bytes),
             "Every input read once and every output written once, with this routing.",
             Evidence::Modelled);
    property("Operations", format_count(m.cost.flops), "A multiply and an add count two.",
             Evidence::Modelled);
    property("Memory rate", format_bandwidth(m.achieved_bytes_per_second()), explain_bandwidth(m),
             Evidence::Estimated);
    if (ceilings.bytes_per_second > 0)
        property("of the ceiling",
                 fmt::format("{:.1f} %",
                             m.achieved_bytes_per_second() / ceilings.bytes_per_second * 100),
                 fmt::format("The memory rate over the ceiling: {}, {}.",
                             format_bandwidth(ceilings.bytes_per_second),
                             ceilings.bytes_measured ? "measured on this device"
                                                     : "from its clocks and widths"),
                 Evidence::Estimated);
    if (m.cost.flops > 0) {
        property("Compute rate", format_flops(m.achieved_flops_per_second()), explain_flops(m), Evidence::Estimated);
        if (ceilings.flops_per_second > 0)
            property("of the ceiling",
                     fmt::format("{:.1f} %",
                                 m.achieved_flops_per_second() / ceilings.flops_per_second * 100),
                     fmt::format("The compute rate over the ceiling: {}, {}.",
                                 format_flops(ceilings.flops_per_second),
                                 ceilings.flops_measured ? "measured on this device"
                                                         : "from its clocks and widths"),
                     Evidence::Estimated);
    }
}

void Inspector::draw_memory(const Measurement &m) {
    section("Memory and result", Evidence::Measured);
    property("Peak", format_bytes(double(m.peak_bytes)), explain_memory(m), Evidence::Measured);
    property("Inputs", format_bytes(double(m.input_bytes)),
             "Bytes of the operator's inputs, by the ledger.", Evidence::Measured);
    property("Outputs", format_bytes(double(m.output_bytes)),
             "Bytes of its outputs, by the ledger.", Evidence::Measured);
    property("Workspace", format_bytes(double(m.workspace_bytes)),
             "Bytes of scratch memory, by the ledger.", Evidence::Measured);
    property("Error", m.relative_error < 0 ? "not checked" : agreement_text(m),
             explain_agreement(m), Evidence::Measured);
    if (!m.reference.empty())
        property("against", m.reference, "The result this one was compared with.");
}

void Inspector::draw_buttons(const Measurement &m) {
    ImGui::Dummy({0, std::round(4 * context_.scale)});
    if (ImGui::Button("Launches"))
        context_.show(ViewId::Timeline);
    ui::explain("Opens the timeline at this measurement's launches.");
    if (!info(m.op).tunable)
        return;
    ImGui::SameLine();
    const TuneTarget &target = context_.tune_target;
    ImGui::BeginDisabled(!target.refused.empty());
    if (ImGui::Button("Tune"))
        context_.tune({m.op, m.variant, {}});
    ImGui::EndDisabled();
    ui::explain(!target.refused.empty()
                    ? target.refused
                    : fmt::format("Compiles and times every tile configuration of this variant for {}.", target.words));
}

void Inspector::draw_measurement(MeasurementId id) {
    const Measurement &m = session_.measurements[id.value];
    const ImVec4 colour = variant_colour(theme_, m.op, m.variant);
    title(title_of(m), &colour);
    ui::explain(info(m.op).explain);
    ui::small(fmt::format("{} · {}", info(m.op).name, m.variant), theme_.muted);
    ui::explain("Its name on the command line: --ops and --variants.");
    if (!m.config.is_default()) {
        ui::small(fmt::format("{}{}", m.config.text(), m.tuned.empty() ? "" : ", tuned"), theme_.muted);
        ui::explain("Its tile: block M×N×K, warps and stages of the pipeline, as it ran.");
    }
    if (m.run != context_.run && m.run.value < session_.runs.size()) {
        ui::wrapped(fmt::format("Of run {}, which is not the one shown.", run_label(session_, m.run.value)), theme_.warning);
        ui::explain("What is selected stays selected when another run is shown.");
    }
    if (m.state == Measurement::State::Failed)
        failure(m.failure);
    else if (m.time.samples == 0)
        ui::wrapped(fmt::format("This measurement is {}.", name_of(m.state)), theme_.muted);
    if (m.time.samples == 0)
        return;
    draw_times(m);
    draw_achieved(m);
    draw_memory(m);
    draw_counters(context_, state_, id);
    draw_device_state(context_, state_, id);
    draw_buttons(m);
}

std::string dimensions(const std::array<std::int32_t, 3> &size) {
    return size[2] > 1   ? fmt::format("{} × {} × {}", size[0], size[1], size[2])
           : size[1] > 1 ? fmt::format("{} × {}", size[0], size[1])
                         : fmt::format("{}", size[0]);
}

void Inspector::draw_kernel(const KernelRecord &k) {
    title("Kernel launch");
    ui::wrapped(session_.name(k.name), theme_.text);
    section("By CUPTI", Evidence::Measured);
    property("Time", format_duration_ns(double(k.end_ns - k.start_ns)),
             "From the kernel's start to its end on the GPU: one sample.", Evidence::Measured);
    property("Stream", fmt::format("{}", k.stream), "The CUDA stream it ran on.", Evidence::Reported);
    property("Correlation", fmt::format("{}", k.correlation),
             "Ties the launch call on the host to the kernel on the device.", Evidence::Reported);
    property("Repetition",
             !k.tag.measurement.valid()                   ? "of no measurement"
             : k.tag.repetition == kSampledRepetition ? "sampled"
             : k.tag.repetition < 0                   ? "warm-up"
                                                      : fmt::format("{}", k.tag.repetition),
             k.tag.measurement.valid() ? "Which repetition of its measurement it belongs to."
                                       : "It was launched between the measurements: while tuning, or to prepare them. The "
                                         "measurement below is the one that is selected.",
             Evidence::Reported);
    section("Launch");
    property("Grid", dimensions(k.grid), "Blocks in x, y and z.", Evidence::Reported);
    property("Block", dimensions(k.block), "Threads of a block in x, y and z.", Evidence::Reported);
    property("Registers", fmt::format("{}", k.registers),
             "Registers of one thread, as the compiler allotted them.", Evidence::Reported);
    property("Shared memory", format_bytes(double(k.static_smem_bytes) + k.dynamic_smem_bytes),
             fmt::format("Of one block: {} static, {} requested at launch.",
                         format_bytes(k.static_smem_bytes), format_bytes(k.dynamic_smem_bytes)),
             Evidence::Reported);
    property("Local memory", format_bytes(k.local_bytes_per_thread),
             "Of one thread: spilled registers and the stack.", Evidence::Reported);
    property("Occupancy", fmt::format("{:.0f} %", double(k.theoretical_occupancy) * 100),
             "Warps that fit a multiprocessor at once over the most it can hold, from the "
             "occupancy calculator.",
             Evidence::Modelled);
}

void Inspector::draw_candidate(const Candidate &c) {
    const ImVec4 colour = variant_colour(theme_, c.op, c.variant);
    title(fmt::format("Tile {}", c.config.text()), &colour);
    ui::small(fmt::format("{} · {} · {}", info(c.op).title, c.variant, name_of(c.fate)),
              theme_.muted);
    if (!c.reason.empty())
        ui::wrapped(c.reason, c.fate == Candidate::Fate::Failed ? theme_.failure : theme_.text);
    if (c.time.samples > 0) {
        section("Time", Evidence::Measured);
        property("Median", format_duration_ns(c.time.median),
                 fmt::format("Median of {} samples while tuning.", c.time.samples), Evidence::Measured);
        property(
            "10 % – 90 %",
            fmt::format("{} – {}", format_duration_ns(c.time.p10), format_duration_ns(c.time.p90)),
            "The middle 80 % of the samples.", Evidence::Measured);
    }
    section("As the compiler reported");
    property("Registers", fmt::format("{}", c.registers), "Registers of one thread.", Evidence::Reported);
    property("Spills", format_bytes(c.spill_bytes),
             "Bytes of spill stores and loads of one thread.", Evidence::Reported);
    property("Shared memory", format_bytes(c.smem_bytes), "Of one block, static and dynamic.", Evidence::Reported);
    property("Threads", fmt::format("{}", c.threads), "Threads of one block.", Evidence::Reported);
    property("Blocks an SM", fmt::format("{}", c.blocks_per_sm),
             "How many blocks fit a multiprocessor at once.", Evidence::Modelled);
    property("Compiling", c.from_cache ? "from the cache" : fmt::format("{:.0f} ms", c.compile_ms),
             "Time NVRTC and the assembler took for this configuration.", Evidence::Measured);
}

void Inspector::draw_expert(const RoutingRecord &routing, std::int32_t expert) {
    const double slots = routing.counts[std::size_t(expert)];
    double sum = 0;
    for (const std::int32_t count : routing.counts)
        sum += count;
    const double mean = sum / double(routing.counts.size());
    title(fmt::format("Expert {}", expert));
    section("Load in this run's routing");
    property("Slots", format_count(slots),
             "Token and choice pairs that the run's routing sent to this expert: counted, one routing.",
             Evidence::Measured);
    property("Share", fmt::format("{:.2f} %", sum > 0 ? slots / sum * 100 : 0), "Of all slots: counted, one routing.",
             Evidence::Measured);
    property("× mean", mean > 0 ? format_ratio(slots / mean) : "–",
             fmt::format("Its slots over the mean of {:.1f} slots an expert: counted, one routing.", mean), Evidence::Measured);
}

const RoutingRecord *Inspector::routing_of_run() const {
    for (const RoutingRecord &routing : session_.routings)
        if (routing.run == context_.run)
            return &routing;
    return nullptr;
}

void Inspector::draw() {
    const Selection &s = context_.selection;
    bool drawn = false;
    const auto block = [&](auto draw_block) {
        if (drawn)
            ImGui::Separator();
        drawn = true;
        ImGui::PushID(&draw_block);
        draw_block();
        ImGui::PopID();
    };
    if (s.kernel && *s.kernel < session_.kernels.size())
        block([&] { draw_kernel(session_.kernels[*s.kernel]); });
    if (s.candidate && s.candidate->value < session_.candidates.size())
        block([&] { draw_candidate(session_.candidates[s.candidate->value]); });
    const RoutingRecord *routing = routing_of_run();
    if (routing && s.expert >= 0 && std::size_t(s.expert) < routing->counts.size())
        block([&] { draw_expert(*routing, s.expert); });
    if (s.measurement.valid() && s.measurement.value < session_.measurements.size())
        block([&] { draw_measurement(s.measurement); });
    if (drawn)
        return;
    ui::heading("Inspector");
    ui::wrapped("Click a row, a kernel, a tile or an expert: everything known about it is shown "
                "here, with how "
                "each number came about on hover.",
                theme_.muted);
}

} // namespace

void draw_inspector(ViewContext &context, InspectorState &state) {
    state.kernels.update(*context.session);
    state.counters.update(*context.session);
    Inspector(context, state).draw();
}

} // namespace moescope
