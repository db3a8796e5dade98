#include "app/views/roofline_points.h"

#include "profiler/base/units.h"
#include "profiler/workload/cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

charts::Point place(RooflineKind kind, const Measurement &m, double bytes) {
    const double seconds = m.time.median / 1e9;
    if (kind == RooflineKind::Size)
        return {bytes, bytes / seconds};
    return {m.cost.flops / bytes, m.cost.flops / seconds};
}

constexpr double kNearCorner = 30; // a roof's corner this many times off the points is shown

struct Box {
    float left, top, right, bottom;
    bool meets(const Box &other) const {
        return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
    }
};

} // namespace

std::vector<RooflinePoint> roofline_points(const Session &session, RunId run, RooflineKind kind,
                                           const CountersByMeasurement &counters) {
    std::vector<RooflinePoint> points;
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i) {
        const Measurement &m = session.measurements[i];
        const bool matrix = m.cost.flops > 0;
        if (m.run != run || m.time.median <= 0 || m.cost.bytes <= 0 ||
            matrix != (kind == RooflineKind::Intensity))
            continue;
        RooflinePoint point{.id = {i}, .modelled = place(kind, m, m.cost.bytes), .measured = {}};
        const CounterRange *whole = counters.whole(point.id);
        const auto bytes = whole ? whole->dram_bytes(session) : std::nullopt;
        if (bytes && *bytes > 0)
            point.measured = place(kind, m, *bytes);
        points.push_back(point);
    }
    return points;
}

const DeviceInfo *same_device(const DeviceInfo &device, const std::vector<DeviceInfo> &now) {
    for (const DeviceInfo &each : now)
        if (each.id == device.id && each.name == device.name)
            return &each;
    return nullptr;
}

Ceilings latest(Ceilings then, const Ceilings &now) {
    const auto newer = [](bool measured, std::int64_t when, bool before, std::int64_t before_when) {
        return measured && (!before || when > before_when);
    };
    if (newer(now.bytes_measured, now.bytes_measured_ns, then.bytes_measured,
              then.bytes_measured_ns)) {
        then.bytes_per_second = now.bytes_per_second;
        then.bytes_measured = true;
        then.bytes_measured_ns = now.bytes_measured_ns;
    }
    if (newer(now.flops_measured, now.flops_measured_ns, then.flops_measured,
              then.flops_measured_ns)) {
        then.flops_per_second = now.flops_per_second;
        then.flops_measured = true;
        then.flops_measured_ns = now.flops_measured_ns;
    }
    if (newer(now.l2_bytes_per_second > 0, now.l2_measured_ns, then.l2_bytes_per_second > 0,
              then.l2_measured_ns)) {
        then.l2_bytes_per_second = now.l2_bytes_per_second;
        then.l2_measured_ns = now.l2_measured_ns;
    }
    if (newer(now.launch_measured_ns > 0, now.launch_measured_ns, then.launch_measured_ns > 0,
              then.launch_measured_ns)) {
        then.launch_ns = now.launch_ns;
        then.launch_measured_ns = now.launch_measured_ns;
    }
    return then;
}

std::vector<charts::Roof> roofs_of(const Ceilings &c, RooflineKind kind,
                                   double shortest_kernel_ns, bool on_cpu) {
    const bool by_size = kind == RooflineKind::Size;
    std::vector<charts::Roof> roofs;
    if (c.bytes_per_second > 0)
        roofs.push_back(
            {c.bytes_per_second, by_size ? 0 : 1,
             fmt::format("{} memory, {}", format_bandwidth(c.bytes_per_second),
                         ceiling_origin(c.bytes_measured)),
             c.bytes_measured
                 ? "How fast a kernel that only reads gets data from this device's memory."
                 : "From the memory's clock and width: no measurement reached it.",
             true, c.bytes_measured ? Evidence::Measured : Evidence::Modelled});
    if (c.l2_bytes_per_second > 0)
        roofs.push_back({.rate = c.l2_bytes_per_second,
                         .slope = by_size ? 0 : 1,
                         .label = fmt::format("{} L2, measured", format_bandwidth(c.l2_bytes_per_second)),
                         .explain = "How fast data comes that lies in the L2 already. What must come "
                                    "through memory cannot reach it; between the two lines lies only "
                                    "what the L2 gives again.",
                         .limits = false});
    if (c.flops_per_second > 0 && !by_size)
        roofs.push_back({c.flops_per_second, 0,
                         fmt::format("{} {}, {}", format_flops(c.flops_per_second),
                                     on_cpu ? "CPU" : "matrix units", ceiling_origin(c.flops_measured)),
                         c.flops_measured
                             ? "What a large matrix product reaches on this device."
                         : on_cpu ? "From the cores' clock and what each does in a clock."
                             : "From the multiprocessors' clock and the width of their matrix "
                               "units: libraries reach about three quarters of it.",
                         true, c.flops_measured ? Evidence::Measured : Evidence::Modelled});
    if (c.launch_measured_ns > 0 && by_size)
        roofs.push_back({1e9 / c.launch_ns, 1, fmt::format("{}, one launch, measured", format_duration_ns(c.launch_ns)),
                         launch_origin(c) + " Below this size it decides, not the memory."});
    else if (shortest_kernel_ns > 0 && by_size)
        roofs.push_back(
            {1e9 / shortest_kernel_ns, 1,
             fmt::format("{}, the shortest kernel", format_duration_ns(shortest_kernel_ns)),
             "No kernel of this run was shorter, however little it did: below this "
             "size the launch decides, not the memory."});
    return roofs;
}

RooflineFit fit(const std::vector<RooflinePoint> &points, const std::vector<charts::Roof> &roofs) {
    charts::Extent x, y;
    for (const RooflinePoint &point : points)
        for (const charts::Point &p : {point.modelled, point.best()}) {
            x.add(p.x);
            y.add(p.y);
        }
    charts::Range xs = charts::padded(x.range(), 0.15, true);
    const charts::Range near{xs.low / kNearCorner, xs.high * kNearCorner};
    for (const double corner : charts::corners(roofs, near))
        if (corner > near.low && corner < near.high)
            xs = {std::min(xs.low, corner / 3), std::max(xs.high, corner * 3)};
    for (const charts::Roof &roof : roofs)
        if (!roof.limits && roof.slope == 0)
            y.add(roof.rate);
    for (const double at : {xs.low, xs.high})
        if (const double allowed = charts::allowed(roofs, at); allowed > y.range().low)
            y.add(allowed);
    return {xs, charts::padded(y.range(), 0.12, true)};
}

std::vector<std::optional<LabelPlace>> place_labels(const std::vector<LabelWish> &wishes,
                                                    const std::vector<LabelPlace> &points,
                                                    float distance, const LabelFrame &frame) {
    std::vector<Box> taken;
    for (const LabelPlace &point : points)
        taken.push_back({point.x - distance / 2, point.y - distance / 2, point.x + distance / 2,
                         point.y + distance / 2});
    std::vector<std::optional<LabelPlace>> places;
    for (const LabelWish &wish : wishes) {
        const float before = wish.x - distance - wish.width, after = wish.x + distance;
        const float middle = wish.y - wish.height / 2;
        const float centred =
            std::max(frame.left, std::min(wish.x - wish.width / 2, frame.right - wish.width));
        const LabelPlace tries[] = {{after, middle},
                                    {before, middle},
                                    {centred, wish.y + distance},
                                    {centred, wish.y - distance - wish.height}};
        std::optional<LabelPlace> found;
        for (const LabelPlace &at : tries) {
            const Box box{at.x, at.y, at.x + wish.width, at.y + wish.height};
            const bool inside = box.left >= frame.left && box.right <= frame.right &&
                                box.top >= frame.top && box.bottom <= frame.bottom;
            if (found || !inside ||
                std::any_of(taken.begin(), taken.end(), [&](const Box &b) { return b.meets(box); }))
                continue;
            found = at;
            taken.push_back(box);
        }
        places.push_back(found);
    }
    return places;
}

} // namespace moescope
