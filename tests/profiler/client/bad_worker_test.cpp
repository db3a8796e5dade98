// The client against programs that are no worker, or not the right one.
#include "profiler/client/worker_client.h"
#include "profiler/client/worker_link.h"
#include "profiler/protocol/codec.h"
#include "profiler/protocol/framing.h"
#include "tests/profiler/client/small_plan.h"

#include <catch2/catch_test_macros.hpp>

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

using namespace moescope;
using namespace moescope::testing;

namespace {

constexpr double kPatience = 60;

// Runs `script` in sh as the worker, with a plan waiting for it, until it is given up.
std::unique_ptr<WorkerClient> given_up(const std::string &script) {
    auto client = WorkerClient::start({{"sh", "-c", script}, "a test"});
    client->run(small_plan({"softmax_topk"}));
    REQUIRE(client->wait(kPatience));
    CHECK(client->progress().state == WorkerClient::State::Gone);
    return client;
}

// A shell command that prints a message's frame.
std::string print_command(const wire::FromWorker &message) {
    std::string escaped;
    const std::string framed = frame(message.SerializeAsString()).value();
    for (const char byte : framed)
        escaped += fmt::format("\\{:03o}", static_cast<unsigned char>(byte));
    return "printf '" + escaped + "'";
}

wire::FromWorker hello(std::uint32_t protocol, const std::string &build) {
    wire::FromWorker message;
    message.mutable_hello()->set_protocol_version(protocol);
    message.mutable_hello()->set_build_version(build);
    return message;
}

wire::FromWorker one_device() {
    wire::FromWorker message;
    message.mutable_devices()->add_devices()->set_id("cpu");
    return message;
}

} // namespace

TEST_CASE("a program that prints something else is quoted") {
    const auto client = given_up("echo 'Welcome to node7'; echo 'no such module' >&2; sleep 20");
    const std::string sentence = client->progress().error.sentence();
    CHECK(sentence.find("Welcome to node7") != std::string::npos);
}

TEST_CASE("a worker of another version is refused by its version, and told what to do") {
    const auto client = given_up(print_command(hello(kProtocolVersion + 1, "9.9.9")) + "; sleep 20");
    const Error error = client->progress().error;
    CHECK(error.what.find("9.9.9") != std::string::npos);
    CHECK(error.why.find(MOESCOPE_VERSION) != std::string::npos);
    CHECK_FALSE(error.remedy.empty());
}

TEST_CASE("a worker that dies at once leaves its last words") {
    const auto client = given_up("echo 'libcupti.so.13: cannot open shared object file' >&2; exit 127");
    CHECK(client->progress().error.what.find("status 127") != std::string::npos);
    CHECK(client->progress().error.why.find("libcupti.so.13") != std::string::npos);
    CHECK(client->progress().last_words.find("libcupti.so.13") != std::string::npos);
    CHECK(client->session()->runs.empty());
}

TEST_CASE("a program that does not exist is an error that names it") {
    auto client = WorkerClient::start({{"/nonexistent/moescope-worker"}, "a test"});
    REQUIRE(client->wait(kPatience));
    CHECK(client->progress().state == WorkerClient::State::Gone);
    CHECK(client->progress().error.sentence().find("/nonexistent/moescope-worker") != std::string::npos);
}

TEST_CASE("a worker that speaks before it greets is refused") {
    const auto client = given_up(print_command(one_device()) + "; sleep 20");
    CHECK(client->progress().error.what.find("hello") != std::string::npos);
}

TEST_CASE("a worker that greets has time of its own to name its devices, and is given up by what it did not say") {
    const auto of_script = [](const std::string &after) {
        WorkerCommand command{{"sh", "-c", print_command(hello(kProtocolVersion, MOESCOPE_VERSION)) + "; " + after}, "gpu"};
        command.patience = std::chrono::seconds(1);
        return command;
    };
    const auto slow = WorkerClient::start(of_script("sleep 2.5; " + print_command(one_device()) + "; sleep 20"));
    REQUIRE(slow->wait(kPatience));
    CHECK(slow->progress().state == WorkerClient::State::Ready);

    WorkerCommand command = of_script("sleep 20");
    command.device_patience = std::chrono::seconds(2);
    command.remote = true;
    const auto client = WorkerClient::start(command);
    REQUIRE(client->wait(kPatience));
    CHECK(client->progress().state == WorkerClient::State::Gone);
    CHECK(client->progress().trouble == RemoteTrouble::Other);
    const Error error = client->progress().error;
    CHECK(error.what == "the worker on gpu did not name its devices");
    CHECK(error.why == "it greeted, and nothing more came for 2 s");
    CHECK(error.remedy.find("ssh gpu nvidia-smi") != std::string::npos);
}

TEST_CASE("a frame cut off by the worker's death is a death, not a crash") {
    const auto client = given_up(print_command(hello(kProtocolVersion, MOESCOPE_VERSION)) + "; printf 'MoES\\377'; kill -s SEGV $$");
    CHECK(client->progress().error.what.find("SIGSEGV") != std::string::npos);
}

TEST_CASE("a worker that dies on every run is restarted a few times and then given up") {
    const std::string script = print_command(hello(kProtocolVersion, MOESCOPE_VERSION)) + "; " +
                               print_command(one_device()) + "; head -c 200 >/dev/null; echo 'cuda error' >&2; exit 3";
    auto client = WorkerClient::start({{"sh", "-c", script}, "a test"});
    for (int i = 0; i < 8; ++i)
        client->run(small_plan({"softmax_topk"}));
    REQUIRE(client->wait(kPatience));
    const auto progress = client->progress();
    CHECK(progress.state == WorkerClient::State::Gone);
    CHECK(progress.error.remedy.find("restarted") != std::string::npos);
    const SessionPtr session = client->session();
    CHECK(session->runs.size() == 4); // the first and three restarts
    for (const RunRecord &run : session->runs)
        CHECK(run.state == RunRecord::State::Failed);
}

TEST_CASE("a message with a value this version does not know is refused by its field") {
    wire::FromWorker message;
    message.mutable_run_finished()->set_request(1);
    message.mutable_run_finished()->set_state(static_cast<wire::RunState>(99));
    const std::string script = print_command(hello(kProtocolVersion, MOESCOPE_VERSION)) + "; " +
                               print_command(one_device()) + "; head -c 200 >/dev/null; " + print_command(message) +
                               "; sleep 20";
    const auto client = given_up(script);
    CHECK(client->progress().error.sentence().find("run state") != std::string::npos);
    CHECK(client->session()->runs[0].state == RunRecord::State::Failed);
}

TEST_CASE("a run that is cancelled before the worker comes to it is answered") {
    Result<std::unique_ptr<WorkerLink>> started = WorkerLink::start({MOESCOPE_WORKER_PATH});
    REQUIRE(started);
    WorkerLink &link = **started;
    wire::ToWorker run, cancel;
    run.mutable_run()->set_request(7);
    to_wire(endless_plan(), run.mutable_run()->mutable_plan());
    cancel.mutable_cancel()->set_request(7);
    link.send(run); // while it starts: all three wait in the pipe together
    link.send(cancel);
    const Result<Pipe> nobody = make_pipe(false);
    REQUIRE(nobody);
    std::vector<wire::RunFinished> finished;
    for (int looks = 0; finished.empty() && looks < 600; ++looks) {
        link.wait_for_activity(nobody->read, 100);
        const auto messages = link.receive();
        REQUIRE(messages);
        for (const wire::FromWorker &message : *messages)
            if (message.has_run_finished())
                finished.push_back(message.run_finished());
    }
    REQUIRE(finished.size() == 1);
    CHECK(finished[0].request() == 7);
    CHECK(finished[0].state() == wire::RUN_CANCELLED);
}
