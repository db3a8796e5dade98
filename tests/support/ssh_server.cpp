#include "tests/support/ssh_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

namespace moescope::test {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char *kSshd = "/usr/sbin/sshd"; // which it wants to be called by

sockaddr_in local(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(std::uint16_t(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int free_port() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = local(0);
    socklen_t size = sizeof(address);
    const bool bound = bind(fd, reinterpret_cast<sockaddr *>(&address), size) == 0 &&
                       getsockname(fd, reinterpret_cast<sockaddr *>(&address), &size) == 0;
    ::close(fd);
    return bound ? ntohs(address.sin_port) : 0;
}

bool answers(int port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = local(port);
    const bool connected = connect(fd, reinterpret_cast<const sockaddr *>(&address), sizeof(address)) == 0;
    ::close(fd);
    return connected;
}

void write_script(const fs::path &path, const std::string &script) {
    write_bytes(path, "#!/bin/sh\n" + script + "\n");
    fs::permissions(path, fs::perms::owner_all);
}

bool make_key(const fs::path &file) {
    return Program({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file}).wait(20s).code == 0;
}

} // namespace

std::vector<int> descendants_of(int pid) {
    std::vector<int> found;
    std::error_code gone;
    for (const auto &task : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone)) {
        std::ifstream file(task.path() / "children");
        for (int child = 0; file >> child;) {
            found.push_back(child);
            const std::vector<int> below = descendants_of(child);
            found.insert(found.end(), below.begin(), below.end());
        }
    }
    return found;
}

std::unique_ptr<SshServer> SshServer::open(std::string &why_not) {
    if (!fs::exists(kSshd)) {
        why_not = "there is no sshd here: install openssh-server";
        return nullptr;
    }
    std::unique_ptr<SshServer> server(new SshServer());
    why_not = server->prepare();
    if (!why_not.empty())
        return nullptr;
    server->start();
    if (server->wait_until_it_answers())
        return server;
    why_not = "sshd did not start: " + server->server_->output();
    return nullptr;
}

// The sentence that says what went wrong, or nothing.
std::string SshServer::prepare() {
    fs::create_directories(bin());
    fs::create_directories(folder_ / "client");
    if (geteuid() == 0) // where a system's own service has not made it yet
        fs::create_directories("/run/sshd");
    if (!make_key(folder_ / "host_key") || !make_key(folder_ / "client/key"))
        return "no keys could be made: ssh-keygen is missing";
    port_ = free_port();
    if (port_ == 0)
        return "there is no free port on 127.0.0.1";
    const std::string here = folder_.path().string(), port = std::to_string(port_);
    fs::copy_file(folder_ / "client/key.pub", folder_ / "authorized_keys");
    write_script(folder_ / "login", "export HOME='" + here + "/home' PATH='" + here + "/home/bin:/usr/bin:/bin'\n" +
                                        "unset XDG_DATA_HOME MOESCOPE_WORKER\nexport MOESCOPE_CACHE_DIR=\"$HOME/cache\"\n" +
                                        "cd \"$HOME\"\nexec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"");
    write_bytes(folder_ / "sshd_config", "Port " + port + "\nListenAddress 127.0.0.1\nHostKey " + here + "/host_key\n" +
                                             "AuthorizedKeysFile " + here + "/authorized_keys\nStrictModes no\nUsePAM no\n" +
                                             "PasswordAuthentication no\nPermitRootLogin prohibit-password\nPidFile none\n" +
                                             "ForceCommand " + here + "/login\n");
    write_bytes(config(), "Host gpu\n  HostName 127.0.0.1\n  Port " + port + "\n  User " + getpwuid(getuid())->pw_name +
                              "\n  IdentityFile " + here + "/client/key\n  IdentitiesOnly yes\n  IdentityAgent none\n" +
                              "  UserKnownHostsFile " + here + "/client/known_hosts\n  GlobalKnownHostsFile none\n" +
                              "  StrictHostKeyChecking yes\n");
    write_bytes(folder_ / "client/known_hosts", "[127.0.0.1]:" + port + " " + read_bytes(folder_ / "host_key.pub"));
    write_script(folder_ / "client/ssh", "exec /usr/bin/ssh -F '" + here + "/config' \"$@\"");
    const char *path = std::getenv("PATH");
    path_.emplace("PATH", here + "/client:" + (path ? path : "/usr/bin:/bin"));
    return "";
}

SshServer::~SshServer() { stop(); }

bool SshServer::wait_until_it_answers() {
    for (int tries = 0; tries < 200 && server_->running(); ++tries) {
        if (answers(port_))
            return true;
        std::this_thread::sleep_for(50ms);
    }
    return false;
}

void SshServer::install(const fs::path &program, const std::string &name) {
    fs::remove(bin() / name);
    fs::create_symlink(program, bin() / name);
}

void SshServer::install_script(const std::string &script, const std::string &name) {
    fs::remove(bin() / name);
    write_script(bin() / name, script);
}

void SshServer::drop_connections() {
    if (!server_)
        return;
    std::ifstream file("/proc/" + std::to_string(server_->pid()) + "/task/" + std::to_string(server_->pid()) + "/children");
    for (int child = 0; file >> child;)
        kill(child, SIGKILL);
}

void SshServer::kill_workers() {
    for (const int pid : descendants_of(server_->pid())) {
        std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
        std::string name;
        if (std::getline(file, name) && name.starts_with("moescope-worke"))
            kill(pid, SIGKILL);
    }
}

void SshServer::stop() {
    drop_connections();
    server_.reset();
}

void SshServer::start() {
    server_ = std::make_unique<Program>(std::vector<std::string>{kSshd, "-D", "-e", "-f", folder_ / "sshd_config"});
    wait_until_it_answers();
}

void SshServer::refuse_keys() { write_bytes(folder_ / "authorized_keys", ""); }
void SshServer::forget_host() { write_bytes(folder_ / "client/known_hosts", ""); }

} // namespace moescope::test
