// The shell's side of the hosts: which one is used, shown and compared with.
#include "app/shell/shell.h"

#include "profiler/remote/ssh_config.h"

#include <algorithm>

namespace moescope {

void Shell::start_worker(const std::string &remote) {
    hosts_state_.known = settings_.hosts;
    for (const std::string &name : ssh_config_hosts(ssh_config_path()))
        if (std::ranges::find(hosts_state_.known, name) == hosts_state_.known.end())
            hosts_state_.known.push_back(name);
    const Result<std::size_t> opened = hosts_.open(remote);
    if (!opened.ok())
        status_.problems.push_back(opened.error());
    else
        use_host(*opened);
}

void Shell::connect_host(const std::string &name) {
    const Result<std::size_t> opened = hosts_.open(name);
    hosts_state_.entry_error = opened.ok() ? std::nullopt : std::optional(opened.error());
    if (!opened.ok())
        return;
    remember(settings_.hosts, name);
    if (std::ranges::find(hosts_state_.known, name) == hosts_state_.known.end())
        hosts_state_.known.insert(hosts_state_.known.begin(), name);
    wanted_host_ = name; // once it can be used: until then the one before is
}

// What is run from now on runs there, and the views show what was measured there.
void Shell::use_host(std::size_t index) {
    if (!hosts_.client(index))
        hosts_.reconnect(index);
    if (client_ && client_ == hosts_.client(index))
        return wanted_host_.clear();
    forget_questions(workload_.counters);
    if (source_.question != 0) // its number is the other worker's
        source_ = {};
    wanted_host_.clear();
    host_ = index;
    client_ = hosts_.client(index);
    if (client_ && !client_->session()->empty())
        show_recorded_ = false;
    chosen_run_ = {};
    forget_selection();
}

void Shell::use_device(std::size_t host, const std::string &device) {
    use_host(host);
    workload_.device = device;
}

void Shell::close_host(std::size_t index) {
    if (index == host_)
        return;
    if (compared_ == hosts_.client(index))
        compared_ = nullptr;
    hosts_.close(index);
    host_ -= index < host_;
}

void Shell::compare_host(std::size_t index) {
    compared_ = hosts_.client(index);
    compare_with(compared_ ? compared_->session() : nullptr);
    show(ViewId::Compare);
}

CompareActions Shell::compare_actions() {
    CompareActions actions{.open = [this](const std::string &path) { open_other(path); }};
    for (const HostRow &host : frame_hosts_)
        if (host.measured && !host.shown)
            actions.hosts.push_back(title_of(host));
    actions.open_host = [this](const std::string &title) {
        for (std::size_t i = 0; i < frame_hosts_.size(); ++i)
            if (title_of(frame_hosts_[i]) == title)
                compare_host(i);
    };
    return actions;
}

// Another host's session goes on growing while it is compared with.
void Shell::follow_hosts() {
    hosts_.poll();
    if (!client_)
        client_ = hosts_.client(host_);
    frame_hosts_ = hosts_.rows();
    for (std::size_t i = 0; i < frame_hosts_.size() && !wanted_host_.empty(); ++i)
        if (frame_hosts_[i].name == wanted_host_ && frame_hosts_[i].progress.state == WorkerClient::State::Ready)
            use_host(i);
    for (std::size_t i = 0; i < frame_hosts_.size(); ++i) {
        frame_hosts_[i].shown = i == host_;
        frame_hosts_[i].compared = compared_ && hosts_.client(i) == compared_;
    }
    const bool several = frame_hosts_.size() > 1;
    start_page_.host = compare_.host = several ? title_of(frame_hosts_[host_]) : "";
    compare_.other_host.clear();
    for (const HostRow &row : frame_hosts_)
        if (row.compared)
            compare_.other_host = title_of(row);
    if (compared_)
        compare_.other = compared_->session();
}

std::vector<HostDevices> Shell::devices_by_host() const {
    std::vector<HostDevices> all;
    for (std::size_t i = 0; i < frame_hosts_.size(); ++i)
        all.push_back({title_of(frame_hosts_[i]), frame_hosts_[i].progress.devices, i == host_});
    return all;
}

void Shell::draw_hosts_popup() {
    const HostsActions actions{.connect = [this](const std::string &name) { connect_host(name); },
                               .show = [this](std::size_t index) { use_host(index); },
                               .compare = [this](std::size_t index) { compare_host(index); },
                               .reconnect = [this](std::size_t index) { hosts_.reconnect(index); },
                               .copy = [this](std::size_t index) { hosts_.copy_worker_to(index); },
                               .cancel_copy = [this](std::size_t index) { hosts_.cancel_copy(index); },
                               .remove = [this](std::size_t index) { close_host(index); }};
    draw_hosts(theme_, scale_, hosts_state_, frame_hosts_, actions);
}

} // namespace moescope
