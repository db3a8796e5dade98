// An edited kernel beside the original of the same run: the same inputs, one after the other.
#pragma once

#include "profiler/compare/verdict.h"
#include "profiler/session/session.h"

#include <optional>
#include <string>

namespace moescope {

struct Retiming {
    MeasurementId original, edited;
    enum class Result { NotChecked, Equal, Agrees, Wrong } result = Result::NotChecked;
    TimeVerdict time; // A: the original, B: the edited
    bool done = false; // both were timed
    std::string sentence; // what came of it
};
const char *name_of(Retiming::Result result); // not checked, equal, agrees, wrong

// Of a run that has one; the last of several.
std::optional<Retiming> retiming_of(const Session &session, RunId run);

} // namespace moescope
