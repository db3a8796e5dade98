#include "app/views/overview_rows.h"

#include "profiler/stats/ratio.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace moescope {

namespace {

int place_of_variant(const Measurement &m) {
    const auto &variants = info(m.op).variants;
    for (std::size_t i = 0; i < variants.size(); ++i)
        if (variants[i].name == m.variant)
            return int(i);
    return int(variants.size());
}

// What a column sorts by; not a number (no value yet) goes last in either direction.
double key_of(const Measurement &m, OverviewColumn column) {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    const bool timed = m.time.median > 0;
    switch (column) {
    case OverviewColumn::Variant:
        return double(m.op) * 1000 + place_of_variant(m);
    case OverviewColumn::Time:
        return timed ? m.time.median : kNone;
    case OverviewColumn::Spread:
        return timed && has_interval(m.time) ? m.time.relative_ci() : kNone;
    case OverviewColumn::Distribution:
        return timed ? (m.time.p90 - m.time.p10) / m.time.median : kNone;
    case OverviewColumn::Bandwidth:
        return timed ? m.achieved_bytes_per_second() : kNone;
    case OverviewColumn::Flops:
        return timed ? m.achieved_flops_per_second() : kNone;
    case OverviewColumn::Floor:
        return m.floor_ns > 0 ? m.floor_ns : kNone;
    case OverviewColumn::TimesFloor:
        return timed && m.floor_ns > 0 ? m.times_floor() : kNone;
    case OverviewColumn::Memory:
        return m.peak_bytes > 0 ? double(m.peak_bytes) : kNone;
    case OverviewColumn::Agreement:
        return m.relative_error >= 0 ? m.relative_error : kNone;
    case OverviewColumn::Timer:
        return double(m.timer) * 2 + double(m.cache);
    }
    return kNone;
}

bool before(double a, double b, bool descending) {
    if (std::isnan(a) || std::isnan(b))
        return !std::isnan(a) && std::isnan(b);
    return descending ? a > b : a < b;
}

bool leaves_out_lora(const Measurement &m, const Session &session) {
    const bool lora = session.runs[m.run.value].plan.workload.lora_rank > 0;
    return lora && (m.variant == "base" || (m.op == OperatorId::Router && m.variant == "plain"));
}

} // namespace

std::vector<MeasurementId> overview_rows(const Session &session, RunId run,
                                         const OverviewOrder &order) {
    struct Row {
        MeasurementId id;
        OperatorId op;
        double key;
    };
    std::vector<Row> rows;
    std::map<OperatorId, double> best; // of each group, by the sorted column
    for (std::size_t i = 0; i < session.measurements.size(); ++i) {
        const Measurement &m = session.measurements[i];
        if (m.run != run)
            continue;
        rows.push_back({MeasurementId{std::uint32_t(i)}, m.op, key_of(m, order.column)});
        const auto [at, fresh] = best.emplace(m.op, rows.back().key);
        if (!fresh && before(rows.back().key, at->second, order.descending))
            at->second = rows.back().key;
    }
    std::stable_sort(rows.begin(), rows.end(), [&](const Row &a, const Row &b) {
        if (order.grouped && a.op != b.op) {
            const double first = best[a.op], second = best[b.op];
            if (before(first, second, order.descending) || before(second, first, order.descending))
                return before(first, second, order.descending);
            return a.op < b.op;
        }
        return before(a.key, b.key, order.descending);
    });
    std::vector<MeasurementId> ids;
    for (const Row &row : rows)
        ids.push_back(row.id);
    return ids;
}

std::vector<MeasurementId> fastest_variants(const Session &session, RunId run) {
    std::map<OperatorId, MeasurementId> fastest;
    const auto median = [&](MeasurementId id) {
        return session.measurements[id.value].time.median;
    };
    const auto rank = [&](const Measurement &m) {
        return std::pair(leaves_out_lora(m, session), m.time.median);
    };
    for (std::size_t i = 0; i < session.measurements.size(); ++i) {
        const Measurement &m = session.measurements[i];
        if (m.run != run || m.state != Measurement::State::Done || m.time.median <= 0)
            continue;
        const MeasurementId id{std::uint32_t(i)};
        const auto [at, fresh] = fastest.emplace(m.op, id);
        if (!fresh && rank(m) < rank(session.measurements[at->second.value]))
            at->second = id;
    }
    std::vector<MeasurementId> ids;
    for (const auto &[op, id] : fastest)
        ids.push_back(id);
    std::stable_sort(ids.begin(), ids.end(), [&](auto a, auto b) { return median(a) > median(b); });
    return ids;
}

std::array<bool, kOverviewColumns> columns_that_fit(float width, float scale, bool grouped) {
    // From the most to the least telling, with the width each needs at 1x.
    const std::pair<OverviewColumn, float> widths[] = {
        {OverviewColumn::Variant, grouped ? 160.0f : 260.0f},     {OverviewColumn::Time, 82},
        {OverviewColumn::TimesFloor, 132},  {OverviewColumn::Spread, 82},
        {OverviewColumn::Floor, 82},        {OverviewColumn::Distribution, 96},
        {OverviewColumn::Bandwidth, 96},    {OverviewColumn::Flops, 108},
        {OverviewColumn::Variant, 150}, // its tile beside its name
        {OverviewColumn::Memory, 82},       {OverviewColumn::Agreement, 84},
        {OverviewColumn::Timer, 116}};
    std::array<bool, kOverviewColumns> fits{};
    float room = width / scale;
    for (const auto &[column, needed] : widths) {
        room -= needed;
        if (room < 0 && column != OverviewColumn::Variant && column != OverviewColumn::Time)
            break;
        fits[std::size_t(column)] = true;
    }
    return fits;
}

std::vector<int> histogram(const Measurement &m, int bins) {
    if (m.samples_ns.empty() || bins <= 0)
        return {};
    const auto [least, most] = std::minmax_element(m.samples_ns.begin(), m.samples_ns.end());
    const double from = double(*least);
    double to = double(*most);
    if (m.time.p90 > m.time.p10)
        to = std::min(to, m.time.p90 + 3 * (m.time.p90 - m.time.p10));
    std::vector<int> counts(std::size_t(bins), 0);
    for (const float sample : m.samples_ns) {
        const double share = to > from ? (double(sample) - from) / (to - from) : 0.5;
        ++counts[std::size_t(std::clamp(int(share * bins), 0, bins - 1))];
    }
    return counts;
}

} // namespace moescope
