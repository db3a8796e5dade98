// Every allocation and free of a device, in order: what it was for, and how much was live.
#pragma once

#include "profiler/worker/device.h"

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace moescope {

// An allocation as a capture saw it, to be matched with the ledger's own.
struct ObservedMemory {
    std::int64_t time_ns = 0;
    std::int64_t bytes = 0; // negative: a free
    std::uint64_t address = 0;
};

class MemoryLedger {
  public:
    void allocated(const void *address, std::int64_t bytes, NameId label, Tag tag);
    void freed(const void *address, Tag tag);

    std::int64_t live_bytes() const { return live_; }
    std::int64_t take_peak(); // maximum of live_bytes() since the last call

    // The records since the last take. Those a capture observed too get its time; what it saw and the
    // ledger did not (a library's own allocation) is added without a label.
    std::vector<MemoryRecord> take(const std::vector<ObservedMemory> &observed = {});

  private:
    struct Live {
        std::int64_t bytes;
        NameId label;
    };
    std::unordered_map<std::uint64_t, Live> blocks_; // by address
    std::vector<MemoryRecord> pending_;
    std::int64_t live_ = 0, peak_ = 0;
};

} // namespace moescope
