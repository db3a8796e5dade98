// Which kernels belong to which measurement, and how the kernels of one repetition fill its time.
#pragma once

#include "profiler/session/session.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace moescope {

// Kernels of each measurement, in the session's order. update() looks only at what the last call
// had not seen; a session that does not continue the last one starts afresh. A copy shares the lists
// until one of the two sees more.
class KernelsByMeasurement {
  public:
    void update(const Session &session);
    // Indices into Session::kernels; empty for an unknown measurement.
    std::span<const std::uint32_t> of(MeasurementId measurement) const;

  private:
    std::size_t seen_ = 0;
    KernelRecord last_; // the last one seen, to recognise another session
    using Lists = std::vector<std::vector<std::uint32_t>>;
    std::shared_ptr<Lists> kernels_ = std::make_shared<Lists>();
};

// One kernel's part of a repetition, in nanoseconds after the repetition's first kernel started.
// Where kernels overlap, the part begins when the ones before it have ended, so that parts and gaps
// add up to the repetition's time.
struct KernelPart {
    std::uint32_t kernel = 0; // index into Session::kernels
    double from_ns = 0, to_ns = 0;
    double duration_ns = 0;   // its own, overlap included
    double overlap_ns = 0;    // of its beginning with kernels before it
    double gap_before_ns = 0; // idle time before it
};

struct Breakdown {
    std::int32_t repetition = -1;                  // -1: no kernel records
    std::vector<KernelPart> parts;                 // by start
    double span_ns = 0, kernel_ns = 0, gap_ns = 0; // kernel_ns: sum of durations
};

// The kernels of one repetition as parts. Kernels of other repetitions are left out.
Breakdown breakdown_of(const Session &session, std::span<const std::uint32_t> kernels,
                       std::int32_t repetition);

// Of the repetitions in `kernels`, the one whose span is the (lower) median; warm-ups are left out.
Breakdown median_breakdown(const Session &session, std::span<const std::uint32_t> kernels);

// Fills and copies among a measurement's launches: part of its time, and of no kernel's counters.
struct RepetitionCopies {
    double count = 0, duration_ns = 0; // of one repetition, on average
};
RepetitionCopies repetition_copies(const Session &session, MeasurementId id);

} // namespace moescope
