// Where everything of a session goes in a Chrome trace: which process, which thread. Computed whole
// before anything is written, so that the tracks can be named first.
//
// Processes: one a device or rank (pid: its number) and one a worker (pid: its process id). Threads: one a
// stream (tid: its number; 0, which analysis tools take for "no stream", becomes the lowest free
// one), one a host thread, and further ones for slices that overlap those.
#pragma once

#include "profiler/export/trace_counters.h"
#include "profiler/session/session.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace moescope {

struct TraceTrack {
    std::uint32_t pid = 0, tid = 0;
};

struct TraceSlice {
    enum class Kind : std::uint8_t { Kernel, Copy, Call, Overhead, Measurement, Repetition, Counters };
    Kind kind = Kind::Kernel;
    std::size_t index = 0;        // into the session's column of that kind; of a measurement;
                                  // of Counters: into counter_ranges
    std::int32_t repetition = -1; // of a Repetition
    std::int64_t start_ns = 0, end_ns = 0;
    TraceTrack track;
};

struct TraceTrackName {
    TraceTrack track;
    std::string name;
    int sort_index = 0;
};

struct TraceLayout {
    std::int64_t base_ns = 0;                     // the earliest time of all
    std::vector<TraceSlice> slices;               // slices of one track are together, by start
    std::map<std::uint32_t, std::string> devices; // pid -> name
    std::map<std::uint32_t, std::string> hosts;   // pid -> name
    std::vector<TraceTrackName> tracks;
    std::vector<TraceTrack> kernel_tracks, copy_tracks, call_tracks; // by record index
    std::vector<TraceCounterRange> counter_ranges;
};

TraceLayout lay_out_trace(const Session &session);

// The pid of a run's device: of one of several ranks its number, else N of "cuda:N"; the CPU's own.
std::uint32_t trace_pid(const RunRecord &run);

} // namespace moescope
