// Which row of a track a slice goes on, where slices of one track may overlap: trace viewers drop
// or misdraw slices of one row that overlap without nesting.
#pragma once

#include <cstdint>
#include <vector>

namespace moescope {

// Slices are given in order of their start, longer ones first where starts are equal.
class TraceRows {
  public:
    enum class Rule {
        Apart,  // one row holds one slice at a time: kernels on a stream
        Nested, // a slice may lie wholly within another: calls on a thread
    };
    explicit TraceRows(Rule rule) : rule_(rule) {}

    // The lowest row that can take the slice: 0, 1, ...
    std::uint32_t place(std::int64_t start_ns, std::int64_t end_ns);

  private:
    Rule rule_;
    std::vector<std::vector<std::int64_t>> open_; // of each row: the ends of the slices still open
};

} // namespace moescope
