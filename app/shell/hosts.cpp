#include "app/shell/hosts.h"

#include "profiler/base/try.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>

namespace moescope {

Hosts::Hosts(std::function<void()> wake, std::filesystem::path autosave)
    : wake_(std::move(wake)), autosave_(std::move(autosave)) {
    hosts_.push_back(std::make_unique<Host>());
}

Hosts::~Hosts() {
    for (const auto &host : hosts_)
        if (host->copy)
            host->copy->progress.cancelled = true;
}

// session.moescope -> session-user@gpu1.moescope
std::filesystem::path Hosts::autosave_of(const std::string &name) const {
    if (autosave_.empty() || name.empty())
        return autosave_;
    std::string plain = name;
    std::ranges::replace_if(plain, [](unsigned char c) { return !std::isalnum(c) && c != '@' && c != '.'; }, '-');
    return autosave_.parent_path() / fmt::format("{}-{}{}", autosave_.stem().string(), plain, autosave_.extension().string());
}

// The window has no terminal to ask on.
Status Hosts::start(Host &host) {
    Result<WorkerCommand> command = find_worker(host.name, SshQuestions::Refused);
    host.error = command.ok() ? std::nullopt : std::optional(command.error());
    MOESCOPE_TRY(command);
    host.client = WorkerClient::start(std::move(*command), nullptr, autosave_of(host.name));
    host.client->on_change(wake_);
    return {};
}

Result<std::size_t> Hosts::open(const std::string &name) {
    const auto found = std::ranges::find(hosts_, name, [](const auto &host) { return host->name; });
    const auto index = std::size_t(found - hosts_.begin());
    if (found == hosts_.end()) {
        if (const Result<RemoteHost> host = parse_remote_host(name); !host.ok())
            return host.error();
        hosts_.push_back(std::make_unique<Host>());
        hosts_.back()->name = name;
    }
    Host &host = *hosts_[index];
    if (!host.client)
        MOESCOPE_TRY(start(host));
    else if (host.client->progress().state == WorkerClient::State::Gone)
        host.client->reconnect();
    return index;
}

void Hosts::reconnect(std::size_t index) {
    Host &host = *hosts_[index];
    if (host.client)
        host.client->reconnect();
    else
        (void)start(host); // its row says why not
}

void Hosts::copy_worker_to(std::size_t index) {
    Host &host = *hosts_[index];
    const Result<RemoteHost> remote = parse_remote_host(host.name);
    const Result<WorkerCommand> own = find_worker();
    host.copy_error = own.ok() ? std::nullopt : std::optional(own.error());
    if (host.copy || !remote.ok() || !own.ok())
        return;
    host.copy = std::make_unique<Copy>();
    CopyProgress &progress = host.copy->progress;
    host.copy->task.start([remote = *remote, worker = own->argv.front(), &progress] {
        return copy_worker(remote, worker, SshQuestions::Refused, progress);
    }, wake_);
}

void Hosts::cancel_copy(std::size_t index) {
    if (hosts_[index]->copy)
        hosts_[index]->copy->progress.cancelled = true;
}

void Hosts::close(std::size_t index) {
    if (index == 0)
        return;
    cancel_copy(index);
    hosts_.erase(hosts_.begin() + std::ptrdiff_t(index));
}

void Hosts::poll() {
    for (const auto &host : hosts_) {
        if (!host->copy)
            continue;
        const std::optional<Result<std::string>> copied = host->copy->task.poll();
        if (!copied)
            continue;
        if (!copied->ok() && !host->copy->progress.cancelled)
            host->copy_error = copied->error();
        host->copy.reset();
        if (copied->ok() && host->client)
            host->client->reconnect();
    }
}

std::vector<HostRow> Hosts::rows() const {
    std::vector<HostRow> rows;
    for (const auto &host : hosts_) {
        HostRow row;
        row.name = host->name;
        row.started = host->client || host->error;
        row.progress.state = WorkerClient::State::Gone;
        if (host->client) {
            row.progress = host->client->progress();
            const SessionPtr session = host->client->session();
            row.runs = session->runs.size();
            row.measured = !session->empty();
        } else if (host->error) {
            row.progress.error = *host->error;
        }
        if (host->copy) {
            const CopyProgress &copy = host->copy->progress;
            row.copying = text_of(copy);
            row.copied = copy.total > 0 ? double(copy.sent) / double(copy.total) : -1;
        }
        row.copy_error = host->copy_error;
        rows.push_back(std::move(row));
    }
    return rows;
}

bool Hosts::counts_down() const {
    return std::ranges::any_of(hosts_, [](const auto &host) {
        return host->copy || (host->client && host->client->progress().reconnect_at);
    });
}

} // namespace moescope
