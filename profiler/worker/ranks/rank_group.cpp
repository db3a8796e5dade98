#include "profiler/worker/ranks/rank_group.h"

#include "profiler/base/clock.h"
#include "profiler/base/try.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <utility>

namespace moescope {

namespace {

constexpr std::chrono::milliseconds kWatchInterval{200};

} // namespace

Result<std::unique_ptr<RankGroup>> RankGroup::join(const MeetingPlace &place, Device &device) {
    Result<std::unique_ptr<Meeting>> meeting = Meeting::join(place, place.patience_seconds);
    MOESCOPE_TRY(meeting);
    Result<std::unique_ptr<RowTransport>> transport = device.open_transport(**meeting);
    const Result<std::vector<std::string>> all = (*meeting)->share(transport ? "" : transport.error().clause());
    MOESCOPE_TRY(transport);
    MOESCOPE_TRY(all);
    for (std::size_t rank = 0; rank < all->size(); ++rank)
        if (!(*all)[rank].empty())
            return Error{fmt::format("rank {} cannot exchange rows", rank), (*all)[rank], {}};
    return std::make_unique<RankGroup>(std::move(*meeting), std::move(*transport));
}

RankGroup::RankGroup(std::unique_ptr<Meeting> meeting, std::unique_ptr<RowTransport> transport)
    : meeting_(std::move(meeting)), transport_(std::move(transport)),
      in_step_ns_(now_ns()), watcher_([this](const std::stop_token &stop) { watch(stop); }) {}

RankGroup::~RankGroup() { (void)meeting_->share("done"); }

void RankGroup::watch(const std::stop_token &stop) {
    std::unique_lock lock(sleep_);
    while (!wake_.wait_for(lock, stop, kWatchInterval, [] { return false; }) && !stop.stop_requested())
        if (meeting_->someone_left() || now_ns() - in_step_ns_ > std::int64_t(meeting_->patience_seconds() * 1e9)) {
            transport_->give_up();
            meeting_->leave();
            return;
        }
}

Result<std::int32_t> RankGroup::as_rank_0(std::int32_t mine) {
    const Result<std::vector<std::string>> all = meeting_->share(std::to_string(mine));
    MOESCOPE_TRY(all);
    in_step_ns_ = now_ns();
    std::int32_t first = 0;
    const std::string &text = all->front();
    if (std::from_chars(text.data(), text.data() + text.size(), first).ec != std::errc())
        return Error{"what rank 0 says cannot be read", text, "start all ranks in the same version"};
    return first;
}

} // namespace moescope
