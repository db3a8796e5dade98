#include "profiler/session/schema.h"

#include <fmt/format.h>

#include <algorithm>

namespace moescope {

const char *const kSessionSchema = R"sql(
-- Facts about the file itself: title, created_ns, app_version.
CREATE TABLE session (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- Interned text: kernel and API names, allocation labels, kinds of overhead.
CREATE TABLE names (id INTEGER PRIMARY KEY, text TEXT NOT NULL);

-- One plan carried out on one device.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    state TEXT NOT NULL,              -- running, done, cancelled, failed
    started_ns INTEGER NOT NULL,
    finished_ns INTEGER NOT NULL,     -- 0 while it runs
    dropped_records INTEGER NOT NULL, -- activity records CUPTI could not keep
    plan TEXT NOT NULL,               -- JSON: workload, items, repetition rule, cache state
    device TEXT NOT NULL              -- JSON: what the worker said of its device
);

-- One operator x variant x tile configuration, run repeatedly.
CREATE TABLE measurements (
    id INTEGER PRIMARY KEY,
    run INTEGER,                      -- runs.id
    operator TEXT NOT NULL,
    variant TEXT NOT NULL,
    block_m INTEGER NOT NULL, block_n INTEGER NOT NULL, block_k INTEGER NOT NULL, -- 0: default
    warps INTEGER NOT NULL, stages INTEGER NOT NULL, -- more than 8 warps: a wgmma tile
    state TEXT NOT NULL,              -- queued, running, done, failed, cancelled
    timer TEXT NOT NULL,              -- what timed it: cupti, cuda_events, host_clock
    cache TEXT NOT NULL,              -- cold (L2 flushed before every repetition), warm
    warmup INTEGER NOT NULL,          -- repetitions before the first sample
    sample_count INTEGER NOT NULL,    -- statistics of the samples by `timer`
    minimum_ns REAL, p10_ns REAL, median_ns REAL, p90_ns REAL, maximum_ns REAL, mean_ns REAL,
    ci_low_ns REAL, ci_high_ns REAL,  -- 95 % confidence interval of the median
    event_sample_count INTEGER NOT NULL, -- the same repetitions by CUDA events: the cross-check
    event_minimum_ns REAL, event_p10_ns REAL, event_median_ns REAL, event_p90_ns REAL,
    event_maximum_ns REAL, event_mean_ns REAL, event_ci_low_ns REAL, event_ci_high_ns REAL,
    kernel_ns REAL,                   -- median sum of kernel times of a repetition
    gap_ns REAL,                      -- median idle time between its kernels
    kernels_per_repetition INTEGER NOT NULL,
    least_bytes REAL,                 -- that must cross device memory
    flop REAL,                        -- floating-point operations that must be done
    floor_ns REAL,                    -- the larger of the two at the device's ceilings, or one launch
    input_bytes INTEGER NOT NULL, output_bytes INTEGER NOT NULL, workspace_bytes INTEGER NOT NULL,
    peak_bytes INTEGER NOT NULL,      -- device memory above the run's baseline
    relative_error REAL,              -- ||y - ref|| / ||ref||; -1: not checked
    reference TEXT NOT NULL,          -- what the result was compared with
    tuned TEXT NOT NULL,              -- 'tuned': the tile came from the tuner; 'tuned: VARIANT': the variant too
    throttle TEXT NOT NULL,           -- why the clocks were held back meanwhile
    failure_what TEXT NOT NULL, failure_why TEXT NOT NULL, failure_remedy TEXT NOT NULL
);

-- Every kept repetition's time, from the first kernel's start to the last one's end.
CREATE TABLE samples (
    measurement INTEGER NOT NULL,     -- measurements.id
    clock TEXT NOT NULL,              -- timer (the measurement's own), events (the cross-check)
    repetition INTEGER NOT NULL,
    duration_ns REAL,
    PRIMARY KEY (measurement, clock, repetition)
) WITHOUT ROWID;

-- Every tile configuration the tuner considered, with its fate.
CREATE TABLE candidates (
    id INTEGER PRIMARY KEY,
    run INTEGER,                      -- runs.id
    operator TEXT NOT NULL,
    variant TEXT NOT NULL,
    block_m INTEGER NOT NULL, block_n INTEGER NOT NULL, block_k INTEGER NOT NULL,
    warps INTEGER NOT NULL, stages INTEGER NOT NULL,
    fate TEXT NOT NULL,               -- queued, compiling, pruned, failed, timed, best
    reason TEXT NOT NULL,             -- why it was pruned or failed
    registers INTEGER NOT NULL,       -- a thread
    spill_bytes INTEGER NOT NULL,     -- a thread
    smem_bytes INTEGER NOT NULL,      -- a block
    threads INTEGER NOT NULL,         -- a block
    blocks_per_sm INTEGER NOT NULL,   -- by the occupancy calculator
    compile_ms REAL,
    from_cache INTEGER NOT NULL,      -- 1: the machine code was on disk already
    sample_count INTEGER NOT NULL,
    minimum_ns REAL, p10_ns REAL, median_ns REAL, p90_ns REAL, maximum_ns REAL, mean_ns REAL,
    ci_low_ns REAL, ci_high_ns REAL
);

-- The routing the grouped operators of a run used.
CREATE TABLE routings (
    id INTEGER PRIMARY KEY,
    run INTEGER,                      -- runs.id
    tokens INTEGER NOT NULL,
    top_k INTEGER NOT NULL,
    sample_experts TEXT NOT NULL      -- JSON array: the first tokens' experts, top_k for each
);
CREATE TABLE expert_load (
    routing INTEGER NOT NULL,         -- routings.id
    expert INTEGER NOT NULL,
    slots INTEGER NOT NULL,           -- routed tokens it got
    PRIMARY KEY (routing, expert)
) WITHOUT ROWID;

-- In the tables below, measurement is measurements.id or null, and repetition -1 a warm-up,
-- -2 a launch that was sampled in a pass of its own.
CREATE TABLE kernels (
    id INTEGER PRIMARY KEY,
    start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
    name INTEGER,                     -- names.id
    correlation INTEGER NOT NULL,     -- that of the API call which launched it
    device INTEGER NOT NULL, stream INTEGER NOT NULL,
    measurement INTEGER, repetition INTEGER NOT NULL,
    grid_x INTEGER NOT NULL, grid_y INTEGER NOT NULL, grid_z INTEGER NOT NULL,
    block_x INTEGER NOT NULL, block_y INTEGER NOT NULL, block_z INTEGER NOT NULL,
    registers INTEGER NOT NULL,       -- a thread
    static_smem_bytes INTEGER NOT NULL, dynamic_smem_bytes INTEGER NOT NULL, -- a block
    local_bytes_per_thread INTEGER NOT NULL,
    theoretical_occupancy REAL        -- 0..1, by the occupancy calculator
);
CREATE TABLE api_calls (              -- host calls into the CUDA runtime or driver
    id INTEGER PRIMARY KEY,
    start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
    name INTEGER,                     -- names.id
    correlation INTEGER NOT NULL,
    process INTEGER NOT NULL, thread INTEGER NOT NULL,
    measurement INTEGER, repetition INTEGER NOT NULL
);
CREATE TABLE copies (                 -- copies and fills of device memory
    id INTEGER PRIMARY KEY,
    start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    correlation INTEGER NOT NULL,
    device INTEGER NOT NULL, stream INTEGER NOT NULL,
    kind TEXT NOT NULL,               -- host_to_device, device_to_host, device_to_device,
                                      -- host_to_host, set, other
    measurement INTEGER, repetition INTEGER NOT NULL
);
CREATE TABLE memory (                 -- the ledger of device memory
    id INTEGER PRIMARY KEY,
    time_ns INTEGER NOT NULL,
    bytes INTEGER NOT NULL,           -- > 0: allocated, < 0: freed
    address INTEGER NOT NULL,         -- 64 bits, shown as a signed number
    label INTEGER,                    -- names.id
    measurement INTEGER, repetition INTEGER NOT NULL,
    run INTEGER                       -- runs.id. Since schema 2
);
CREATE TABLE overheads (              -- the profiler's own cost
    id INTEGER PRIMARY KEY,
    start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
    kind INTEGER                      -- names.id
);
CREATE TABLE failures (
    id INTEGER PRIMARY KEY,
    time_ns INTEGER NOT NULL,
    run INTEGER,                      -- runs.id or null
    place TEXT NOT NULL,
    what TEXT NOT NULL, why TEXT NOT NULL, remedy TEXT NOT NULL
);

-- Hardware counters, from passes of their own: never from the timed repetitions. Since schema 2.
CREATE TABLE counters (
    id INTEGER PRIMARY KEY,
    measurement INTEGER,              -- measurements.id
    kernel INTEGER NOT NULL,          -- place of the kernel in a repetition; -1: the whole of it
    range INTEGER,                    -- names.id of that kernel; null for the whole repetition
    metric INTEGER,                   -- names.id: dram__bytes_read.sum, as CUPTI names it
    value REAL                        -- in the metric's own unit
);
-- Counters sampled over time while a sequence of launches ran. Since schema 2.
CREATE TABLE pm_samples (
    id INTEGER PRIMARY KEY,
    run INTEGER,                      -- runs.id
    start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
    device INTEGER NOT NULL,
    metric INTEGER,                   -- names.id
    value REAL
);
-- What NVML said of the device while a run went on. Since schema 2.
CREATE TABLE device_states (
    id INTEGER PRIMARY KEY,
    run INTEGER,                      -- runs.id
    time_ns INTEGER NOT NULL,
    device INTEGER NOT NULL,
    sm_clock_mhz INTEGER NOT NULL, memory_clock_mhz INTEGER NOT NULL,
    temperature_c INTEGER NOT NULL,
    power_w REAL,
    clock_event_reasons INTEGER NOT NULL -- NVML's nvmlClocksEventReasons bits
);
-- Where warps were when they were looked at, instruction by instruction. Since schema 2.
CREATE TABLE pc_samples (
    id INTEGER PRIMARY KEY,
    measurement INTEGER,              -- measurements.id
    kernel INTEGER,                   -- names.id
    pc_offset INTEGER NOT NULL,       -- bytes into the kernel's machine code
    file INTEGER,                     -- names.id, or null
    line INTEGER NOT NULL,            -- 0: unknown
    stall INTEGER,                    -- names.id: why the warp waited, or 'selected'
    samples INTEGER NOT NULL
);

-- Runs with what identifies them taken out of their JSON.
CREATE VIEW run_list AS
SELECT id AS run, json_extract(plan, '$.workload.model.name') AS model,
       json_extract(plan, '$.workload.tokens') AS tokens,
       json_extract(plan, '$.workload.model.experts') AS experts,
       json_extract(plan, '$.workload.model.top_k') AS top_k,
       json_extract(plan, '$.workload.lora_rank') AS lora_rank,
       json_extract(device, '$.id') AS device, json_extract(device, '$.name') AS device_name, state,
       (finished_ns - started_ns) / 1e9 AS seconds, dropped_records
FROM runs;

-- One line a measurement, in the units people read.
CREATE VIEW results AS
SELECT m.id AS measurement, m.run, r.model, r.tokens, r.device, m.operator, m.variant,
       CASE WHEN m.block_m = 0 THEN 'default'
            ELSE printf('%s%dx%dx%d w%d s%d', CASE WHEN m.warps > 8 THEN 'wgmma ' ELSE '' END, m.block_m, m.block_n,
                        m.block_k, m.warps, m.stages)
       END AS tile,
       m.state, m.sample_count, m.median_ns / 1e3 AS median_us, m.p10_ns / 1e3 AS p10_us,
       m.p90_ns / 1e3 AS p90_us, m.floor_ns / 1e3 AS floor_us,
       m.median_ns / nullif(m.floor_ns, 0) AS times_floor,
       m.least_bytes / nullif(m.median_ns, 0) / 1e3 AS tb_per_s,
       m.flop / nullif(m.median_ns, 0) / 1e3 AS tflop_per_s,
       m.peak_bytes / 1e6 AS peak_mb, m.relative_error, m.failure_what AS failure
FROM measurements m LEFT JOIN run_list r ON r.run = m.run;

-- One line a kernel launch.
CREATE VIEW launches AS
SELECT k.id AS launch, m.run, k.measurement, m.operator, m.variant, k.repetition, n.text AS kernel,
       k.start_ns, k.end_ns - k.start_ns AS duration_ns, k.stream, k.correlation,
       k.grid_x * k.grid_y * k.grid_z AS blocks, k.block_x * k.block_y * k.block_z AS threads,
       k.registers, k.static_smem_bytes + k.dynamic_smem_bytes AS smem_bytes,
       k.theoretical_occupancy
FROM kernels k LEFT JOIN names n ON n.id = k.name LEFT JOIN measurements m ON m.id = k.measurement;

-- One line a tile configuration.
CREATE VIEW tuning AS
SELECT id AS candidate, run, operator, variant,
       printf('%s%dx%dx%d w%d s%d', CASE WHEN warps > 8 THEN 'wgmma ' ELSE '' END, block_m, block_n, block_k, warps,
              stages) AS tile, fate, reason,
       registers, spill_bytes, smem_bytes, threads, blocks_per_sm, compile_ms,
       CASE WHEN fate IN ('timed', 'best') THEN median_ns / 1e3 END AS median_us
FROM candidates;

-- One line a counter, as it was read. The whole repetition's range holds its own start and end too, about
-- 100 us in which no kernel runs: its duration and what is a share of time are not the kernels'. MoEScope
-- shows those of the kernels together in their place (duration: added up, shares: weighted by duration).
CREATE VIEW counter_values AS
SELECT m.run, c.measurement, m.operator, m.variant, c.kernel AS kernel_place,
       coalesce(r.text, 'whole repetition, with its own start and end') AS range, n.text AS metric, c.value
FROM counters c LEFT JOIN measurements m ON m.id = c.measurement
     LEFT JOIN names n ON n.id = c.metric LEFT JOIN names r ON r.id = c.range;
)sql";

#define MOESCOPE_SUMMARY(prefix)                                                                   \
    prefix "sample_count, " prefix "minimum_ns, " prefix "p10_ns, " prefix "median_ns, " prefix    \
           "p90_ns, " prefix "maximum_ns, " prefix "mean_ns, " prefix "ci_low_ns, " prefix         \
           "ci_high_ns, "
#define MOESCOPE_TILE "block_m, block_n, block_k, warps, stages, "

namespace tables {

const TableSchema kSession{"session", "key, value"};
const TableSchema kNames{"names", "id, text"};
const TableSchema kRuns{"runs",
                        "id, state, started_ns, finished_ns, dropped_records, plan, device"};
const TableSchema kMeasurements{
    "measurements",
    "id, run, operator, variant, " MOESCOPE_TILE
    "state, timer, cache, warmup, " MOESCOPE_SUMMARY("")
        MOESCOPE_SUMMARY("event_") "kernel_ns, gap_ns, kernels_per_repetition, least_bytes, "
                                   "flop, floor_ns, input_bytes, output_bytes, "
                                   "workspace_bytes, peak_bytes, relative_error, reference, "
                                   "tuned, throttle, failure_what, failure_why, failure_remedy"};
const TableSchema kSamples{"samples", "measurement, clock, repetition, duration_ns"};
const TableSchema kCandidates{"candidates",
                              "id, run, operator, variant, " MOESCOPE_TILE
                              "fate, reason, registers, spill_bytes, smem_bytes, threads, "
                              "blocks_per_sm, " MOESCOPE_SUMMARY("") "compile_ms, from_cache"};
const TableSchema kRoutings{"routings", "id, run, tokens, top_k, sample_experts"};
const TableSchema kExpertLoad{"expert_load", "routing, expert, slots"};
const TableSchema kKernels{
    "kernels", "id, start_ns, end_ns, name, correlation, device, stream, measurement, repetition, "
               "grid_x, grid_y, grid_z, block_x, block_y, block_z, registers, static_smem_bytes, "
               "dynamic_smem_bytes, local_bytes_per_thread, theoretical_occupancy"};
const TableSchema kApiCalls{"api_calls",
                            "id, start_ns, end_ns, name, correlation, process, thread, "
                            "measurement, repetition"};
const TableSchema kCopies{"copies",
                          "id, start_ns, end_ns, bytes, correlation, device, stream, kind, "
                          "measurement, repetition"};
#define MOESCOPE_MEMORY "id, time_ns, bytes, address, label, measurement, repetition"
const TableSchema kMemory{"memory", MOESCOPE_MEMORY ", run"};
const TableSchema kMemoryWithoutRun{"memory", MOESCOPE_MEMORY};
#undef MOESCOPE_MEMORY
const TableSchema kOverheads{"overheads", "id, start_ns, end_ns, kind"};
const TableSchema kFailures{"failures", "id, time_ns, run, place, what, why, remedy"};

const TableSchema kCounters{"counters", "id, measurement, kernel, range, metric, value", 2};
const TableSchema kPmSamples{"pm_samples", "id, run, start_ns, end_ns, device, metric, value", 2};
const TableSchema kDeviceStates{"device_states",
                                "id, run, time_ns, device, sm_clock_mhz, memory_clock_mhz, "
                                "temperature_c, power_w, clock_event_reasons",
                                2};
const TableSchema kPcSamples{
    "pc_samples", "id, measurement, kernel, pc_offset, file, line, stall, samples", 2};

const TableSchema *const kAll[18] = {
    &kSession,    &kNames,   &kRuns,     &kMeasurements, &kSamples,      &kCandidates, &kRoutings,
    &kExpertLoad, &kKernels, &kApiCalls, &kCopies,       &kMemory,       &kOverheads,  &kFailures,
    &kCounters,   &kPmSamples, &kDeviceStates, &kPcSamples};

} // namespace tables

#undef MOESCOPE_SUMMARY
#undef MOESCOPE_TILE

std::string TableSchema::insert() const {
    std::string marks = "?";
    for (auto left = std::count(columns.begin(), columns.end(), ','); left > 0; --left)
        marks += ", ?";
    return fmt::format("INSERT OR REPLACE INTO {} ({}) VALUES ({})", name, columns, marks);
}

std::string TableSchema::select(std::string_view order) const {
    return fmt::format("SELECT {} FROM {} {}", columns, name, order);
}

} // namespace moescope
