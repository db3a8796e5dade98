#include "app/views/source.h"

#include "app/views/variant_colour.h"
#include "profiler/session/session_builder.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

namespace {

DeviceInfo device(const char *id, const char *arch) {
    DeviceInfo info;
    info.id = id;
    info.arch = arch;
    return info;
}

WorkerClient::Progress worker_with(std::vector<DeviceInfo> devices) {
    WorkerClient::Progress progress;
    progress.state = WorkerClient::State::Ready;
    progress.devices = std::move(devices);
    return progress;
}

bool has(const std::string &text, const char *part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("an edited kernel is timed on the worker's device of its architecture", "[source]") {
    const auto progress = worker_with({device("cuda:0", "sm_80"), device("cuda:1", "sm_90a"), device("cpu", "")});
    CHECK(device_to_time_on(progress, "sm_90a").value() == "cuda:1");
    CHECK(has(device_to_time_on(progress, "sm_120").error().sentence(), "no sm_120 device: it has cuda:0, cuda:1, cpu"));
}

TEST_CASE("on the cpu and on a recorded session it is said why nothing can be timed", "[source]") {
    CHECK(has(device_to_time_on(worker_with({device("cpu", "")}), "sm_90a").error().sentence(), "reference implementations"));
    auto gone = worker_with({device("cuda:0", "sm_90a")}); // the recorded run's
    gone.state = WorkerClient::State::Gone;
    CHECK(has(device_to_time_on(gone, "sm_90a").error().sentence(), "recorded"));
}

TEST_CASE("an edited measurement asks for the source of its variant, with the edits of its run", "[source]") {
    SessionBuilder builder{"made up"};
    RunRecord run;
    run.plan.edits = {{"scatter2scatter.jit.cu", "int x;"}};
    Measurement m;
    m.run = builder.add_run(run);
    m.op = OperatorId::GateUp;
    m.variant = "fused (edited)";
    const Session session = builder.current();
    const SourceRequest request = source_request(session, m);
    CHECK(request.item.variant == "fused");
    CHECK(request.edits == run.plan.edits);
    m.variant = "fused";
    CHECK(source_request(session, m).edits.empty());
}

TEST_CASE("an edited variant has a colour of its own", "[source]") {
    CHECK(variant_series(OperatorId::GateUp, "fused (edited)") != variant_series(OperatorId::GateUp, "fused"));
    CHECK(variant_series(OperatorId::GateUp, "fused (edited)") == variant_series(OperatorId::Down, "fused (edited)"));
}
