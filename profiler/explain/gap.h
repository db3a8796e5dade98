// Why a measurement takes longer than its floor: the time above the floor, split into named parts.
// Pure arithmetic on what a session holds; the worded sentences carry the numbers they come from.
//
// The parts are found one after another and add up to the measured time:
//   floor         least bytes and FLOPs at the device's ceilings, or one launch
//   re-reads      the floor of the measured DRAM bytes, less the one before
//   padding       the floor with the FLOPs of the rows that tiles multiply and no slot needs, less
//                 the one before
//   idle SMs      multiprocessors without a block: by counter, else by waves of equally long blocks
//   launch gaps   idle time between the kernels of a repetition
//   launches      what starting and ending kernels takes: at most as long as an empty launch, or the
//                 shortest kernel of the session, each; less the one that a floor of a launch is
//   rest          what remains
// A part is cut where the parts before it have already used the time up.
#pragma once

#include "profiler/explain/counters.h"
#include "profiler/explain/evidence.h"
#include "profiler/explain/repetition.h"
#include "profiler/explain/routing_math.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace moescope {

struct GapFacts {
    double time_ns = 0; // median
    Cost cost;
    Ceilings ceilings;
    bool warm = false; // the L2 was not flushed

    std::optional<double> dram_bytes; // of a repetition, measured
    std::optional<double> sm_active;  // 0..1, measured
    std::optional<double> counted_ns; // how long the counted repetition took
    std::optional<double> occupancy;  // 0..1, achieved, measured
    double theoretical_occupancy = 0; // of the longest kernel, 0: unknown
    std::optional<Stall> stall;       // the commonest

    double launch_gap_ns = 0;      // idle time between the kernels of a repetition
    int kernels = 0;               // of a repetition
    double shortest_kernel_ns = 0; // of the session's kernels on this device; 0: unknown

    std::int64_t slots = 0, rows = 0; // rows that the tiles multiply; 0: no tiles
    RowTile tile;
    Waves waves;        // of the longest kernel's blocks
    double tail_ns = 0; // multiprocessors idle in last waves, over the repetition's kernels
};

struct GapPart {
    enum class Kind { Floor, ReReads, Padding, IdleSms, LaunchGaps, Launches, Rest };
    Kind kind = Kind::Floor;
    double ns = 0;
    Evidence evidence = Evidence::Estimated;
    std::string words;   // "reads 1.31 GB where 1.14 GB would do: 1.15×"
    std::string explain; // how the number came about
};
constexpr const char *title_of(GapPart::Kind kind) {
    constexpr const char *kTitles[] = {"Floor",       "Re-reads", "Padding", "Idle SMs",
                                       "Launch gaps", "Launches", "Rest"};
    return kTitles[int(kind)];
}

struct Gap {
    double time_ns = 0, floor_ns = 0;
    Bound by = Bound::None;         // what sets the floor
    bool counted = false;           // with measured bytes
    std::vector<GapPart> parts;     // floor first; they add up to time_ns; none without a floor
    std::vector<std::string> notes; // what has no time of its own
    // The longest part above the floor; null where there is none.
    const GapPart *main_part() const;
};

// The shortest kernel of a run's measurements; 0 without kernels. Looks at all of them: found once for a
// session.
double shortest_kernel_ns(const Session &session, RunId run, const KernelsByMeasurement &kernels);

// kernels: indices of the measurement's kernels (KernelsByMeasurement). counters: of the repetition
// as a whole, or null.
GapFacts gap_facts(const Session &session, MeasurementId measurement,
                   std::span<const std::uint32_t> kernels, const CounterRange *counters,
                   double shortest_kernel_ns);
Gap explain_gap(const GapFacts &facts);

// "1.36× its floor: mostly re-reads (58.1 µs)", or that it is at the limit.
std::string headline(const Gap &gap);

// Blocks of a kernel that fit one multiprocessor, by its theoretical occupancy; 0: unknown.
int blocks_per_multiprocessor(const KernelRecord &kernel, const DeviceInfo &device);
// Share of the multiprocessors' time that is idle because the last wave does not reach all of them,
// if every block takes equally long.
double idle_share(const Waves &waves, int multiprocessors);

} // namespace moescope
