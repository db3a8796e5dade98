// Where the measurements of a run lie under the roofs: no drawing.
#pragma once

#include "app/charts/roofline.h"
#include "app/charts/series.h"
#include "profiler/explain/counters.h"

#include <optional>
#include <string>
#include <vector>

namespace moescope {

// Matrix work is placed by its intensity: FLOP a byte, FLOP/s. Operators without matrix products
// have none; they are placed by size: bytes, bytes/s.
enum class RooflineKind { Intensity, Size };

struct RooflinePoint {
    MeasurementId id;
    charts::Point modelled;                // with the least bytes
    std::optional<charts::Point> measured; // with the DRAM bytes that were counted
    const charts::Point &best() const { return measured ? *measured : modelled; }
};

// The run's timed measurements of this kind, in the order they were made.
std::vector<RooflinePoint> roofline_points(const Session &session, RunId run, RooflineKind kind,
                                           const CountersByMeasurement &counters);

// The device of the run among those there are now: of the same id and name. Null: it is another
// machine's.
const DeviceInfo *same_device(const DeviceInfo &device, const std::vector<DeviceInfo> &now);

// The ceilings a run had, or those its device has measured since.
Ceilings latest(Ceilings then, const Ceilings &now);

// Roofs of these ceilings; those that are not known are left out. shortest_kernel_ns: 0 for none.
// on_cpu: the rate of the CPU's cores, which have no matrix units.
std::vector<charts::Roof> roofs_of(const Ceilings &ceilings, RooflineKind kind,
                                   double shortest_kernel_ns, bool on_cpu = false);

// What a chart of these points and roofs shows: all points, and the roofs' corner where it is near.
struct RooflineFit {
    charts::Range x, y;
};
RooflineFit fit(const std::vector<RooflinePoint> &points, const std::vector<charts::Roof> &roofs);

// Places labels beside their points, over no other label and none of `points`, in the order given:
// the left upper corner of each label, or nothing where there is no room. All in pixels.
struct LabelWish {
    float x = 0, y = 0; // of the point
    float width = 0, height = 0;
};
struct LabelPlace {
    float x = 0, y = 0;
};
struct LabelFrame {
    float left = 0, top = 0, right = 0, bottom = 0;
};
std::vector<std::optional<LabelPlace>> place_labels(const std::vector<LabelWish> &wishes,
                                                    const std::vector<LabelPlace> &points,
                                                    float distance, const LabelFrame &frame);

} // namespace moescope
