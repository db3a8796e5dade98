// The client against the real worker, on the cpu device.
#include "profiler/base/clock.h"
#include "profiler/client/worker_client.h"
#include "profiler/session/session_file.h"
#include "profiler/workload/cost.h"
#include "tests/profiler/client/small_plan.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <unistd.h>

using namespace moescope;
using namespace moescope::testing;
using namespace std::chrono_literals;

namespace {

constexpr double kPatience = 60; // seconds

std::unique_ptr<WorkerClient> real_worker(SessionPtr start = nullptr, const std::filesystem::path &autosave = {}) {
    return WorkerClient::start({{MOESCOPE_WORKER_PATH}, "this machine"}, std::move(start), autosave);
}

bool has_samples(const WorkerClient &client) {
    for (const Measurement &measurement : client.session()->measurements)
        if (measurement.state == Measurement::State::Running && !measurement.samples_ns.empty())
            return true;
    return false;
}

// Processes whose parent is this one, by /proc.
std::vector<pid_t> children() {
    std::vector<pid_t> found;
    for (const auto &task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream file(task.path() / "children");
        for (pid_t pid = 0; file >> pid;)
            found.push_back(pid);
    }
    return found;
}

std::filesystem::path scratch_file(const std::string &name) {
    return std::filesystem::temp_directory_path() / (std::to_string(getpid()) + "-" + name);
}

} // namespace

TEST_CASE("a plan on the cpu is measured end to end, every operator and variant") {
    using Names = std::vector<std::string>;
    const auto client = real_worker();
    const Plan plan = small_plan(GENERATE(Names{}, Names{"logprob"}));
    client->run(plan);
    REQUIRE(client->wait(kPatience));

    CHECK(client->progress().state == WorkerClient::State::Ready);
    CHECK(client->progress().error == Error{});
    REQUIRE_FALSE(client->progress().devices.empty());
    CHECK(client->progress().devices.back().id == "cpu");

    const SessionPtr session = client->session();
    REQUIRE(session->runs.size() == 1);
    CHECK(session->runs[0].state == RunRecord::State::Done);
    CHECK(session->runs[0].device.id == "cpu");
    CHECK(session->runs[0].finished_ns > session->runs[0].started_ns);
    CHECK(session->failures.empty());

    REQUIRE(session->routings.size() == 1);
    std::int64_t slots = 0;
    for (std::int32_t count : session->routings[0].counts)
        slots += count;
    CHECK(slots == plan.workload.slots());
    CHECK(session->routings[0].sample_ids.size() == std::size_t(plan.workload.slots()));

    REQUIRE(session->measurements.size() == plan.items.size());
    for (const Measurement &measurement : session->measurements) {
        INFO(info(measurement.op).name << "/" << measurement.variant << ": " << measurement.failure.sentence());
        CHECK(measurement.state == Measurement::State::Done);
        CHECK(measurement.timer == Measurement::Timer::HostClock);
        CHECK(measurement.time.median > 0);
        CHECK(measurement.time.samples == measurement.samples_ns.size());
        CHECK(measurement.floor_ns > 0);
        CHECK(measurement.input_bytes > 0);
        CHECK(measurement.output_bytes > 0);
        CHECK(measurement.peak_bytes >= measurement.output_bytes);
        CHECK(measurement.relative_error < 0.01); // -1 where there is nothing to compare with
    }
    CHECK_FALSE(session->memory.empty());
    std::int64_t live = 0;
    for (const MemoryRecord &record : session->memory) {
        live += record.bytes;
        CHECK_FALSE(session->name(record.label).empty());
    }
    CHECK(live == 0); // everything a run allocates it frees
}

TEST_CASE("ceilings are measured on request, hold for the next run and are known to the next worker") {
    const test::TemporaryFolder folder;
    const test::Environment cache("MOESCOPE_CACHE_DIR", folder.path().string());
    const std::int64_t before = now_ns();
    auto client = real_worker();
    REQUIRE(client->wait(kPatience));
    CHECK_FALSE(client->progress().devices.back().ceilings.flops_measured);

    client->measure_ceilings("cpu");
    client->run(small_plan({"gate_up"}));
    REQUIRE(client->wait(kPatience));
    CHECK(client->progress().error == Error{});
    const Ceilings measured = client->progress().devices.back().ceilings;
    CHECK(measured.bytes_measured);
    CHECK(measured.flops_measured);
    CHECK(measured.bytes_per_second > 1e8);
    CHECK(measured.flops_per_second > 1e8);
    CHECK(measured.flops_measured_ns > before);
    CHECK(measured.flops_measured_ns < now_ns());

    const SessionPtr session = client->session();
    REQUIRE(session->runs.size() == 1);
    CHECK(session->runs[0].device.ceilings == measured);
    const Measurement &first = session->measurements[0];
    CHECK(first.floor_ns == floor_ns(first.cost, measured));

    client = real_worker();
    REQUIRE(client->wait(kPatience));
    CHECK(client->progress().devices.back().ceilings == measured);
}

TEST_CASE("the ceilings of a device that is not there are refused, and the next plan runs") {
    const auto client = real_worker();
    client->measure_ceilings("cuda:99");
    REQUIRE(client->wait(kPatience));
    CHECK(client->progress().error.what.find("cuda:99") != std::string::npos);
    CHECK(client->progress().state == WorkerClient::State::Ready);
    client->run(small_plan({"gate_up"}));
    REQUIRE(client->wait(kPatience));
    CHECK(client->session()->runs[0].state == RunRecord::State::Done);
}

TEST_CASE("the LoRA variants agree on the cpu, and say what they were compared with") {
    const auto client = real_worker();
    client->run(small_plan({"gate_up"}));
    REQUIRE(client->wait(kPatience));
    const SessionPtr session = client->session();
    REQUIRE(session->measurements.size() == 4);
    for (const Measurement &measurement : session->measurements)
        if (measurement.variant == "split" || measurement.variant == "extra_k") {
            CHECK(measurement.reference == "fused");
            CHECK(measurement.relative_error >= 0);
            CHECK(measurement.relative_error < 0.01);
        }
}

TEST_CASE("the variants of the gradients agree on the cpu") {
    const auto client = real_worker();
    client->run(small_plan({"gate_up_dx", "down_dx", "gate_up_lora_grad", "down_lora_grad"}));
    REQUIRE(client->wait(kPatience));
    const SessionPtr session = client->session();
    REQUIRE(session->measurements.size() == 12);
    int compared = 0;
    for (const Measurement &measurement : session->measurements) {
        INFO(info(measurement.op).name << "/" << measurement.variant << ": "
                                       << measurement.failure.sentence());
        CHECK(measurement.state == Measurement::State::Done);
        CHECK(measurement.floor_ns > 0);
        CHECK(measurement.relative_error < 0.01); // -1 where there is nothing to compare with
        compared += measurement.relative_error >= 0;
    }
    CHECK(compared == 4); // extra_k with split, recompute with gram
}

TEST_CASE("the variants of the whole layer agree on the cpu") {
    const auto client = real_worker();
    client->run(small_plan({"moe_mlp", "moe_mlp_backward"}));
    REQUIRE(client->wait(kPatience));
    const SessionPtr session = client->session();
    int done = 0, compared = 0;
    for (const Measurement &measurement : session->measurements) {
        INFO(info(measurement.op).name << "/" << measurement.variant << ": "
                                       << measurement.failure.sentence());
        CHECK(measurement.state == Measurement::State::Done);
        CHECK(measurement.floor_ns > 0);
        CHECK(measurement.relative_error < 0.02); // -1 where there is nothing to compare with
        ++done;
        compared += measurement.relative_error >= 0;
    }
    CHECK(done >= 7);
    // split and extra_k with fused, both selective with their nf4_in_kernel; backward, extra_k with split
    CHECK(compared == 5);
}

TEST_CASE("the same seed gives the same routing, another seed another") {
    const auto client = real_worker();
    Plan plan = small_plan({"softmax_topk"});
    client->run(plan);
    client->run(plan);
    plan.workload.seed = 2;
    client->run(plan);
    REQUIRE(client->wait(kPatience));
    const SessionPtr session = client->session();
    REQUIRE(session->routings.size() == 3);
    CHECK(session->routings[0].sample_ids == session->routings[1].sample_ids);
    CHECK(session->routings[0].sample_ids != session->routings[2].sample_ids);
}

TEST_CASE("samples are seen while they come, and a cancelled run keeps them") {
    const auto client = real_worker();
    client->run(endless_plan());
    REQUIRE(eventually([&] { return has_samples(*client); }));
    CHECK(client->progress().state == WorkerClient::State::Running);

    client->cancel();
    REQUIRE(client->wait(kPatience));
    const SessionPtr session = client->session();
    CHECK(session->runs[0].state == RunRecord::State::Cancelled);
    CHECK(session->measurements[0].state == Measurement::State::Cancelled);
    CHECK_FALSE(session->measurements[0].samples_ns.empty());
    CHECK(client->progress().state == WorkerClient::State::Ready); // the worker was not killed for it
}

TEST_CASE("a worker in the middle of one long call is ended when stopped, and replaced without alarm") {
    const auto client = real_worker();
    Plan plan = small_plan({"gate_up"});
    plan.workload.model.hidden = 2048;
    plan.workload.model.intermediate = 2048;
    plan.workload.tokens = 16384; // one call of the reference takes minutes
    client->run(plan);
    REQUIRE(eventually([&] {
        const SessionPtr session = client->session();
        return !session->measurements.empty() && session->measurements[0].state == Measurement::State::Running;
    }));
    client->cancel();
    REQUIRE(client->wait(kPatience));
    const SessionPtr session = client->session();
    CHECK(session->runs[0].state == RunRecord::State::Cancelled);
    CHECK(session->failures.empty());
    const WorkerClient::Progress progress = client->progress();
    CHECK(progress.state == WorkerClient::State::Ready);
    CHECK(progress.error.what.empty());
    CHECK(progress.doing.empty());

    client->run(small_plan({"route_metadata"}));
    REQUIRE(client->wait(kPatience));
    CHECK(client->session()->runs[1].state == RunRecord::State::Done);
}

TEST_CASE("a replacing plan cancels the one that runs") {
    const auto client = real_worker();
    client->run(endless_plan());
    REQUIRE(eventually([&] { return has_samples(*client); }));
    client->run(small_plan({"route_metadata"}), true);
    REQUIRE(client->wait(kPatience));
    const SessionPtr session = client->session();
    REQUIRE(session->runs.size() == 2);
    CHECK(session->runs[0].state == RunRecord::State::Cancelled);
    CHECK(session->runs[1].state == RunRecord::State::Done);
}

// Ends the only worker without a word.
static void kill_worker() {
    const std::vector<pid_t> workers = children();
    REQUIRE(workers.size() == 1);
    REQUIRE(kill(workers.front(), SIGKILL) == 0);
}

TEST_CASE("a killed worker is reported, and its successor does the rest of the plan without what killed it") {
    const auto client = real_worker();
    Plan plan = small_plan({"gate_up"});
    plan.repetition.min_samples = plan.repetition.max_samples = 100'000;
    plan.repetition.max_seconds = 1;
    REQUIRE(plan.items.size() == 4);
    client->run(plan);
    REQUIRE(eventually([&] { return has_samples(*client); }));
    kill_worker();
    REQUIRE(client->wait(kPatience));

    const SessionPtr session = client->session();
    REQUIRE(session->runs.size() == 1);
    CHECK(session->runs[0].state == RunRecord::State::Done);
    CHECK(session->routings.size() == 1);
    CHECK(session->measurements[0].state == Measurement::State::Failed);
    CHECK(session->measurements[0].failure.what.find("SIGKILL") != std::string::npos);
    CHECK_FALSE(session->measurements[0].samples_ns.empty()); // what was measured is kept
    for (std::size_t i = 1; i < 4; ++i) {
        CHECK(session->measurements[i].state == Measurement::State::Done);
        CHECK(session->measurements[i].variant == plan.items[i].variant);
    }
    REQUIRE(session->failures.size() == 1);
    CHECK(session->failures[0].where == "worker");
    CHECK(session->failures[0].error.remedy == "another worker goes on without gate_up/" + plan.items[0].variant);
    CHECK(client->progress().error == session->failures[0].error);
    std::int64_t live = 0;
    for (const MemoryRecord &record : session->memory) {
        live += record.bytes;
        CHECK(record.run == RunId{0});
    }
    CHECK(live == 0); // the dead worker's memory went with it
    CHECK(children().size() == 1);
}

TEST_CASE("a plan goes on once: what is left when the second worker dies is not run") {
    const auto client = real_worker();
    Plan plan = endless_plan();
    plan.items.resize(1);
    plan.items.resize(3, plan.items.front());
    client->run(plan);
    for (std::size_t item = 0; item < 2; ++item) {
        REQUIRE(eventually([&] {
            const SessionPtr session = client->session();
            return session->measurements.size() == 3 && !session->measurements[item].samples_ns.empty();
        }));
        kill_worker();
    }
    REQUIRE(client->wait(kPatience));
    const SessionPtr session = client->session();
    CHECK(session->runs[0].state == RunRecord::State::Failed);
    CHECK(session->measurements[0].state == Measurement::State::Failed);
    CHECK(session->measurements[1].state == Measurement::State::Failed);
    CHECK(session->measurements[2].state == Measurement::State::Cancelled);
    CHECK(session->measurements[2].failure.what == "not run");
    CHECK(session->failures.size() == 2);
    CHECK(client->progress().state == WorkerClient::State::Ready);

    client->run(small_plan({"softmax_topk"}));
    REQUIRE(client->wait(kPatience));
    CHECK(client->session()->runs[1].state == RunRecord::State::Done);
    CHECK(children().size() == 1);
}

TEST_CASE("a plan that is wrong is refused with its sentence and adds no run") {
    const auto client = real_worker();
    Plan plan = small_plan({"softmax_topk"});
    plan.workload.model.top_k = 9;
    client->run(plan);
    REQUIRE(client->wait(kPatience));
    CHECK(client->progress().error.sentence().find("9") != std::string::npos);
    CHECK(client->session()->runs.empty());
    CHECK(client->session()->failures.size() == 1);
}

TEST_CASE("an unknown device fails the run and names the devices there are") {
    const auto client = real_worker();
    Plan plan = small_plan({"softmax_topk"});
    plan.device = "cuda:77";
    client->run(plan);
    REQUIRE(client->wait(kPatience));
    const SessionPtr session = client->session();
    REQUIRE(session->runs.size() == 1);
    CHECK(session->runs[0].state == RunRecord::State::Failed);
    CHECK(session->measurements[0].state == Measurement::State::Cancelled);
    REQUIRE(session->failures.size() == 1);
    CHECK(session->failures[0].error.sentence().find("cpu") != std::string::npos);
}

TEST_CASE("a shape that does not fit says how many bytes it needs and how many there are") {
    const auto client = real_worker();
    Plan plan = small_plan({"gate_up"});
    plan.workload.model.experts = 4096;
    plan.workload.model.hidden = plan.workload.model.intermediate = 65536;
    client->run(plan);
    REQUIRE(client->wait(kPatience));
    const SessionPtr session = client->session();
    REQUIRE_FALSE(session->measurements.empty());
    CHECK(session->measurements[0].state == Measurement::State::Failed);
    const std::string sentence = session->measurements[0].failure.sentence();
    CHECK(sentence.find("needs") != std::string::npos);
    CHECK(sentence.find("free") != std::string::npos);
}

TEST_CASE("the autosaved file has what the session has, and a session can be continued") {
    const std::filesystem::path path = scratch_file("autosave.moescope");
    {
        const auto client = real_worker(nullptr, path);
        client->run(small_plan({"softmax_topk"}));
        REQUIRE(client->wait(kPatience));
        CHECK(client->session()->failures.empty());
        CHECK(client->session()->path == path.string());
    }
    const Result<Session> read = read_session(path);
    REQUIRE(read.ok());
    CHECK(read->runs.size() == 1);
    CHECK(read->measurements[0].state == Measurement::State::Done);

    const auto client = real_worker(std::make_shared<const Session>(*read));
    client->run(small_plan({"softmax_topk"}));
    REQUIRE(client->wait(kPatience));
    CHECK(client->session()->runs.size() == 2);
    std::filesystem::remove(path);
}

TEST_CASE("an unwritable autosave path is reported once and the run goes on") {
    const auto client = real_worker(nullptr, "/nonexistent-folder/x.moescope");
    client->run(small_plan({"softmax_topk"}));
    REQUIRE(client->wait(kPatience));
    const SessionPtr session = client->session();
    CHECK(session->runs[0].state == RunRecord::State::Done);
    REQUIRE(session->failures.size() == 1);
    CHECK(session->failures[0].where == "session file");
}

TEST_CASE("changes are announced, and none of the calls waits for the worker") {
    std::atomic<int> changes = 0;
    const auto client = real_worker();
    client->on_change([&] { ++changes; });
    const auto before = std::chrono::steady_clock::now();
    client->run(small_plan({"softmax_topk"}));
    client->cancel();
    (void)client->session();
    (void)client->progress();
    CHECK(std::chrono::steady_clock::now() - before < 50ms);
    REQUIRE(client->wait(kPatience));
    CHECK(changes > 0);
    client->on_change({});
}

TEST_CASE("destroying the client ends the worker") {
    {
        const auto client = real_worker();
        client->run(endless_plan());
        REQUIRE(eventually([&] { return has_samples(*client); }));
    }
    CHECK(children().empty());
}

TEST_CASE("a kernel's source comes from the worker by its question's number, and once", "[source]") {
    const auto client = real_worker();
    SourceRequest request;
    request.workload = small_workload();
    request.workload.model.hidden = request.workload.model.intermediate = 256;
    request.item = {OperatorId::GateUp, "base", {}};
    request.arch = "sm_80";
    const std::uint64_t first = client->ask_source(request);
    request.item = {OperatorId::RouteMetadata, std::string(info(OperatorId::RouteMetadata).variants.front().name), {}};
    const std::uint64_t second = client->ask_source(request);
    CHECK(first != second);
    REQUIRE(client->wait(kPatience));
    const auto refused = client->take_source(second), answer = client->take_source(first);
    REQUIRE(refused);
    REQUIRE(answer);
    CHECK(client->take_source(first) == nullptr);
    CHECK(refused->error != Error{});
    if (answer->error != Error{})
        SKIP("this worker has no kernels that are compiled at run time: " << answer->error.sentence());
    CHECK(refused->error.why.find("not at run time") != std::string::npos);
    CHECK(answer->arch == "sm_80");
    CHECK(answer->files.front().name == "scatter2scatter.jit.cu");
    CHECK(answer->files.front().text.find("__global__") != std::string::npos);
}

TEST_CASE("an edited kernel is not run on the cpu, and the reason comes back", "[source]") {
    const auto client = real_worker();
    Plan plan = small_plan({"gate_up"});
    plan.items.resize(1);
    client->run(retiming_plan(plan, plan.items[0], {{"scatter2scatter.jit.cu", "int x;"}}));
    REQUIRE(client->wait(kPatience));
    CHECK(client->progress().error.sentence().find("reference implementations") != std::string::npos);
    CHECK(client->session()->measurements.empty());

    plan.device = "auto"; // becomes the cpu where there is no GPU: known to the worker alone
    if (client->progress().devices.size() > 1)
        SKIP("this machine has a GPU");
    client->run(retiming_plan(plan, plan.items[0], {{"scatter2scatter.jit.cu", "int x;"}}));
    REQUIRE(client->wait(kPatience));
    REQUIRE_FALSE(client->session()->failures.empty());
    CHECK(client->session()->failures.back().error.sentence().find("reference implementations") != std::string::npos);
}
