// The workers that the window has open: this machine's and those behind ssh, each with a session of its
// own.
#pragma once

#include "app/shell/background_task.h"
#include "app/views/hosts.h"
#include "profiler/remote/remote_worker.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace moescope {

class Hosts {
  public:
    // autosave: of this machine's session; another host's name is put into it for its own.
    Hosts(std::function<void()> wake, std::filesystem::path autosave);
    ~Hosts();

    // Its place in the list; a host that is there already is not started twice. Errors: a name that is
    // none, no worker on this machine.
    Result<std::size_t> open(const std::string &name);
    void reconnect(std::size_t index); // starts it where it has not been
    void copy_worker_to(std::size_t index);
    void cancel_copy(std::size_t index);
    void close(std::size_t index); // not this machine's

    // Takes note of copies that have ended: their hosts are connected again.
    void poll();
    std::size_t size() const { return hosts_.size(); }
    WorkerClient *client(std::size_t index) const { return hosts_[index]->client.get(); } // null: none was started
    // shown and compared are the caller's to fill in.
    std::vector<HostRow> rows() const;
    // True while a row's words change by themselves.
    bool counts_down() const;

  private:
    struct Copy {
        CopyProgress progress;
        BackgroundTask<Result<std::string>> task; // after what it writes to
    };
    struct Host {
        std::string name;
        std::unique_ptr<WorkerClient> client;
        std::optional<Error> error; // why there is no client
        std::unique_ptr<Copy> copy;
        std::optional<Error> copy_error;
    };

    Status start(Host &host);
    std::filesystem::path autosave_of(const std::string &name) const;

    std::function<void()> wake_;
    std::filesystem::path autosave_;
    std::vector<std::unique_ptr<Host>> hosts_; // this machine's first
};

} // namespace moescope
