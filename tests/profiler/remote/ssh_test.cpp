// The client against the real worker behind a real sshd on this machine.
#include "profiler/client/worker_client.h"
#include "profiler/protocol/codec.h"
#include "profiler/protocol/framing.h"
#include "profiler/remote/remote_worker.h"
#include "tests/profiler/client/small_plan.h"
#include "tests/support/eventually.h"
#include "tests/support/ssh_server.h"

#include "protocol/worker.pb.h"

#include <catch2/catch_test_macros.hpp>
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <set>
#include <thread>
#include <tuple>
#include <unistd.h>

using namespace moescope;
using namespace moescope::testing;
using namespace std::chrono_literals;
using State = WorkerClient::State;
using moescope::test::SshServer;

namespace {

constexpr double kPatience = 60; // seconds

std::unique_ptr<SshServer> server_with_worker() {
    std::string why_not;
    std::unique_ptr<SshServer> server = SshServer::open(why_not);
    if (!server)
        SKIP(why_not);
    server->install(MOESCOPE_WORKER_PATH, "moescope-worker");
    return server;
}

std::unique_ptr<WorkerClient> connect(const std::string &host = "gpu") {
    const Result<WorkerCommand> command = find_worker(host, SshQuestions::Refused);
    REQUIRE(command);
    return WorkerClient::start(*command);
}

// Four variants of one operator, half a second each.
Plan lasting_plan() {
    Plan plan = small_plan({"gate_up"});
    plan.repetition.min_samples = plan.repetition.max_samples = 100'000;
    plan.repetition.max_seconds = 0.5;
    return plan;
}

// Waits for samples of an item while it runs, and gives them.
std::vector<float> samples_while_running(const WorkerClient &client, std::size_t item) {
    std::vector<float> samples;
    REQUIRE(eventually([&] {
        const SessionPtr session = client.session();
        if (session->measurements.size() <= item || session->measurements[item].state != Measurement::State::Running)
            return false;
        samples = session->measurements[item].samples_ns;
        return !samples.empty();
    }));
    return samples;
}

void check_complete(const Session &session, const Plan &plan) {
    REQUIRE(session.runs.size() == 1);
    CHECK(session.runs[0].state == RunRecord::State::Done);
    CHECK(session.routings.size() == 1);
    REQUIRE(session.measurements.size() == plan.items.size()); // none doubled
    for (std::size_t i = 0; i < plan.items.size(); ++i) {
        const Measurement &measurement = session.measurements[i];
        INFO(measurement.variant << ": " << measurement.failure.sentence());
        CHECK(measurement.state == Measurement::State::Done);
        CHECK(measurement.variant == plan.items[i].variant);
        CHECK(measurement.time == summarize(measurement.samples_ns));
    }
    std::int64_t live = 0;
    for (const MemoryRecord &record : session.memory)
        live += record.bytes;
    CHECK(live == 0);
}

} // namespace

TEST_CASE("a plan runs on a worker behind ssh, which is found on the PATH there") {
    const auto server = server_with_worker();
    const auto client = connect();
    const Plan plan = small_plan();
    client->run(plan);
    REQUIRE(client->wait(kPatience));
    CHECK(client->progress().error == Error{});
    CHECK(client->progress().trouble == RemoteTrouble::None);
    const SessionPtr session = client->session();
    check_complete(*session, plan);
    CHECK(session->failures.empty());
    char name[256] = {};
    gethostname(name, sizeof(name) - 1);
    CHECK(session->runs[0].device.host == name); // a result says where it comes from
}

TEST_CASE("a worker is found where the user says, and the copied one of this version before another on the PATH") {
    const auto server = server_with_worker();
    std::filesystem::create_directories(server->home() / "tools");
    std::filesystem::rename(server->bin() / "moescope-worker", server->home() / "tools" / "worker");
    const auto named = connect("gpu:~/tools/worker");
    REQUIRE(named->wait(kPatience));
    CHECK(named->progress().state == State::Ready);

    const auto folder = server->home() / ".local/share/moescope" / ("worker-" MOESCOPE_VERSION "-abc");
    std::filesystem::create_directories(folder);
    std::filesystem::create_symlink(MOESCOPE_WORKER_PATH, folder / "moescope-worker");
    server->install_script("echo moescope-worker 0.0.1; exit 0", "moescope-worker");
    const auto copied = connect();
    REQUIRE(copied->wait(kPatience));
    CHECK(copied->progress().state == State::Ready);
    CHECK(copied->progress().devices.size() >= 1);
}

TEST_CASE("a configuration made for terminals does not keep a worker away") {
    const auto server = server_with_worker();
    const std::string before = test::read_bytes(server->config());
    const std::size_t port = before.find("Port ") + 5; // of the server itself, and so taken
    test::write_bytes(server->config(), "Host gpu\n  RemoteCommand tmux new -A\n  RequestTTY yes\n  ExitOnForwardFailure yes\n  LocalForward " +
                                            before.substr(port, before.find('\n', port) - port) + " localhost:80\n" + before);
    const auto client = connect();
    REQUIRE(client->wait(kPatience));
    CHECK(client->progress().error == Error{});
    CHECK(client->progress().state == State::Ready);
}

TEST_CASE("a host without a worker is said to have none, and how to copy it") {
    const auto server = server_with_worker();
    std::filesystem::remove(server->bin() / "moescope-worker");
    const auto client = connect();
    REQUIRE(client->wait(kPatience));
    CHECK(client->progress().state == State::Gone);
    CHECK(client->progress().trouble == RemoteTrouble::NoWorker);
    CHECK(client->progress().error.remedy.find("moescope remote gpu --copy") != std::string::npos);

    server->install(MOESCOPE_WORKER_PATH, "moescope-worker");
    client->reconnect();
    REQUIRE(client->wait(kPatience));
    CHECK(client->progress().state == State::Ready);
}

TEST_CASE("a worker of another protocol is refused with both versions and what to do") {
    const auto server = server_with_worker();
    wire::FromWorker hello;
    hello.mutable_hello()->set_protocol_version(kProtocolVersion + 1);
    hello.mutable_hello()->set_build_version("9.9.9");
    std::string escaped;
    const std::string framed = frame(hello.SerializeAsString()).value();
    for (const char byte : framed)
        escaped += fmt::format("\\{:03o}", static_cast<unsigned char>(byte));
    server->install_script("[ \"$1\" = --version ] && { echo moescope-worker 9.9.9; exit; }\nprintf '" + escaped + "'\nsleep 20",
                           "moescope-worker");
    const auto client = connect();
    REQUIRE(client->wait(kPatience));
    CHECK(client->progress().state == State::Gone);
    CHECK(client->progress().trouble == RemoteTrouble::OtherVersion);
    const Error error = client->progress().error;
    CHECK(error.what.find("9.9.9") != std::string::npos);
    CHECK(error.why.find(MOESCOPE_VERSION) != std::string::npos);
    CHECK(error.remedy.find("moescope remote gpu --copy") != std::string::npos);
}

TEST_CASE("a host that ssh refuses is explained in one sentence: an unknown host key, a key not accepted") {
    const auto server = server_with_worker();
    server->refuse_keys();
    const auto refused = connect();
    REQUIRE(refused->wait(kPatience));
    CHECK(refused->progress().trouble == RemoteTrouble::NoAccess);
    CHECK(refused->progress().error.remedy.find("ssh-copy-id gpu") != std::string::npos);
    server->forget_host();
    const auto unknown = connect();
    REQUIRE(unknown->wait(kPatience));
    CHECK(unknown->progress().trouble == RemoteTrouble::NoAccess);
    CHECK(unknown->progress().error.why.find("host's key") != std::string::npos);
    CHECK(unknown->session()->runs.empty());
}

TEST_CASE("a host that answers with nothing, or with something else than a worker, is given up with what to do") {
    const auto server = server_with_worker();
    const auto end_of = [&](const std::string &script) {
        server->install_script("[ \"$1\" = --version ] && exec " MOESCOPE_WORKER_PATH " --version\n" + script, "moescope-worker");
        WorkerCommand command = *find_worker("gpu", SshQuestions::Refused);
        command.patience = 3s;
        const auto client = WorkerClient::start(command);
        REQUIRE(client->wait(kPatience));
        CHECK(client->progress().state == State::Gone);
        return client->progress();
    };
    const WorkerClient::Progress hangs = end_of("exec sleep 60");
    CHECK(hangs.trouble == RemoteTrouble::Unreachable);
    CHECK(hangs.error.what == "gpu did not answer");
    CHECK(hangs.error.remedy.find("ssh gpu") != std::string::npos);
    CHECK(hangs.error.sentence().size() < 200); // not the whole command
    const WorkerClient::Progress greets = end_of("echo Welcome to gpu; sleep 60");
    CHECK(greets.error.what == "gpu says something before its worker does");
    CHECK(greets.error.why.find("\"Welcome to gpu\"") != std::string::npos);
}

TEST_CASE("a connection lost in the middle of a plan is made again, and the plan finishes complete, nothing twice") {
    const auto server = server_with_worker();
    const auto client = connect();
    const Plan plan = lasting_plan();
    REQUIRE(plan.items.size() == 4);
    client->run(plan);
    const std::vector<float> received = samples_while_running(*client, 1);
    const std::vector<float> first = client->session()->measurements[0].samples_ns;
    server->drop_connections();
    REQUIRE(eventually([&] { return client->progress().state == State::Reconnecting; }));
    CHECK(client->progress().trouble == RemoteTrouble::Lost);
    REQUIRE(client->wait(kPatience));

    const SessionPtr session = client->session();
    check_complete(*session, plan);
    CHECK(session->measurements[0].samples_ns == first); // not measured again
    const std::vector<float> &kept = session->measurements[1].samples_ns;
    REQUIRE(kept.size() > received.size());
    CHECK(std::equal(received.begin(), received.end(), kept.begin())); // what was received stays
    REQUIRE(session->failures.size() == 1);
    CHECK(session->failures[0].where == kConnectionLost);
    CHECK(client->progress().state == State::Ready);
    CHECK(client->progress().error == Error{});
}

TEST_CASE("a host that stays away is tried again and again, twice in one plan, and the plan waits for it") {
    const auto server = server_with_worker();
    const auto client = connect();
    const Plan plan = lasting_plan();
    client->run(plan);
    for (const std::size_t item : {0, 2}) {
        samples_while_running(*client, item);
        server->stop();
        REQUIRE(eventually([&] { // the first attempt was in vain
            const Error error = client->progress().error;
            return client->progress().state == State::Reconnecting && error.why.find("no ssh server answers") != std::string::npos;
        }));
        CHECK_FALSE(client->wait(0));
        server->start();
    }
    REQUIRE(client->wait(kPatience));
    check_complete(*client->session(), plan);
    CHECK(client->session()->failures.size() == 2);
}

TEST_CASE("a plan that waits for a lost connection can be cancelled, and keeps what was measured") {
    const auto server = server_with_worker();
    const auto client = connect();
    client->run(lasting_plan());
    samples_while_running(*client, 1);
    server->stop();
    REQUIRE(eventually([&] { return client->progress().state == State::Reconnecting; }));
    client->cancel();
    REQUIRE(client->wait(kPatience));
    const SessionPtr session = client->session();
    CHECK(session->runs[0].state == RunRecord::State::Cancelled);
    CHECK(session->measurements[0].state == Measurement::State::Done);
    CHECK(session->measurements[1].state == Measurement::State::Cancelled);
    CHECK_FALSE(session->measurements[1].samples_ns.empty());

    server->start();
    client->run(small_plan({"softmax_topk"})); // waits for the next attempt
    client->reconnect();
    REQUIRE(client->wait(kPatience));
    CHECK(client->session()->runs[1].state == RunRecord::State::Done);
}

TEST_CASE("a worker killed behind ssh is told from a lost connection, and its successor goes on without what killed it") {
    const auto server = server_with_worker();
    const auto client = connect();
    const Plan plan = lasting_plan();
    client->run(plan);
    samples_while_running(*client, 0);
    server->kill_workers();
    REQUIRE(client->wait(kPatience));
    const SessionPtr session = client->session();
    CHECK(session->measurements[0].state == Measurement::State::Failed);
    CHECK(session->measurements[0].failure.what.find("SIGKILL") != std::string::npos);
    for (std::size_t i = 1; i < 4; ++i)
        CHECK(session->measurements[i].state == Measurement::State::Done);
    REQUIRE(session->failures.size() == 1);
    CHECK(session->failures[0].where == "worker");
}

TEST_CASE("the worker is copied with its libraries, summed up, started, and then found") {
    const auto server = server_with_worker();
    std::filesystem::remove(server->bin() / "moescope-worker");
    const RemoteHost host = *parse_remote_host("gpu");
    CopyProgress progress;
    const Result<std::string> path = copy_worker(host, MOESCOPE_WORKER_PATH, SshQuestions::Refused, progress);
    INFO((path ? "" : path.error().sentence()));
    REQUIRE(path);
    CHECK(progress.sent == progress.total);
    CHECK(progress.total > 1'000'000);
    CHECK(path->starts_with((server->home() / ".local/share/moescope/worker-" MOESCOPE_VERSION "-").string()));
    const std::filesystem::path folder = std::filesystem::path(*path).parent_path();
    const auto others = std::distance(std::filesystem::directory_iterator(folder.parent_path()), {});
    CHECK(others == 1); // nothing half arrived beside it

    const RemoteAnswer there = look_at_host(host, SshQuestions::Refused);
    CHECK(there.failure.trouble == RemoteTrouble::None);
    REQUIRE(there.facts.workers.size() == 1);
    CHECK(there.facts.workers[0] == RemoteFacts::Worker{*path, worker_version_line()});
    CHECK(there.facts.free_bytes > 0);

    // Its libraries are those beside it.
    const std::string ldd = test::Program({"ldd", *path}).wait(20s).output;
    CHECK(ldd.find("libstdc++.so.6 => " + folder.string()) != std::string::npos);
    CHECK(ldd.find("not found") == std::string::npos);

    const auto client = connect();
    const Plan plan = small_plan({"softmax_topk"});
    client->run(plan);
    REQUIRE(client->wait(kPatience));
    check_complete(*client->session(), plan);
}

TEST_CASE("a copied worker takes the C++ runtime of a host that cannot load the one that came along") {
    const auto server = server_with_worker();
    std::filesystem::remove(server->bin() / "moescope-worker");
    server->install_script("/usr/bin/sha256sum \"$@\" && echo no library >libstdc++.so.6", "sha256sum");
    CopyProgress progress;
    const Result<std::string> path = copy_worker(*parse_remote_host("gpu"), MOESCOPE_WORKER_PATH, SshQuestions::Refused, progress);
    INFO((path ? "" : path.error().sentence()));
    REQUIRE(path);
    CHECK_FALSE(std::filesystem::exists(std::filesystem::path(*path).parent_path() / "libstdc++.so.6"));
}

TEST_CASE("a copy that arrives damaged, or does not start, is thrown away and said so") {
    const auto server = server_with_worker();
    std::filesystem::remove(server->bin() / "moescope-worker");
    const RemoteHost host = *parse_remote_host("gpu");
    const std::filesystem::path copies = server->home() / ".local/share/moescope";
    const std::filesystem::path small = server->home() / "worker";
    std::filesystem::copy_file("/bin/true", small);
    CopyProgress progress;
    const Result<std::string> silent = copy_worker(host, small, SshQuestions::Refused, progress);
    REQUIRE_FALSE(silent); // it starts and does not say what a worker says
    CHECK(std::filesystem::is_empty(copies));

    // A tar that spoils what it unpacks.
    server->install_script("/usr/bin/tar \"$@\"; echo spoilt >>moescope-worker", "tar");
    CopyProgress again;
    const Result<std::string> damaged = copy_worker(host, MOESCOPE_WORKER_PATH, SshQuestions::Refused, again);
    REQUIRE_FALSE(damaged);
    CHECK(damaged.error().why.find("checksums differ") != std::string::npos);
    CHECK(std::filesystem::is_empty(copies));
}
