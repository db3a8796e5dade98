// A real sshd of a test's own on this machine: its own port, keys, configuration and home folder.
#pragma once

#include "tests/support/program.h"
#include "tests/support/temporary_folder.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace moescope::test {

class SshServer {
  public:
    // While it is there, "ssh gpu" leads to it: another ssh stands first in PATH, which adds a
    // configuration. Null, and why, where there is no sshd or it does not start.
    static std::unique_ptr<SshServer> open(std::string &why_not);
    ~SshServer();

    const std::filesystem::path home() const { return folder_ / "home"; } // of who logs in
    const std::filesystem::path bin() const { return home() / "bin"; }    // on their PATH
    const std::filesystem::path config() const { return folder_ / "config"; }
    // Puts a program there: a link, or a script.
    void install(const std::filesystem::path &program, const std::string &name);
    void install_script(const std::string &script, const std::string &name);

    void drop_connections(); // ends what serves them, without a word
    void kill_workers();     // what they run, and leaves them open
    void stop();             // refuses new ones too
    void start();
    void refuse_keys();      // from now on
    void forget_host();      // as a client that was never here

  private:
    SshServer() = default;
    std::string prepare();
    bool wait_until_it_answers();

    TemporaryFolder folder_;
    int port_ = 0;
    std::unique_ptr<Program> server_;
    std::optional<Environment> path_;
};

// The processes below this one, by /proc.
std::vector<int> descendants_of(int pid);

} // namespace moescope::test
