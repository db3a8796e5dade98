// The records of a session, as the views, the exporters and the session file see them. Times are
// nanoseconds since the Unix epoch on the worker's clock; durations nanoseconds; sizes bytes.
#pragma once

#include "profiler/base/ids.h"
#include "profiler/base/result.h"
#include "profiler/plan/plan.h"
#include "profiler/stats/summary.h"
#include "profiler/workload/cost.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace moescope {

// Of launches that were sampled, in passes of their own.
inline constexpr std::int32_t kSampledRepetition = -2;

// What a launch belongs to. Repetition -1: warm-up or preparation.
struct Tag {
    MeasurementId measurement;
    std::int32_t repetition = -1;
    friend bool operator==(const Tag &, const Tag &) = default;
};

struct KernelRecord {
    std::int64_t start_ns = 0, end_ns = 0;
    NameId name;
    std::uint32_t correlation = 0;
    std::uint32_t device = 0, stream = 0;
    Tag tag;
    std::array<std::int32_t, 3> grid{}, block{};
    std::int32_t registers = 0; // a thread
    std::int32_t static_smem_bytes = 0, dynamic_smem_bytes = 0, local_bytes_per_thread = 0;
    float theoretical_occupancy = 0; // 0..1, from the occupancy calculator: not measured
    friend bool operator==(const KernelRecord &, const KernelRecord &) = default;
};

struct ApiRecord { // a host call into the CUDA runtime or driver
    std::int64_t start_ns = 0, end_ns = 0;
    NameId name;
    std::uint32_t correlation = 0;
    std::uint32_t process = 0, thread = 0;
    Tag tag;
    friend bool operator==(const ApiRecord &, const ApiRecord &) = default;
};

struct CopyRecord { // memcpy or memset on the device
    enum class Kind : std::uint8_t { HostToDevice, DeviceToHost, DeviceToDevice, HostToHost, Set, Other };
    std::int64_t start_ns = 0, end_ns = 0;
    std::int64_t bytes = 0;
    std::uint32_t correlation = 0;
    std::uint32_t device = 0, stream = 0;
    Kind kind = Kind::Other;
    Tag tag;
    friend bool operator==(const CopyRecord &, const CopyRecord &) = default;
};

struct MemoryRecord { // one allocation (bytes > 0) or free (bytes < 0) of device memory
    std::int64_t time_ns = 0;
    std::int64_t bytes = 0;
    std::uint64_t address = 0;
    NameId label; // what the worker allocated it for: "gate_up weights"; invalid if unknown
    Tag tag;
    RunId run; // invalid where an older session file does not say it
    friend bool operator==(const MemoryRecord &, const MemoryRecord &) = default;
};

struct OverheadRecord { // the profiler's own cost
    std::int64_t start_ns = 0, end_ns = 0;
    NameId kind;
    friend bool operator==(const OverheadRecord &, const OverheadRecord &) = default;
};

// One counter of one range. Counters come from passes of their own, never from timed repetitions.
struct CounterRecord {
    MeasurementId measurement;
    std::int32_t kernel = -1; // place of the kernel in a repetition; -1: the repetition as one range
    NameId range;             // that kernel's name; invalid for the whole repetition
    NameId metric;            // "dram__bytes_read.sum", as CUPTI names it
    double value = 0;         // in the metric's own unit: bytes, %, cycles, ns
    friend bool operator==(const CounterRecord &, const CounterRecord &) = default;
};

// One counter over one interval, sampled while a sequence of launches ran (PM sampling).
struct PmSampleRecord {
    RunId run;
    std::int64_t start_ns = 0, end_ns = 0;
    std::uint32_t device = 0;
    NameId metric;
    double value = 0;
    friend bool operator==(const PmSampleRecord &, const PmSampleRecord &) = default;
};

// What NVML said of the device at a moment of a run.
struct DeviceStateRecord {
    RunId run;
    std::int64_t time_ns = 0;
    std::uint32_t device = 0;
    std::int32_t sm_clock_mhz = 0, memory_clock_mhz = 0, temperature_c = 0;
    double power_w = 0;
    std::uint64_t clock_event_reasons = 0; // nvmlClocksEventReasons bits
    friend bool operator==(const DeviceStateRecord &, const DeviceStateRecord &) = default;
};

// How often a warp was seen at an instruction, by why it waited there (PC sampling).
struct PcSampleRecord {
    MeasurementId measurement;
    NameId kernel;
    std::uint64_t pc_offset = 0; // of the instruction in the kernel's machine code, bytes
    NameId file;                 // invalid where the machine code has no line for it
    std::int32_t line = 0;       // from 1
    NameId stall;                // "long_scoreboard", "selected"
    std::uint64_t samples = 0;
    friend bool operator==(const PcSampleRecord &, const PcSampleRecord &) = default;
};

// One operator x variant x tile configuration, run repeatedly on one device.
struct Measurement {
    enum class State : std::uint8_t { Queued, Running, Done, Failed, Cancelled };
    enum class Timer : std::uint8_t { Cupti, CudaEvents, HostClock };

    RunId run;
    OperatorId op = OperatorId::SoftmaxTopk;
    std::string variant;
    TileConfig config; // as run: never the default placeholder once done, for tunable operators
    State state = State::Queued;
    Timer timer = Timer::HostClock;
    CacheState cache = CacheState::Cold;
    std::int32_t warmup = 0;
    std::vector<float> samples_ns;       // by timer: first kernel's start to last kernel's end
    std::vector<float> event_samples_ns; // CUDA events round the same repetitions (cross-check)
    Summary time, event_time;
    double kernel_ns = 0;   // median over repetitions of the sum of kernel times
    double gap_ns = 0;      // median of the idle time between the kernels of a repetition
    std::int32_t kernels_per_repetition = 0;
    Cost cost;              // least bytes and FLOPs for this routing
    double floor_ns = 0;
    std::int64_t input_bytes = 0, output_bytes = 0, workspace_bytes = 0;
    std::int64_t peak_bytes = 0;      // device memory above the run's baseline while it ran
    double relative_error = -1;       // ||y - ref|| / ||ref|| against `reference`; -1: not checked
    std::string reference;            // "fused", "cpu reference": what the result was compared with
    std::string tuned;                // "", "tuned": config came from the tuner's cache, or "tuned: VARIANT": the variant too
    std::string throttle;             // "" or why the clocks were held back meanwhile
    Error failure;                    // when Failed

    double achieved_bytes_per_second() const { return time.median > 0 ? cost.bytes / time.median * 1e9 : 0; }
    double achieved_flops_per_second() const { return time.median > 0 ? cost.flops / time.median * 1e9 : 0; }
    double times_floor() const { return floor_ns > 0 ? time.median / floor_ns : 0; }
    friend bool operator==(const Measurement &, const Measurement &) = default;
};

// One tile configuration the tuner considered.
struct Candidate {
    enum class Fate : std::uint8_t { Queued, Compiling, Pruned, Failed, Timed, Best };
    RunId run;
    OperatorId op = OperatorId::GateUp;
    std::string variant;
    TileConfig config;
    Fate fate = Fate::Queued;
    std::string reason; // why pruned or failed; "" otherwise
    std::int32_t registers = 0, spill_bytes = 0, smem_bytes = 0, threads = 0;
    std::int32_t blocks_per_sm = 0;
    double compile_ms = 0;
    bool from_cache = false;
    Summary time; // when Timed or Best
    friend bool operator==(const Candidate &, const Candidate &) = default;
};

// The routing the run's grouped operators used.
struct RoutingRecord {
    RunId run;
    std::int64_t tokens = 0;
    std::int32_t top_k = 0;
    std::vector<std::int32_t> counts;      // [E] slots of each expert
    std::vector<std::int32_t> sample_ids;  // [sample_tokens * top_k] the first tokens' experts, for the flow picture
    friend bool operator==(const RoutingRecord &, const RoutingRecord &) = default;
};

struct DeviceInfo {
    std::string id;      // "cuda:0", "cpu"
    std::string name;    // "NVIDIA H200", "AMD EPYC 9654 (reference implementations)"
    std::string arch;    // "sm_90a"; "" for cpu
    std::string driver, runtime; // "580.82", "13.0"; "" for cpu
    std::string host;    // host name
    std::int32_t multiprocessors = 0, max_threads_per_sm = 0, warp_size = 32, max_threads_per_block = 0;
    std::int32_t registers_per_sm = 0, registers_per_block = 0;
    std::int64_t smem_per_sm_bytes = 0, smem_per_block_bytes = 0, smem_per_block_optin_bytes = 0;
    std::int64_t memory_bytes = 0, free_memory_bytes = 0, l2_bytes = 0;
    std::int32_t compute_major = 0, compute_minor = 0;
    std::int32_t sm_clock_mhz = 0, memory_clock_mhz = 0; // at the device's maximum
    Ceilings ceilings;
    double link_bytes_per_second = 0; // to other devices (NVLink), each direction; 0: unknown
    // Of a rank: its host's clock against rank 0's, already taken off all its times; within so much.
    std::int64_t clock_offset_ns = 0, clock_uncertainty_ns = 0;
    std::uint32_t worker_process = 0; // of its calls' records; 0: not known, or there are none
    // One entry a collector ("cupti activity", "cuda events", "nvml"): state, reason, and what would
    // change it.
    struct Capability {
        std::string collector, state /* ok | refused | absent */, reason;
        std::string remedy = {};
        friend bool operator==(const Capability &, const Capability &) = default;
    };
    std::vector<Capability> capabilities;

    bool is_cpu() const { return id == "cpu"; }
    friend bool operator==(const DeviceInfo &, const DeviceInfo &) = default;
};

struct RunRecord {
    enum class State : std::uint8_t { Running, Done, Cancelled, Failed };
    Plan plan;
    DeviceInfo device;
    std::int64_t started_ns = 0, finished_ns = 0;
    State state = State::Running;
    std::int64_t dropped_records = 0; // by CUPTI
    friend bool operator==(const RunRecord &, const RunRecord &) = default;
};

// Where a failure says that a connection was lost and what ran waits for it: not a measurement's.
inline constexpr const char *kConnectionLost = "connection";

struct Failure {
    std::int64_t time_ns = 0;
    RunId run;
    std::string where; // "worker", "gate_up/split", "session file"
    Error error;
    friend bool operator==(const Failure &, const Failure &) = default;
};

} // namespace moescope
