#include "profiler/worker/launch_tags.h"

#include <iterator>
#include <map>

namespace moescope {

void tag_by_order(CaptureBatch &batch) {
    std::map<std::uint32_t, Tag> calls; // by correlation
    for (const ApiRecord &call : batch.api_calls)
        calls.emplace(call.correlation, call.tag);
    const auto tag = [&](auto &records) {
        for (auto &record : records) {
            const auto after = calls.lower_bound(record.correlation);
            if (after == calls.begin() || after == calls.end() || after->first == record.correlation)
                continue;
            if (const Tag &before = std::prev(after)->second; before == after->second && record.tag == Tag{})
                record.tag = before;
        }
    };
    tag(batch.kernels);
    tag(batch.copies);
}

} // namespace moescope
