// The words for the records' enumerations: as in a session file, in exports and on the command
// line.
#pragma once

#include "profiler/session/records.h"

#include <optional>
#include <string_view>

namespace moescope {

const char *name_of(RunRecord::State);   // running, done, cancelled, failed
const char *name_of(Measurement::State); // queued, running, done, failed, cancelled
const char *name_of(Measurement::Timer); // cupti, cuda_events, host_clock
const char *name_of(CacheState);         // cold, warm
const char *name_of(Candidate::Fate);    // queued, compiling, pruned, failed, timed, best
const char *name_of(CopyRecord::Kind);   // host_to_device, ..., set, other
const char *name_of(Skew::Kind);         // uniform, zipf, hot

// The value whose name_of() is text, among those up to `last`.
template <typename Enum> std::optional<Enum> find_named(std::string_view text, Enum last) {
    for (int value = 0; value <= int(last); ++value)
        if (text == name_of(Enum(value)))
            return Enum(value);
    return std::nullopt;
}

} // namespace moescope
