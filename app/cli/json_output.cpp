#include "app/cli/json_output.h"

#include "app/cli/run_table.h"
#include "app/cli/sweep_text.h"
#include "profiler/explain/counters.h"
#include "profiler/metrics/metric_unit.h"
#include "profiler/session/collected.h"
#include "profiler/session/json_codec.h"
#include "profiler/session/record_names.h"

#include <cmath>
#include <span>

namespace moescope::cli {

namespace {

Json document(const char *format) { return {{"format", format}, {"version", 1}}; }

std::string text_of(const Json &json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Zero stands for "not there" in the records; null says so.
Json if_positive(double value) { return value > 0 ? Json(value) : Json(); }

Json tile_or_null(const TileConfig &config) {
    return config.is_default() ? Json() : to_json(config);
}

Json error_or_null(const Error &error) {
    if (error == Error{})
        return Json();
    return {{"what", error.what}, {"why", error.why}, {"remedy", error.remedy}};
}

Json to_json(const Measurement &m, const Ceilings &ceilings) {
    const bool timed = m.time.samples > 0;
    Json json = {{"operator", info(m.op).name},    {"variant", m.variant},
                 {"tile", tile_or_null(m.config)}, {"state", name_of(m.state)},
                 {"timer", name_of(m.timer)},      {"cache", name_of(m.cache)},
                 {"samples", m.time.samples}};
    json["median_ns"] = if_positive(m.time.median);
    json["p10_ns"] = if_positive(m.time.p10);
    json["p90_ns"] = if_positive(m.time.p90);
    json["min_ns"] = if_positive(m.time.minimum);
    json["max_ns"] = if_positive(m.time.maximum);
    json["mean_ns"] = if_positive(m.time.mean);
    json["median_ci_ns"] = timed ? Json::array({m.time.ci_low, m.time.ci_high}) : Json();
    json["event_median_ns"] = if_positive(m.event_time.median);
    json["kernel_ns"] = if_positive(m.kernel_ns);
    json["gap_ns"] = m.kernels_per_repetition > 0 ? Json(m.gap_ns) : Json();
    json["kernels_per_repetition"] = m.kernels_per_repetition;
    json["floor_ns"] = if_positive(m.floor_ns);
    const Bound bound = floor_of(m.cost, ceilings).by;
    json["floor_bound"] = m.floor_ns > 0 && bound != Bound::None ? Json(title_of(bound)) : Json();
    json["least_bytes"] = m.cost.bytes;
    json["flops"] = m.cost.flops;
    json["bytes_per_second"] = if_positive(m.achieved_bytes_per_second());
    json["flops_per_second"] = if_positive(m.achieved_flops_per_second());
    json["input_bytes"] = m.input_bytes;
    json["output_bytes"] = m.output_bytes;
    json["workspace_bytes"] = m.workspace_bytes;
    json["peak_bytes"] = m.peak_bytes;
    json["relative_error"] = m.relative_error >= 0 ? Json(m.relative_error) : Json();
    json["reference"] = m.reference;
    json["tuned"] = m.tuned;
    json["throttle"] = m.throttle;
    json["failure"] = error_or_null(m.failure);
    return json;
}

Json to_json(const Candidate &c) {
    return {{"operator", info(c.op).name},
            {"variant", c.variant},
            {"tile", tile_or_null(c.config)},
            {"fate", name_of(c.fate)},
            {"reason", c.reason},
            {"registers", c.registers},
            {"spill_bytes", c.spill_bytes},
            {"smem_bytes", c.smem_bytes},
            {"threads", c.threads},
            {"blocks_per_sm", c.blocks_per_sm},
            {"compile_ms", c.compile_ms},
            {"from_cache", c.from_cache},
            {"median_ns", if_positive(c.time.median)}};
}

// Empty where none were read.
Json counters_of(const Session &session, std::span<const CounterRange> ranges) {
    Json list = Json::array();
    for (const CounterRange &range : ranges)
        for (const CounterRange::Value &value : range.values)
            list.push_back({{"kernel", range.kernel >= 0 ? Json(range.kernel) : Json()},
                            {"range", range.kernel >= 0 ? session.name(range.name) : "repetition"},
                            {"metric", session.name(value.metric)},
                            {"value", std::isfinite(value.value) ? Json(value.value) : Json()},
                            {"unit", metric_unit(session.name(value.metric))}});
    return list;
}

Json measurements_of(const Session &session, const CountersByMeasurement &counters, RunId run) {
    Json list = Json::array();
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i)
        if (session.measurements[i].run == run) {
            list.push_back(to_json(session.measurements[i], session.runs[run.value].device.ceilings));
            list.back()["counters"] = counters_of(session, counters.of({i}));
        }
    return list;
}

Json routing_of(const Session &session, RunId run) {
    for (const RoutingRecord &routing : session.routings)
        if (routing.run == run)
            return {
                {"tokens", routing.tokens}, {"top_k", routing.top_k}, {"counts", routing.counts}};
    return Json();
}

template <typename Records> Json of_run(const Records &records, RunId run) {
    Json list = Json::array();
    for (const auto &record : records)
        if (record.run == run)
            list.push_back(to_json(record));
    return list;
}

} // namespace

std::string run_json(const Session &session, RunId run) {
    const RunRecord &record = session.runs[run.value];
    Json json = document("moescope.run");
    json["session"] = session.path;
    json["state"] = name_of(record.state);
    json["device"] = moescope::to_json(record.device);
    json["plan"] = moescope::to_json(record.plan);
    CountersByMeasurement counters;
    counters.update(session);
    json["measurements"] = measurements_of(session, counters, run);
    json["steps_down"] = steps_down(session, run);
    json["candidates"] = of_run(session.candidates, run);
    json["routing"] = routing_of(session, run);
    json["problems"] = problems_of(session, run);
    return text_of(json);
}

std::string sweep_json(const Session &session, const Sweep &sweep) {
    Json json = document("moescope.sweep");
    json["session"] = session.path;
    json["axes"] = Json::array();
    for (const SweepAxis &axis : sweep.axes)
        json["axes"].push_back({{"parameter", axis.parameter->name}, {"values", axis.values}});
    json["points"] = Json::array();
    CountersByMeasurement counters;
    counters.update(session);
    for (const SweptPoint &swept : sweep.points) {
        Json values = Json::object();
        for (std::size_t i = 0; i < sweep.axes.size(); ++i)
            values[std::string(sweep.axes[i].parameter->name)] = swept.point.values[i];
        json["points"].push_back({{"values", values},
                                  {"run", swept.run ? Json(swept.run->value + 1) : Json()},
                                  {"measurements", swept.run ? measurements_of(session, counters, *swept.run) : Json::array()},
                                  {"problems", problems_of(session, swept)}});
    }
    json["steps"] = Json::array();
    for (const auto &[found, line, step] : steps_of(session, sweep))
        json["steps"].push_back({{"operator", info(line.op).name},
                                 {"variant", line.variant},
                                 {"parameter", found.parameter->name},
                                 {"from", found.points[line.points[step.after - 1].at].value},
                                 {"to", found.points[line.points[step.after].at].value},
                                 {"factor", step.factor},
                                 {"expected", step.expected},
                                 {"up", step.up}});
    return text_of(json);
}

std::string devices_json(const std::vector<DeviceInfo> &devices) {
    Json json = document("moescope.devices");
    json["devices"] = Json::array();
    for (const DeviceInfo &device : devices)
        json["devices"].push_back(moescope::to_json(device));
    return text_of(json);
}

std::string hosts_json(const std::vector<std::string> &hosts) {
    Json json = document("moescope.hosts");
    json["hosts"] = hosts;
    return text_of(json);
}

std::string remote_json(const RemoteHost &host, const RemoteFacts &facts) {
    Json json = document("moescope.remote");
    json["host"] = host.text();
    json["system"] = facts.system;
    json["processor"] = facts.processor;
    json["c_library"] = facts.c_library;
    json["folder"] = facts.folder;
    json["free_bytes"] = facts.free_bytes < 0 ? Json() : Json(facts.free_bytes);
    json["gpus"] = facts.gpus;
    json["workers"] = Json::array();
    for (const RemoteFacts::Worker &worker : facts.workers)
        json["workers"].push_back({{"path", worker.path},
                                   {"version", worker.version.empty() ? Json() : Json(worker.version)},
                                   {"usable", worker.version == worker_version_line()}});
    return text_of(json);
}

std::string models_json(const std::vector<ModelShape> &models) {
    Json json = document("moescope.models");
    json["models"] = Json::array();
    for (const ModelShape &model : models)
        json["models"].push_back(moescope::to_json(model));
    return text_of(json);
}

std::string metrics_json(const MetricSets &sets, const std::vector<MetricsAnswer> &answers,
                         const std::vector<const MetricInfo *> &metrics, bool only_passes) {
    Json json = document("moescope.metrics");
    json["chip"] = answers.front().chip;
    if (only_passes) {
        json["passes"] = answers.front().passes;
        json["metrics"] = answers.front().readable;
        json["missing"] = answers.front().missing;
        return text_of(json);
    }
    json["sets"] = Json::array();
    for (std::size_t i = 0; i < sets.sets.size(); ++i)
        json["sets"].push_back({{"name", sets.sets[i].name},
                                {"title", sets.sets[i].title},
                                {"explain", sets.sets[i].explain},
                                {"passes", answers[i].passes},
                                {"metrics", answers[i].readable},
                                {"missing", answers[i].missing}});
    json["metrics"] = Json::array();
    for (const MetricInfo *metric : metrics)
        json["metrics"].push_back({{"name", metric->name},
                                   {"read_as", readable_name(*metric)},
                                   {"kind", name_of(metric->kind)},
                                   {"unit", metric->unit},
                                   {"hardware", metric->hardware},
                                   {"description", metric->description}});
    return text_of(json);
}

namespace {

Json build_json(const KernelBuild &build) {
    Json json = {{"ok", build.ok},
                 {"registers", build.registers},
                 {"spill_bytes", build.spill_bytes},
                 {"stack_bytes", build.stack_bytes},
                 {"static_smem_bytes", build.static_smem_bytes},
                 {"ptx", build.ptx.empty() ? Json() : Json(build.ptx)},
                 {"sass", build.sass.empty() ? Json() : Json(build.sass)},
                 {"sass_missing", build.sass_missing},
                 {"diagnostics", Json::array()}};
    for (const Diagnostic &each : build.diagnostics)
        json["diagnostics"].push_back({{"file", each.file},
                                       {"line", each.line},
                                       {"column", each.column},
                                       {"severity", name_of(each.severity)},
                                       {"message", each.message}});
    return json;
}

} // namespace

std::string source_json(const SourceAnswer &answer, bool compiled, bool edited) {
    Json json = document("moescope.source");
    json["arch"] = answer.arch;
    json["kernel"] = answer.kernel;
    json["kernels"] = answer.kernels;
    json["tile"] = tile_or_null(answer.config);
    json["defines"] = answer.defines;
    json["dynamic_smem_bytes"] = answer.dynamic_smem_bytes;
    json["files"] = Json::array();
    for (const SourceFile &file : answer.files)
        json["files"].push_back({{"name", file.name}, {"text", file.text}});
    json["original"] = compiled ? build_json(answer.original) : Json();
    json["edited"] = edited ? build_json(answer.edited) : Json();
    return text_of(json);
}

std::string operators_json() {
    Json json = document("moescope.operators");
    json["operators"] = Json::array();
    for (const OperatorInfo &each : operators()) {
        Json variants = Json::array();
        for (const VariantInfo &variant : each.variants)
            variants.push_back(
                {{"name", variant.name}, {"title", variant.title}, {"explain", variant.explain}});
        json["operators"].push_back({{"name", each.name},
                                     {"family", info(each.family).name},
                                     {"forward", info(each.family).forward},
                                     {"title", each.title},
                                     {"explain", each.explain},
                                     {"tunable", each.tunable},
                                     {"variants", variants}});
    }
    return text_of(json);
}

} // namespace moescope::cli
