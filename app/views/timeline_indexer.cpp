#include "app/views/timeline_indexer.h"

namespace moescope {

namespace {

std::shared_ptr<const TimelineModel> made(TimelineBuilder &builder, const Session &session, const std::string &query) {
    builder.update(session);
    builder.search(session, query);
    return std::make_shared<const TimelineModel>(builder); // without what only the making needs
}

} // namespace

void TimelineIndexer::start(const std::function<void()> &wake) {
    task_.start([builder = builder_, session = session_, query = query_] { return made(*builder, *session, query); },
                wake);
}

void TimelineIndexer::update(const SessionPtr &session, const std::string &query, const std::function<void()> &wake) {
    if (auto done = task_.poll())
        shown_ = std::move(*done);
    if (!shown_->continues(*session))
        shown_ = std::make_shared<const TimelineModel>();
    if (task_.busy() || (session == session_ && query == query_))
        return;
    const bool searches = query != query_;
    session_ = session;
    query_ = query;
    const std::size_t all = session->kernels.size() + session->api_calls.size();
    if ((searches ? all : 0) + shown_->missing(*session) > kAtOnce)
        start(wake);
    else
        shown_ = made(*builder_, *session, query);
}

} // namespace moescope
