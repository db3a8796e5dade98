// The documents of --json. Each is one object with "format" and "version"; times are nanoseconds,
// sizes bytes, rates per second; a value that does not exist is null.
//
// moescope.run (run and tune):
//   session      path of the session file
//   state        running|done|cancelled|failed
//   device, plan as in a session file (profiler/session/json_codec.h)
//   measurements [{operator, variant, tile: {block_m, block_n, block_k, warps, stages} or null,
//   state, timer, cache,
//                 samples, median_ns, p10_ns, p90_ns, min_ns, max_ns, mean_ns, median_ci_ns: [low,
//                 high], event_median_ns, kernel_ns, gap_ns, kernels_per_repetition, floor_ns,
//                 floor_bound: memory, matrix units or launch,
//                 least_bytes, flops, bytes_per_second, flops_per_second, input_bytes,
//                 output_bytes, workspace_bytes, peak_bytes, relative_error, reference, tuned,
//                 throttle, failure: {what, why, remedy} or null,
//                 counters: [{kernel: its place or null, range: its name or "repetition",
//                 metric: CUPTI's name, value or null where it is not defined, unit}]: a
//                 repetition's duration and shares of time are its kernels' together}]
//   steps_down   sentences: what was asked for and could not be collected, and what was used instead
//   candidates   [{operator, variant, tile, fate, reason, registers, spill_bytes, smem_bytes,
//   threads,
//                 blocks_per_sm, compile_ms, from_cache, median_ns}]
//   routing      {tokens, top_k, counts: slots of each expert} or null
//   problems     sentences, as printed without --json
// moescope.sweep:
//   session  path of the session file
//   axes     [{parameter, values: [as typed]}]
//   points   [{values: {parameter: value}, run: its number from 1 or null, measurements: as above,
//              problems: sentences}]
//   steps    [{operator, variant, parameter, from, to, factor, expected, up}]: times that move beyond
//            the trend round them
// moescope.devices    devices: [as in a session file]
// moescope.hosts      hosts: names of ~/.ssh/config
// moescope.remote     host, system, processor, c_library, folder, free_bytes or null, gpus: [as nvidia-smi lists
//                     them], workers: [{path, version: what it says or null, usable}]
// moescope.models     models: [as in a session file]
// moescope.operators  operators: [{name, title, explain, tunable, variants: [{name, title,
// explain}]}]
// moescope.metrics    chip, sets: [{name, title, explain, passes, metrics: as read on this chip, missing}],
//                     metrics: [{name, read_as, kind, unit, hardware, description}] (those that match);
//                     with --passes: chip, passes, metrics, missing
// moescope.source     as SourceAnswer in profiler/source/kernel_source.h: arch, kernel, kernels, tile, defines,
//                     dynamic_smem_bytes, files: [{name, text}], original and edited: null or {ok,
//                     registers, spill_bytes, stack_bytes, static_smem_bytes, diagnostics: [{file, line,
//                     column, severity, message}], ptx, sass: null where it is missing, sass_missing}
#pragma once

#include "profiler/metrics/metric.h"
#include "profiler/metrics/metric_sets.h"
#include "profiler/remote/remote_worker.h"
#include "profiler/session/session.h"
#include "profiler/source/kernel_source.h"

#include <string>
#include <vector>

namespace moescope::cli {

std::string run_json(const Session &session, RunId run);
std::string devices_json(const std::vector<DeviceInfo> &devices);
std::string hosts_json(const std::vector<std::string> &hosts);
std::string remote_json(const RemoteHost &host, const RemoteFacts &facts);
std::string models_json(const std::vector<ModelShape> &models);
std::string operators_json();
// answers: one a set; or, where only passes were asked for, that one.
std::string metrics_json(const MetricSets &sets, const std::vector<MetricsAnswer> &answers,
                         const std::vector<const MetricInfo *> &metrics, bool only_passes);

std::string source_json(const SourceAnswer &answer, bool compiled, bool edited);

} // namespace moescope::cli
