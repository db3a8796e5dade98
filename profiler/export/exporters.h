// Exports: pure functions of a session. Files are written as PATH.tmp and renamed when complete.
#pragma once

#include "profiler/base/result.h"
#include "profiler/session/session.h"

#include <filesystem>
#include <iosfwd>

namespace moescope {

// Chrome trace event JSON (Perfetto, chrome://tracing, Holistic Trace Analysis); gzip if the name
// ends in .gz.
Status export_chrome_trace(const Session &session, const std::filesystem::path &path);
void write_chrome_trace(const Session &session, std::ostream &out);

// measurements.csv, samples.csv, kernels.csv, candidates.csv, memory.csv in a folder.
Status export_csv(const Session &session, const std::filesystem::path &folder);

// Autotune telemetry: kernel, key, every configuration with its fate, the chosen one, the device.
Status export_telemetry(const Session &session, const std::filesystem::path &path);
void write_telemetry(const Session &session, std::ostream &out);

} // namespace moescope
