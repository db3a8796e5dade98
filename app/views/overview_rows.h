// What the overview's table shows, in which order: no drawing.
#pragma once

#include "profiler/session/session.h"

#include <array>
#include <cstddef>
#include <vector>

namespace moescope {

enum class OverviewColumn {
    Variant,
    Time,
    Spread,
    Distribution,
    Bandwidth,
    Flops,
    Floor,
    TimesFloor,
    Memory,
    Agreement,
    Timer
};
inline constexpr int kOverviewColumns = 11;

struct OverviewOrder {
    OverviewColumn column = OverviewColumn::Variant;
    bool descending = false;
    bool grouped =
        true; // by operator; the order then holds within each, and groups go by their best
};

// The run's measurements in order. By variant: as the operators and their variants are listed.
std::vector<MeasurementId> overview_rows(const Session &session, RunId run,
                                         const OverviewOrder &order);

// The fastest finished variant of each operator of the run, slowest operator first. Variants that
// leave out the LoRA part do less work than the others: they stand only where nothing else does.
std::vector<MeasurementId> fastest_variants(const Session &session, RunId run);

// Which columns there is room for: a narrow table drops the least telling ones. grouped: the rows' names need not
// say the operator.
std::array<bool, kOverviewColumns> columns_that_fit(float width, float scale, bool grouped = true);

// Samples counted in equal bins from the least to the most; samples beyond three times the p10-p90
// width past p90 land in the last bin. Empty without samples.
std::vector<int> histogram(const Measurement &measurement, int bins);

} // namespace moescope
