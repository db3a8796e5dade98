#include "app/views/hosts.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;
using State = WorkerClient::State;

namespace {

HostRow host_in(State state, RemoteTrouble trouble = RemoteTrouble::None) {
    HostRow host{.name = "user@gpu1", .started = true};
    host.progress.state = state;
    host.progress.trouble = trouble;
    return host;
}

} // namespace

TEST_CASE("a host's row says in a word what its worker does, or why it has none") {
    CHECK(state_text(host_in(State::Starting)) == "connecting");
    CHECK(state_text(host_in(State::Ready)) == "ready");
    CHECK(state_text(host_in(State::Gone, RemoteTrouble::NoWorker)) == "no worker there");
    CHECK(state_text(host_in(State::Gone, RemoteTrouble::OtherVersion)) == "another version");
    CHECK(state_text(host_in(State::Gone, RemoteTrouble::NoAccess)) == "no access");
    HostRow lost = host_in(State::Reconnecting, RemoteTrouble::Lost);
    CHECK(state_text(lost) == "connection lost, trying again");
    lost.progress.reconnect_at = WorkerClient::Clock::now() + std::chrono::milliseconds(3900);
    CHECK(state_text(lost) == "connection lost, trying again in 4 s");
    HostRow copying = host_in(State::Gone, RemoteTrouble::NoWorker);
    copying.copying = "Sending 1 MB of 2 MB";
    CHECK(state_text(copying) == "copying the worker");
    CHECK(state_text(HostRow{}) == "not started");
    CHECK(title_of(HostRow{}) == "this machine");
}

TEST_CASE("the worker is offered to be copied where that is what helps") {
    CHECK(copy_helps(host_in(State::Gone, RemoteTrouble::NoWorker)));
    CHECK(copy_helps(host_in(State::Gone, RemoteTrouble::OtherVersion)));
    CHECK_FALSE(copy_helps(host_in(State::Gone, RemoteTrouble::NoAccess)));
    CHECK_FALSE(copy_helps(host_in(State::Reconnecting, RemoteTrouble::Lost)));
    HostRow named = host_in(State::Gone, RemoteTrouble::OtherVersion);
    named.name += ":/opt/moescope-worker"; // where a copy would not be looked for
    CHECK_FALSE(copy_helps(named));
}

TEST_CASE("a host's devices are counted by name") {
    DeviceInfo gpu;
    gpu.id = "cuda:0";
    gpu.name = "NVIDIA H200";
    gpu.driver = "580.82";
    gpu.host = "node7";
    DeviceInfo cpu;
    cpu.id = "cpu";
    cpu.name = "a CPU (reference implementations)";
    CHECK(devices_text({gpu, gpu, cpu}) == "2 × NVIDIA H200, cpu · driver 580.82 · node7");
    CHECK(devices_text({}).empty());
}
