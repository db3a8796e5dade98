// Exports: pure functions of a session. Files are written as PATH.tmp and renamed when complete.
#pragma once

#include "profiler/base/result.h"
#include "profiler/session/session.h"

#include <filesystem>
#include <iosfwd>

namespace moescope {

// Chrome trace event JSON (Perfetto, chrome://tracing, Holistic Trace Analysis); gzip if the name
// ends in .gz. Holistic Trace Analysis shortens every slice to whole microseconds unless
// HTA_DISABLE_NS_ROUNDING=1 is in its environment: then its totals are the session's.
Status export_chrome_trace(const Session &session, const std::filesystem::path &path);
void write_chrome_trace(const Session &session, std::ostream &out);

// measurements.csv, samples.csv, kernels.csv, candidates.csv, memory.csv, counters.csv,
// pm_samples.csv, device_states.csv and pc_samples.csv in a folder.
Status export_csv(const Session &session, const std::filesystem::path &folder);

// Autotune telemetry: what the tuner considered and chose, for other programs. One JSON document:
//   {schema: "moescope.autotune", schema_version: 1, app_version,
//    devices: [as json_codec.h], kernels: [one a run x operator x variant that was tuned]}
// A kernel: {name: "gate_up/fused", run, device: its id,
//   key: {operator, variant, model, tokens, E experts, top_k, K x N an expert's weight, R LoRA
//   rank,
//         dtype, arch},
//   chosen: {tile, median_ns} or null, candidates: [{tile, fate: queued|compiling|pruned|failed|
//   timed|best, reason (of pruned and failed), resources: {registers, spill_bytes, smem_bytes,
//   threads, blocks_per_sm}, compile_ms, from_cache, median_ns or null, samples}]}
Status export_telemetry(const Session &session, const std::filesystem::path &path);
void write_telemetry(const Session &session, std::ostream &out);

} // namespace moescope
