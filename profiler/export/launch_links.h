// Which API call launched which kernel or copy. Correlation ids start anew with every worker
// process, so one session may hold the same id in two runs: they are told apart by the run, and
// each gets an id of its own for the trace. A record of no measurement is of the run that went on
// when it began.
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
    template <typename Record> std::uint64_t id(const Record &record) const {
        return id(run_of(record.tag, record.start_ns), record.correlation);
    }
    // Index into Session::api_calls of the call that launched it; none for correlation 0.
    template <typename Record> std::optional<std::size_t> call(const Record &record) const {
        return call(run_of(record.tag, record.start_ns), record.correlation);
    }

  private:
    std::uint32_t run_of(Tag tag, std::int64_t start_ns) const;
    std::uint64_t id(std::uint32_t run, std::uint32_t correlation) const;
    std::optional<std::size_t> call(std::uint32_t run, std::uint32_t correlation) const;

    const Session &session_;
    std::unordered_map<std::uint32_t, std::uint64_t> offset_; // by run
    std::vector<std::pair<std::uint64_t, std::size_t>>
        calls_; // (run, correlation) -> index, sorted
};

} // namespace moescope
