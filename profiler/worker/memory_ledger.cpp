#include "profiler/worker/memory_ledger.h"

#include "profiler/base/clock.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace moescope {

void MemoryLedger::allocated(const void *address, std::int64_t bytes, NameId label, Tag tag) {
    const auto key = reinterpret_cast<std::uint64_t>(address);
    blocks_[key] = {bytes, label};
    pending_.push_back({now_ns(), bytes, key, label, tag});
    live_ += bytes;
    peak_ = std::max(peak_, live_);
}

void MemoryLedger::freed(const void *address, Tag tag) {
    const auto key = reinterpret_cast<std::uint64_t>(address);
    const auto block = blocks_.find(key);
    if (block == blocks_.end())
        return;
    pending_.push_back({now_ns(), -block->second.bytes, key, block->second.label, tag});
    live_ -= block->second.bytes;
    blocks_.erase(block);
}

std::int64_t MemoryLedger::take_peak() { return std::exchange(peak_, live_); }

std::vector<MemoryRecord> MemoryLedger::take(const std::vector<ObservedMemory> &observed) {
    std::vector<MemoryRecord> records = std::exchange(pending_, {});
    std::vector<bool> matched(records.size(), false);
    const std::size_t own = records.size();
    for (const ObservedMemory &seen : observed) {
        std::size_t at = 0;
        while (at < own && (matched[at] || records[at].address != seen.address ||
                            (records[at].bytes > 0) != (seen.bytes > 0)))
            ++at;
        if (at < own) {
            matched[at] = true;
            records[at].time_ns = seen.time_ns;
        } else {
            records.push_back({seen.time_ns, seen.bytes, seen.address, NameId{}, Tag{}});
        }
    }
    std::stable_sort(records.begin(), records.end(),
                     [](const MemoryRecord &a, const MemoryRecord &b) { return a.time_ns < b.time_ns; });
    return records;
}

} // namespace moescope
