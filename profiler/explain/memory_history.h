// A run's allocation ledger over time: who holds how much, what makes up the peak, and what a pool
// that keeps its addresses would have left over. Pure functions of a session.
#pragma once

#include "profiler/session/session.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

enum class MemoryGrouping { Label, Operator, Purpose };

// What an allocation is for, by its label: "weights", "inputs", "outputs", "workspace", "LoRA
// matrices", "routing", "library" (no label: the ledger did not make it), "other".
std::string_view purpose_of(std::string_view label);
// The operator whose name the label begins with ("gate_up weights"); empty for none.
std::string_view operator_in(std::string_view label);

// The whole run in steps: after each event, what every group holds.
struct MemoryHistory {
    std::int64_t start_ns = 0, end_ns = 0; // of the run, or of its records
    std::vector<std::string> groups;       // largest first; the last may gather the rest
    struct Step {
        std::int64_t time_ns = 0;
        std::int64_t total = 0;
        std::int64_t change = 0; // bytes of the event
        NameId label;            // its label
    };
    std::vector<Step> steps;
    std::vector<std::int64_t> held; // [steps * groups]
    std::size_t peak = 0;           // the step with the largest total

    bool empty() const { return steps.empty(); }
    std::int64_t of(std::size_t step, std::size_t group) const {
        return held[step * groups.size() + group];
    }
    // The last step at or before a time; the first one before all of them.
    std::size_t at(std::int64_t time_ns) const;
};

inline constexpr const char *kOtherGroup = "everything else";

// most_groups: at least 2; more groups than that, and those too small to see, are gathered in
// kOtherGroup.
MemoryHistory memory_history(const Session &session, RunId run, MemoryGrouping grouping,
                             std::size_t most_groups = 8);

// For each of `columns` equal parts of the time from..to the step that holds most in it: what a
// picture shows there. A part without an event shows the step in force. npos before the first one.
inline constexpr std::size_t kNoStep = std::size_t(-1);
std::vector<std::size_t> highest_steps(const MemoryHistory &history, std::int64_t from_ns,
                                       std::int64_t to_ns, std::size_t columns);

// What is allocated after all events up to a time, largest first.
struct LiveBlock {
    std::uint64_t address = 0;
    std::int64_t bytes = 0;
    NameId label;
    std::int64_t since_ns = 0;
    std::string operator_name; // the one that is measured next, or that the label names; "" unknown
};
std::vector<LiveBlock> live_blocks(const Session &session, RunId run, std::int64_t time_ns);

// Addresses that had been allocated at some moment up to a time and are free at it: what a caching
// pool that never gives memory back would hold in reserve, in connected pieces.
struct Fragmentation {
    std::int64_t live = 0, free = 0, largest_free = 0;
    std::size_t pieces = 0;
    // Share of the free bytes that are not in the largest piece: 0 is whole.
    double scattered() const { return free > 0 ? 1 - double(largest_free) / double(free) : 0; }
};
Fragmentation fragmentation(const Session &session, RunId run, std::int64_t time_ns);

} // namespace moescope
