#include "profiler/worker/ranks/rank_group.h"

#include "profiler/base/try.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace moescope {

namespace {

constexpr double kJoinSeconds = 120; // others may still be making their context

} // namespace

Result<std::unique_ptr<RankGroup>> RankGroup::join(const MeetingPlace &place, Device &device) {
    Result<std::unique_ptr<Meeting>> meeting = Meeting::join(place, kJoinSeconds);
    MOESCOPE_TRY(meeting);
    Result<std::unique_ptr<RowTransport>> transport = device.open_transport(**meeting);
    const Result<std::vector<std::string>> all = (*meeting)->share(transport ? "" : transport.error().sentence());
    MOESCOPE_TRY(transport);
    MOESCOPE_TRY(all);
    for (std::size_t rank = 0; rank < all->size(); ++rank)
        if (!(*all)[rank].empty())
            return Error{fmt::format("rank {} cannot exchange rows", rank), (*all)[rank], {}};
    return std::make_unique<RankGroup>(std::move(*meeting), std::move(*transport));
}

Result<std::int32_t> RankGroup::as_rank_0(std::int32_t mine) {
    const Result<std::vector<std::string>> all = meeting_->share(std::to_string(mine));
    MOESCOPE_TRY(all);
    std::int32_t first = 0;
    const std::string &text = all->front();
    if (std::from_chars(text.data(), text.data() + text.size(), first).ec != std::errc())
        return Error{"what rank 0 says cannot be read", text, "start all ranks in the same version"};
    return first;
}

} // namespace moescope
