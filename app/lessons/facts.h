// The facts of a run that a lesson's expressions can name.
#pragma once

#include "app/lessons/expression.h"
#include "profiler/explain/evidence.h"
#include "profiler/workload/operators.h"

#include <span>

namespace moescope::lessons {

// What a fact is told.
enum class Takes {
    Nothing,     // tokens
    Operator,    // fastest(gate_up)
    Measurement, // time(gate_up.fused)
    Number,      // padded(128)
};

struct FactArguments {
    OperatorId op = OperatorId::Count_;
    std::string variant;
    double number = 0;
};

struct Fact {
    std::string_view name;
    Takes takes;
    std::string_view explain; // with its unit
    Evidence evidence;        // of ceilings: once they are measured
    Answer (*value)(const Session &, RunId, const FactArguments &);
};

std::span<const Fact> facts();
const Fact *find_fact(std::string_view name); // null: there is none

// The fastest finished measurement of an operator's variant ("": of any) in a run; null: none.
const Measurement *find_measurement(const Session &session, RunId run, OperatorId op, std::string_view variant);
// Its place in the session.
MeasurementId id_of(const Session &session, const Measurement &measurement);
// The routing of a run; null: not known.
const RoutingRecord *find_routing(const Session &session, RunId run);

} // namespace moescope::lessons
