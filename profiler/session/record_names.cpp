#include "profiler/session/record_names.h"

#include <array>

namespace moescope {

namespace {

// A value out of range (of a record a confused worker sent) has a name too.
template <typename Enum, std::size_t kCount>
const char *pick(const std::array<const char *, kCount> &names, Enum value) {
    return std::size_t(value) < kCount ? names[std::size_t(value)] : "unknown";
}

} // namespace

const char *name_of(RunRecord::State state) {
    return pick(std::array{"running", "done", "cancelled", "failed"}, state);
}
const char *name_of(Measurement::State state) {
    return pick(std::array{"queued", "running", "done", "failed", "cancelled"}, state);
}
const char *name_of(Measurement::Timer timer) {
    return pick(std::array{"cupti", "cuda_events", "host_clock"}, timer);
}
const char *name_of(CacheState state) { return pick(std::array{"cold", "warm"}, state); }
const char *name_of(Candidate::Fate fate) {
    return pick(std::array{"queued", "compiling", "pruned", "failed", "timed", "best"}, fate);
}
const char *name_of(CopyRecord::Kind kind) {
    return pick(std::array{"host_to_device", "device_to_host", "device_to_device", "host_to_host",
                           "set", "other"},
                kind);
}
const char *name_of(Skew::Kind kind) { return pick(std::array{"uniform", "zipf", "hot"}, kind); }

} // namespace moescope
