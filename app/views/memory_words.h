// What the memory view says beside its chart: no drawing.
#pragma once

#include "profiler/session/session.h"

#include <string>
#include <vector>

namespace moescope {

// One variant's memory beside the others' of its operator.
struct MemoryRow {
    MeasurementId id;
    std::int64_t inputs = 0, outputs = 0, workspace = 0;
    std::int64_t total() const { return inputs + outputs + workspace; }
};

// The finished variants of an operator in a run, in the order they are listed.
std::vector<MemoryRow> memory_rows(const Session &session, RunId run, OperatorId op);

// Selective against full dequantisation in this run: what selecting saves, and how many experts are
// active, which is why. "" where one of them was not measured.
std::string selective_verdict(const Session &session, RunId run);
// The layer with dense weights against the one that dequantises in the kernel, the same way.
std::string layer_verdict(const Session &session, RunId run);

// What to measure so that selective and full dequantisation can be compared, by what is missing.
std::vector<PlanItem> missing_for_selective(const Session &session, RunId run);

} // namespace moescope
