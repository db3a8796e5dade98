#include "app/report/report.h"

#include "app/report/report_plots.h"
#include "app/report/report_style.h"
#include "app/report/window_plots.h"
#include "app/views/crossover.h"
#include "app/views/measurement_text.h"
#include "app/views/overview_rows.h"
#include "profiler/base/units.h"
#include "profiler/explain/counters.h"
#include "profiler/export/replace_file.h"
#include "profiler/export/svg.h"
#include "profiler/session/record_names.h"
#include "profiler/sweep/found_sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <ostream>
#include <set>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace moescope {

namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;

std::string or_dash(double value, std::string (*format)(double)) {
    return value > 0 ? format(value) : "–";
}

// Columns of a table: those with a right-aligned number are marked.
struct Column {
    std::string title;
    bool number = false;
};

class Page {
  public:
    Page(const Session &session, std::ostream &out)
        : session_(session), out_(out), window_(session), swept_(swept_runs()) {
        counters_.update(session);
    }

    void write() {
        head();
        for (std::uint32_t id = 0; id < session_.runs.size(); ++id)
            if (!swept_.contains(RunId{id}))
                run(RunId{id});
        sweeps();
        crossovers();
        for (const RunId id : swept_)
            folded_run(id);
        failures();
        foot();
    }

  private:
    void head() {
        const std::string title = xml_text(heading());
        out_ << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>"
             << title << "</title>\n<style>\n"
             << report::style() << window_.style() << "</style>\n</head>\n<body>\n<main>\n<h1>"
             << title << "</h1>\n";
        std::size_t timed = 0, failed = 0;
        for (const Measurement &m : session_.measurements) {
            timed += m.state == Measurement::State::Done;
            failed += m.state == Measurement::State::Failed;
        }
        out_ << fmt::format("<p class=\"muted\">Measured {}, by MoEScope {}: {} {}, {} {} done",
                            xml_text(format_date(session_.created_ns)),
                            xml_text(session_.app_version), session_.runs.size(),
                            session_.runs.size() == 1 ? "run" : "runs", timed,
                            timed == 1 ? "measurement" : "measurements");
        if (failed > 0)
            out_ << fmt::format(", <span class=\"failure\">{} failed</span>", failed);
        out_ << ".</p>\n";
    }

    // Those that a plot over several runs shows.
    std::set<RunId> swept_runs() const {
        std::set<RunId> runs;
        for (const FoundSweep &sweep : find_sweeps(session_))
            for (const FoundSweep::Point &point : sweep.points)
                if (sweep.numeric)
                    runs.insert(point.runs.begin(), point.runs.end());
        for (const auto &[map, svg] : window_.crossovers())
            for (const CrossoverCell &cell : map.cells)
                for (const MeasurementId id : {cell.a, cell.b})
                    runs.insert(session_.measurements[id.value].run);
        return runs;
    }

    // A session that nobody named is called by what its first run is.
    std::string heading() const {
        if (session_.runs.empty() || (session_.title != "Session" && !session_.title.empty()))
            return session_.title;
        const RunRecord &run = session_.runs[0];
        return fmt::format("{} on {}", run.plan.workload.model.name, run.device.name);
    }

    void facts(const Facts &facts) {
        out_ << "<dl class=\"facts\">\n";
        for (const auto &[name, value] : facts)
            if (!value.empty())
                out_ << "<div><dt>" << xml_text(name) << "</dt><dd>" << xml_text(value)
                     << "</dd></div>\n";
        out_ << "</dl>\n";
    }

    static Facts workload_facts(const RunRecord &run) {
        const Workload &w = run.plan.workload;
        if (run.plan.items.empty()) // an imported trace: what it ran is not known
            return {{"trace", w.model.name}};
        return {{"model", w.model.name},
                {"tokens", format_count(double(w.tokens))},
                {"experts", fmt::format("{} of {}", w.model.top_k, w.model.experts)},
                {"hidden × inner",
                 fmt::format("{} × {}", w.model.hidden, w.model.intermediate)},
                {"LoRA rank", w.lora_rank > 0 ? fmt::format("{}", w.lora_rank) : "none"},
                {"routing", w.skew.text()},
                {"data type", name_of(w.model.dtype)},
                {"L2 cache", name_of(run.plan.cache)}};
    }
    static Facts device_facts(const DeviceInfo &d) {
        Facts facts = {{"device", d.id},
                       {"architecture", d.arch},
                       {"driver", d.driver},
                       {"CUDA", d.runtime},
                       {"host", d.host},
                       {"memory", d.memory_bytes > 0 ? format_bytes(double(d.memory_bytes)) : ""}};
        const Ceilings &c = d.ceilings;
        if (c.bytes_per_second > 0)
            facts.emplace_back("memory ceiling",
                               fmt::format("{}, {}", format_bandwidth(c.bytes_per_second),
                                           ceiling_origin(c.bytes_measured)));
        if (c.flops_per_second > 0)
            facts.emplace_back("compute ceiling",
                               fmt::format("{}, {}", format_flops(c.flops_per_second),
                                           ceiling_origin(c.flops_measured)));
        return facts;
    }
    // What NVML said while the run went on.
    Facts state_facts(RunId run) const {
        std::array<std::pair<double, double>, 3> range;
        range.fill({1e300, -1e300});
        for (const DeviceStateRecord &state : session_.device_states) {
            const double values[] = {double(state.sm_clock_mhz), double(state.temperature_c),
                                     state.power_w};
            for (std::size_t at = 0; at < range.size() && state.run == run; ++at)
                range[at] = {std::min(range[at].first, values[at]),
                             std::max(range[at].second, values[at])};
        }
        const auto words = [&](std::size_t at, const char *unit) {
            const auto &[low, high] = range[at];
            return low > high            ? std::string()
                   : high - low < 0.5 ? fmt::format("{:.0f} {}", low, unit)
                                         : fmt::format("{:.0f} to {:.0f} {}", low, high, unit);
        };
        return {{"SM clock", words(0, "MHz")},
                {"temperature", words(1, "°C")},
                {"power", words(2, "W")}};
    }

    // What its workload is, and the run itself for who asks.
    void folded_run(RunId id) {
        const Workload &w = session_.runs[id.value].plan.workload;
        const std::string rank = w.lora_rank > 0 ? fmt::format(", rank {}", w.lora_rank) : "";
        out_ << fmt::format("<details>\n<summary>Run {}: {}, {} tokens, {} of {} experts of {} × {}{}, {}</summary>\n",
                            id.value + 1, xml_text(w.model.name), format_count(double(w.tokens)), w.model.top_k,
                            w.model.experts, w.model.hidden, w.model.intermediate, rank, xml_text(w.skew.text()));
        run(id);
        out_ << "</details>\n";
    }

    void run(RunId id) {
        const RunRecord &run = session_.runs[id.value];
        out_ << fmt::format("<h2>{} on {}</h2>\n", xml_text(run.plan.workload.model.name),
                            xml_text(run.device.name));
        out_ << fmt::format("<p class=\"muted\">Run {}, begun {}: {}.", id.value + 1,
                            xml_text(format_date(run.started_ns)), name_of(run.state));
        if (run.dropped_records > 0)
            out_ << fmt::format(" <span class=\"failure\">CUPTI dropped {} records.</span>",
                                run.dropped_records);
        out_ << "</p>\n<section>\n<h2>What was measured, on what</h2>\n";
        facts(workload_facts(run));
        facts(device_facts(run.device));
        facts(state_facts(id));
        out_ << "</section>\n";
        plot("Where does the time go?",
             "Median of each variant as a bar, p10 to p90 as a whisker, its floor as a tick: the "
             "least time the device's ceilings allow for the bytes and FLOPs that cannot be "
             "avoided.",
             report::time_bars(session_, id));
        results(id);
        plot("Which variant?",
             "The kernels of one repetition, one after another, and the gaps between them. Within "
             "an operator the slowest variant fills the width.",
             report::variant_bars(session_, id));
        tuning(id);
        plot("How far from the limit?",
             "FLOP/s over FLOP a byte. A filled point uses the bytes that were counted where they "
             "were, and else the least; a hollow one beside it uses the least bytes.",
             report::roofline(session_, id, false));
        plot("How far from the limit, without matrix products?",
             "Bytes per second over the least bytes moved.", report::roofline(session_, id, true));
        counters(id);
        over_time(id);
        hot_lines(id);
    }

    void over_time(RunId id) {
        plot("Which experts do the tokens choose?",
             "Slots of each expert, counted in the routing that this run's kernels were given, with their "
             "mean; below, the choices of its first tokens.",
             window_.of_run("routing", id));
        plot("What holds the memory?",
             "Device memory over the run by what was allocated, from the ledger of the run's own allocations "
             "and frees: what the driver and the libraries hold themselves is not in it. Ticks at the top: "
             "allocations, and below them frees.",
             window_.of_run("memory", id));
        plot("What ran when, and how busy was the device?",
             "The run's records over time: on a GPU, kernels, copies and calls as CUPTI timed them. Where they "
             "were taken: counters sampled by the device at fixed intervals in passes of their own after the "
             "timed ones; clock, power and temperature as NVML read them, another colour where the clocks were "
             "held back; device memory from the ledger. Each track's scale stands under its name.",
             window_.of_run("timeline", id));
    }

    // A line of a kernel's source.
    struct HotLine {
        std::uint64_t samples = 0;
        std::map<std::string_view, std::uint64_t> stalls;
    };
    using HotLines = std::map<std::tuple<MeasurementId, NameId, NameId, std::int32_t>, HotLine>; // kernel, file

    // Those with the most samples of each measurement's kernel, most first.
    void hot_lines(RunId run) {
        HotLines lines;
        std::map<std::pair<MeasurementId, NameId>, std::uint64_t> totals;
        for (const PcSampleRecord &sample : session_.pc_samples) {
            if (!sample.measurement.valid() || session_.measurements[sample.measurement.value].run != run)
                continue;
            totals[{sample.measurement, sample.kernel}] += sample.samples;
            if (sample.line <= 0)
                continue;
            HotLine &line = lines[{sample.measurement, sample.kernel, sample.file, sample.line}];
            line.samples += sample.samples;
            line.stalls[session_.name(sample.stall)] += sample.samples;
        }
        if (lines.empty())
            return;
        out_ << "<section>\n<h2>Which lines do the warps wait at?</h2>\n<p class=\"muted\">Lines of a kernel's source by "
                "the samples of its instructions that the device took in passes of their own: how often a warp stood "
                "there, and most often why. Shares are of all of the kernel's samples.</p>\n";
        begin_table({{"operator"}, {"variant"}, {"kernel"}, {"line"}, {"samples", true}, {"share", true}, {"most often"}});
        for (const auto &[kernel, total] : totals)
            hottest(lines, kernel.first, kernel.second, total);
        end_table();
        out_ << "</section>\n";
    }
    void hottest(const HotLines &lines, MeasurementId id, NameId kernel, std::uint64_t total) {
        constexpr std::size_t kMost = 8;
        std::vector<HotLines::const_pointer> found;
        for (const auto &line : lines)
            if (std::get<0>(line.first) == id && std::get<1>(line.first) == kernel)
                found.push_back(&line);
        std::ranges::stable_sort(found, [](const auto *a, const auto *b) { return a->second.samples > b->second.samples; });
        for (std::size_t at = 0; at < std::min(found.size(), kMost); ++at) {
            const auto &[key, line] = *found[at];
            const std::string_view file = session_.name(std::get<2>(key));
            const auto stall = std::ranges::max_element(line.stalls, {}, [](const auto &each) { return each.second; });
            const Measurement &m = session_.measurements[id.value];
            row(std::vector<std::string>{std::string(info(m.op).name), m.variant,
                                         std::string(session_.name(kernel)).substr(0, 60),
                                         fmt::format("{}:{}", file.substr(file.rfind('/') + 1), std::get<3>(key)),
                                         format_count(double(line.samples)),
                                         fmt::format("{:.1f} %", 100 * double(line.samples) / double(total)),
                                         std::string(stall->first)});
        }
    }

    void plot(const char *title, const char *explain, const std::string &svg) {
        if (!svg.empty())
            out_ << "<section>\n<h2>" << title << "</h2>\n<p class=\"muted\">" << explain
                 << "</p>\n"
                 << svg << "</section>\n";
    }

    void begin_table(const std::vector<Column> &columns) {
        columns_ = columns;
        out_ << "<div class=\"scroll\"><table>\n<thead><tr>";
        for (const Column &column : columns)
            out_ << "<th" << (column.number ? " class=\"n\">" : ">") << xml_text(column.title)
                 << "</th>";
        out_ << "</tr></thead>\n<tbody>\n";
    }
    void row(std::span<const std::string> cells) {
        out_ << "<tr>";
        for (std::size_t at = 0; at < cells.size(); ++at)
            out_ << "<td" << (columns_[at].number ? " class=\"n\">" : ">") << xml_text(cells[at])
                 << "</td>";
        out_ << "</tr>\n";
    }
    void end_table() { out_ << "</tbody>\n</table></div>\n"; }

    void results(RunId run) {
        const auto rows = overview_rows(session_, run, {});
        if (rows.empty())
            return;
        out_ << "<section>\n<h2>Results</h2>\n";
        begin_table({{"operator"},
                     {"variant"},
                     {"tile"},
                     {"median", true},
                     {"p10 to p90", true},
                     {"samples", true},
                     {"floor", true},
                     {"distance", true},
                     {"bandwidth", true},
                     {"compute", true},
                     {"memory", true},
                     {"agreement", true},
                     {"timer"},
                     {"remarks"}});
        for (const MeasurementId id : rows)
            result(session_.measurements[id.value]);
        end_table();
        out_ << "</section>\n";
    }
    void result(const Measurement &m) {
        std::string remarks = m.state == Measurement::State::Done ? m.throttle : name_of(m.state);
        if (!(m.time.median > 0) || !std::isfinite(m.time.median))
            return row(std::vector<std::string>{std::string(info(m.op).name), m.variant, "", "–",
                                                "–", "–", "–", "–", "–", "–", "–", "–", "",
                                                remarks});
        row(std::vector<std::string>{
            std::string(info(m.op).name), m.variant, m.config.is_default() ? "" : m.config.text(),
            format_duration_ns(m.time.median),
            fmt::format("{} to {}", format_duration_ns(m.time.p10),
                        format_duration_ns(m.time.p90)),
            fmt::format("{}", m.time.samples), or_dash(m.floor_ns, format_duration_ns),
            or_dash(m.times_floor(), format_ratio),
            or_dash(m.achieved_bytes_per_second(), format_bandwidth),
            or_dash(m.achieved_flops_per_second(), format_flops),
            or_dash(double(m.peak_bytes), format_bytes), agreement_text(m), title_of(m.timer),
            remarks});
    }

    void tuning(RunId run) {
        const auto maps = report::tuning_maps(session_, run);
        if (maps.empty())
            return;
        out_ << "<section>\n<h2>Which tile?</h2>\n<p class=\"muted\">The best time of every "
                "block_m × block_n that was tuned, over depth, warps and stages; framed: the "
                "fastest of all.</p>\n<div class=\"plots\">\n";
        for (const auto &[title, svg] : maps)
            out_ << "<div><h3>" << xml_text(title) << "</h3>\n" << svg << "</div>\n";
        out_ << "</div>\n</section>\n";
    }

    void counters(RunId run) {
        constexpr std::pair<Counter, const char *> kAll[] = {
            {Counter::DurationNs, "duration"},  {Counter::DramRead, "DRAM read"},
            {Counter::DramWritten, "DRAM written"}, {Counter::L2Hits, "L2 hits"},
            {Counter::SmActive, "SMs active"},  {Counter::TensorPipe, "tensor pipe"},
            {Counter::Occupancy, "occupancy"}};
        std::vector<Column> columns = {{"operator"}, {"variant"}, {"range"}};
        for (const auto &[counter, title] : kAll)
            columns.push_back({title, true});
        bool begun = false;
        for (std::uint32_t id = 0; id < session_.measurements.size(); ++id) {
            const Measurement &m = session_.measurements[id];
            for (const CounterRange &range : counters_.of(MeasurementId{id})) {
                if (m.run != run)
                    continue;
                if (!std::exchange(begun, true)) {
                    out_ << "<section>\n<h2>Hardware counters</h2>\n<p class=\"muted\">From passes "
                            "of their own: these durations are not the times above.</p>\n";
                    begin_table(columns);
                }
                std::vector<std::string> cells = {
                    std::string(info(m.op).name), m.variant,
                    range.kernel < 0 ? "whole repetition"
                                     : std::string(session_.name(range.name)).substr(0, 60)};
                for (const auto &[counter, title] : kAll)
                    cells.push_back(counted(counter, range.find(session_, counter)));
                row(cells);
            }
        }
        if (begun) {
            end_table();
            out_ << "</section>\n";
        }
    }
    static std::string counted(Counter counter, std::optional<double> value) {
        if (!value)
            return "–";
        if (counter == Counter::DurationNs)
            return format_duration_ns(*value);
        if (counter == Counter::DramRead || counter == Counter::DramWritten)
            return format_bytes(*value);
        return fmt::format("{:.1f} %", *value);
    }

    void sweeps() {
        const auto plots = report::sweeps(session_);
        if (plots.empty())
            return;
        out_ << "<section>\n<h2>What changes with the workload?</h2>\n<p class=\"muted\">Runs that "
                "differ in one number; the band is p10 to p90.</p>\n";
        for (const auto &[title, svg] : plots)
            out_ << "<h3>" << xml_text(title) << "</h3>\n" << svg;
        out_ << "</section>\n";
    }

    void crossovers() {
        for (const auto &[map, svg] : window_.crossovers())
            plot(xml_text("Where does the winner change? " + name_of(map)).c_str(),
                 fmt::format("{} on {}. Each cell is a run: how many times the slower one's median is the faster "
                             "one's; hatched where the 95 % intervals of both medians overlap. The line is a boundary "
                             "fitted to the cells.",
                             xml_text(map.held), xml_text(session_.runs[map.first.value].device.name))
                     .c_str(),
                 svg);
    }

    void failures() {
        if (session_.failures.empty())
            return;
        out_ << "<section>\n<h2>Failures</h2>\n";
        begin_table({{"when"}, {"where"}, {"what"}, {"why"}, {"what to do"}});
        for (const Failure &failure : session_.failures)
            row(std::vector<std::string>{format_date(failure.time_ns), failure.where,
                                         failure.error.what, failure.error.why,
                                         failure.error.remedy});
        end_table();
        out_ << "</section>\n";
    }

    void foot() {
        out_ << "<section>\n<h2>How to read it</h2>\n<p>Time is from the first kernel's start to "
                "the last kernel's end of one repetition. The floor is the larger of two times: "
                "the least bytes over the device's memory ceiling, and the FLOPs over its compute "
                "ceiling. Bandwidth and compute are those least bytes and FLOPs over the median "
                "time. Agreement is the relative distance of the result from a reference's. "
                "Memory is the highest the device's ledger rose above the run's baseline.</p>\n"
                "</section>\n</main>\n</body>\n</html>\n";
    }

    const Session &session_;
    std::ostream &out_;
    CountersByMeasurement counters_;
    std::vector<Column> columns_;
    report::WindowPlots window_;
    std::set<RunId> swept_; // told of after the plots over them
};

} // namespace

void write_report(const Session &session, std::ostream &out) { Page(session, out).write(); }

Status export_report(const Session &session, const std::filesystem::path &path) {
    return replace_file(path, Compression::None,
                        [&](std::ostream &out) { write_report(session, out); });
}

} // namespace moescope
