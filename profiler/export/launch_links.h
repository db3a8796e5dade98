// Which API call launched which kernel or copy. Correlation ids start anew with every worker
// process, so one session may hold the same id in two runs: they are told apart by the run, and
// each gets an id of its own for the trace.
#pragma once

#include "profiler/session/session.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace moescope {

class LaunchLinks {
  public:
    explicit LaunchLinks(const Session &session);

    // A correlation id that is unique in the session: the record's own where that is free.
    std::uint64_t id(Tag tag, std::uint32_t correlation) const;
    // Index into Session::api_calls of the call that launched it; none for correlation 0.
    std::optional<std::size_t> call(Tag tag, std::uint32_t correlation) const;

  private:
    std::uint32_t run_of(Tag tag) const;

    const Session &session_;
    std::unordered_map<std::uint32_t, std::uint64_t> offset_; // by run
    std::vector<std::pair<std::uint64_t, std::size_t>>
        calls_; // (run, correlation) -> index, sorted
};

} // namespace moescope
