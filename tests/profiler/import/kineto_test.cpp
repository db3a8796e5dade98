#include "profiler/export/exporters.h"
#include "profiler/import/kineto.h"
#include "profiler/import/trace_reader.h"
#include "profiler/session/session_file.h"
#include "tests/support/sample_session.h"
#include "tests/support/session_equality.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>
#include <zlib.h>

#include <algorithm>
#include <map>
#include <string>

using namespace moescope;

namespace {

const std::filesystem::path kFolder = MOESCOPE_TEST_DATA "/profiler/import";
constexpr std::int64_t kBase = 1'767'225'600'000'000'000;

Session gpu_step() {
    auto session = import_kineto(kFolder / "gpu_step.json");
    REQUIRE(session.ok());
    return std::move(*session);
}

std::string refused(const std::string &text, const TraceLimits &limits = {}) {
    const test::TemporaryFolder folder;
    test::write_bytes(folder / "a.json", text);
    const auto session = import_kineto(folder / "a.json", limits);
    REQUIRE_FALSE(session.ok());
    CHECK(session.error().what.find("a.json") != std::string::npos);
    return session.error().sentence();
}

void write_gzip(const std::filesystem::path &path, const std::string &text) {
    gzFile file = gzopen(path.c_str(), "wb");
    REQUIRE(file != nullptr);
    REQUIRE(gzwrite(file, text.data(), unsigned(text.size())) == int(text.size()));
    gzclose(file);
}

} // namespace

TEST_CASE("decimal microseconds become nanoseconds exactly") {
    CHECK(nanoseconds_of("4410479814871.196") == 4'410'479'814'871'196);
    CHECK(nanoseconds_of("0.001") == 1);
    CHECK(nanoseconds_of("1.5") == 1'500);
    CHECK(nanoseconds_of("12") == 12'000);
    CHECK(nanoseconds_of("1.23456789") == 1'234);
    CHECK(nanoseconds_of("-2.5") == -2'500);
    CHECK(nanoseconds_of("1.5e3") == 1'500'000);
    CHECK(nanoseconds_of("1767225600000000.123") == 1'767'225'600'000'000'123);
    CHECK_FALSE(nanoseconds_of("99999999999999999999.9").has_value());
    CHECK_FALSE(nanoseconds_of("1e300").has_value());
    CHECK_FALSE(nanoseconds_of("").has_value());
}

TEST_CASE("a GPU's training step becomes kernels, calls, operators, copies and a ledger") {
    const Session session = gpu_step();
    CHECK(session.title == "gpu_step.json (PyTorch trace)");
    CHECK(session.origin == Origin::Recorded);
    REQUIRE(session.runs.size() == 1); // the second GPU ran nothing
    const RunRecord run = session.runs[0];
    CHECK(run.device.id == "cuda:0");
    CHECK(run.device.name == "NVIDIA H100 80GB HBM3");
    CHECK(run.device.arch == "sm_90");
    CHECK(run.device.runtime == "13.0");
    CHECK(run.device.multiprocessors == 132);
    CHECK(run.device.smem_per_block_optin_bytes == 232'448);
    CHECK(run.state == RunRecord::State::Done);
    CHECK(session.measurements.empty());

    REQUIRE(session.kernels.size() == 2);
    const KernelRecord k = session.kernels[0];
    CHECK(session.name(k.name) == "void at::native::elementwise_kernel<128, 4, \"odd\">(int)");
    CHECK(k.start_ns == kBase + 2'871'000'140'123);
    CHECK(k.end_ns - k.start_ns == 41'377);
    CHECK(k.correlation == 101);
    CHECK(k.stream == 7);
    CHECK(k.grid == std::array<std::int32_t, 3>{16, 16, 1});
    CHECK(k.block == std::array<std::int32_t, 3>{384, 1, 1});
    CHECK(k.registers == 168);
    CHECK(k.theoretical_occupancy == 0.19f);
    CHECK(session.kernels[1].stream == 23);

    REQUIRE(session.api_calls.size() == 4);
    std::map<std::string, std::uint32_t, std::less<>> threads;
    for (const ApiRecord &call : session.api_calls) {
        CHECK(call.process == 4711);
        threads[std::string(session.name(call.name))] = call.thread;
    }
    CHECK(threads == std::map<std::string, std::uint32_t, std::less<>>{{"ProfilerStep#2", 4711},
                                                                       {"aten::mm", 4711},
                                                                       {"cudaLaunchKernel", 4711},
                                                                       {"cuLaunchKernelEx", 4712}});
    REQUIRE(session.copies.size() == 2);
    CHECK(session.copies[0].kind == CopyRecord::Kind::HostToDevice);
    CHECK(session.copies[0].bytes == 4'096);
    CHECK(session.copies[1].kind == CopyRecord::Kind::Set);
    REQUIRE(session.memory.size() == 2); // the host's allocation is not the device's
    CHECK(session.memory[0].bytes == 8'388'608);
    CHECK(session.memory[1].bytes == -8'388'608);
    CHECK(session.overheads.size() == 1);
    REQUIRE(session.failures.size() == 1); // the kernel that lost its duration
    CHECK(session.failures[0].error.what.find("1 events") != std::string::npos);
}

TEST_CASE("a trace that torch.profiler wrote on a CPU becomes its operators, nested on a thread") {
    const auto session = import_kineto(kFolder / "cpu_step.json.gz");
    REQUIRE(session.ok());
    CHECK(session->runs[0].device.is_cpu());
    CHECK(session->kernels.empty());
    CHECK(session->api_calls.size() > 600);
    const auto named = [&](std::string_view name) {
        return std::count_if(
            session->api_calls.begin(), session->api_calls.end(),
            [&](const ApiRecord &call) { return session->name(call.name) == name; });
    };
    CHECK(named("training step") == 1);
    CHECK(named("aten::topk") == 1);
    CHECK(named("Optimizer.step#SGD.step") == 1);
    for (const ApiRecord &call : session->api_calls) {
        CHECK(call.end_ns >= call.start_ns);
        CHECK(call.start_ns >= session->runs[0].started_ns);
        CHECK(call.end_ns <= session->runs[0].finished_ns);
    }
}

TEST_CASE("an imported trace is kept by a session file, and exported again with its rows") {
    const test::TemporaryFolder folder;
    const Session session = gpu_step();
    REQUIRE(save_session(session, folder / "a.moescope").ok());
    const auto read = open_session(folder / "a.moescope");
    REQUIRE(read.ok());
    CHECK(test::first_difference(session, *read) == "");

    REQUIRE(export_chrome_trace(session, folder / "again.json.gz").ok());
    const auto again = open_session(folder / "again.json.gz");
    REQUIRE(again.ok());
    CHECK(again->kernels.size() == session.kernels.size());
    CHECK(again->api_calls.size() == session.api_calls.size());
    CHECK(again->copies.size() == session.copies.size());
    std::int64_t before = 0, after = 0;
    for (const KernelRecord &k : session.kernels)
        before += k.end_ns - k.start_ns;
    for (const KernelRecord &k : again->kernels)
        after += k.end_ns - k.start_ns;
    CHECK(before == after);
}

TEST_CASE("a trace put into a session comes after it, moved as a whole") {
    const SessionPtr ours = test::sample_session();
    const Session alone = gpu_step();
    const auto both = append_kineto(*ours, kFolder / "gpu_step.json");
    REQUIRE(both.ok());
    CHECK(both->runs.size() == ours->runs.size() + 1);
    CHECK(both->measurements.size() == ours->measurements.size());
    REQUIRE(both->kernels.size() == ours->kernels.size() + alone.kernels.size());
    const auto first = std::ptrdiff_t(ours->kernels.size());
    std::int64_t end = 0;
    for (const KernelRecord &k : ours->kernels)
        end = std::max(end, k.end_ns);
    const std::int64_t moved =
        both->kernels[std::size_t(first)].start_ns - alone.kernels[0].start_ns;
    for (std::size_t i = 0; i < alone.kernels.size(); ++i) {
        const KernelRecord k = both->kernels[std::size_t(first) + i];
        CHECK(k.start_ns > end);
        CHECK(k.start_ns - alone.kernels[i].start_ns == moved);
        CHECK(both->name(k.name) == alone.name(alone.kernels[i].name));
        for (const KernelRecord &other : ours->kernels) // no launch of ours has its link
            CHECK(k.correlation > other.correlation);
        const auto calls = std::count_if(
            both->api_calls.begin(), both->api_calls.end(),
            [&](const ApiRecord &call) { return call.correlation == k.correlation; });
        CHECK(calls == 1);
    }
    CHECK(both->runs[ours->runs.size()].started_ns > end);
}

TEST_CASE("what is no trace is refused in one sentence that says why") {
    CHECK(refused("{\"traceEvents\": [{\"ph\": \"X\",") .find("not JSON from byte") !=
          std::string::npos);
    CHECK(refused("{\"a\": 1}").find("without traceEvents") != std::string::npos);
    CHECK(refused("{\"traceEvents\": []}").find("no kernels") != std::string::npos);
    CHECK(refused("{\"traceEvents\": 7}").find("without traceEvents") != std::string::npos);
    CHECK(refused("hello").find("not JSON") != std::string::npos);
    CHECK(refused("hello").find("json.exception") == std::string::npos);
    CHECK(refused("{\"traceEvents\": [\"\xff\xfe\"]}").find("not JSON") != std::string::npos);
    CHECK(refused("").find("empty") != std::string::npos);
    CHECK(refused(std::string(100'000, '[')).find("deeper than 64") != std::string::npos);
    const std::string late = R"({"traceEvents": [{"ph": "X", "cat": "kernel", "name": "k", "pid": 0,
        "tid": 7, "ts": 1500000000000000.0, "dur": 1}], "baseTimeNanoseconds": 9000000000000000000})";
    CHECK(refused(late).find("decades") != std::string::npos);
    const auto missing = import_kineto("/no/such/trace.json");
    REQUIRE_FALSE(missing.ok());
    CHECK(missing.error().sentence().find("no such file") != std::string::npos);
}

TEST_CASE("a trace beyond a limit is refused before it costs more") {
    const std::string event = R"({"ph": "X", "cat": "kernel", "name": "k", "ts": 1, "dur": 1},)";
    std::string many = "{\"traceEvents\": [";
    for (int i = 0; i < 100; ++i)
        many += event;
    many.back() = ']';
    many += "}";
    CHECK(refused(many, {.events = 50}).find("more than 50 events") != std::string::npos);
    CHECK(refused(many, {.text_bytes = 1'000}).find("more than 1000 bytes") != std::string::npos);
    const std::string token = "{\"a\": \"" + std::string(2'000'000, 'x') + "\"}";
    CHECK(refused(token, {.token_bytes = 1'000'000}).find("quotation mark") != std::string::npos);
}

TEST_CASE("a truncated or damaged gzip trace is refused as that") {
    const test::TemporaryFolder folder;
    std::string text = test::read_bytes(kFolder / "gpu_step.json");
    write_gzip(folder / "whole.json.gz", text);
    const std::string packed = test::read_bytes(folder / "whole.json.gz");
    CHECK(import_kineto(folder / "whole.json.gz").ok());
    test::write_bytes(folder / "half.json.gz", packed.substr(0, packed.size() / 2));
    const auto half = import_kineto(folder / "half.json.gz");
    REQUIRE_FALSE(half.ok());
    CHECK(half.error().why.find("truncated") != std::string::npos);
    std::string damaged = packed;
    for (std::size_t at = packed.size() / 2; at < packed.size() / 2 + 40; ++at)
        damaged[at] = char(damaged[at] ^ 0x5a);
    test::write_bytes(folder / "bad.json.gz", damaged);
    CHECK_FALSE(import_kineto(folder / "bad.json.gz").ok());
}

TEST_CASE("fields of odd types and sizes are absent, not dangerous") {
    const test::TemporaryFolder folder;
    test::write_bytes(folder / "odd.json", R"([
{"ph": "X", "cat": "kernel", "name": 7, "pid": "x", "tid": {"a": [1]}, "ts": 5, "dur": 1.5,
 "args": {"device": -3, "stream": 99999999999999999999, "correlation": 1e300, "grid": [1, [2], -7, 4, 5],
          "block": "[256, 1, 1]", "registers per thread": null, "bytes": true}},
{"ph": "X", "cat": "kernel", "name": "k", "ts": -5, "dur": -1},
{"ph": "X", "cat": "kernel", "name": "k", "ts": 1e18, "dur": 1e18},
{"ph": "X", "cat": ["kernel"], "ts": 5}, 17, [], null, {}
])");
    const auto session = import_kineto(folder / "odd.json");
    REQUIRE(session.ok());
    REQUIRE(session->kernels.size() == 1);
    const KernelRecord k = session->kernels[0];
    CHECK(k.start_ns == 5'000);
    CHECK(k.end_ns == 6'500);
    CHECK(k.device == 0);
    CHECK(k.stream == 0);
    CHECK(k.grid == std::array<std::int32_t, 3>{1, 0, 4});
    CHECK(k.block == std::array<std::int32_t, 3>{256, 1, 1});
    REQUIRE(session->failures.size() == 1);
    CHECK(session->failures[0].error.what.find("2 events") != std::string::npos);
    REQUIRE(save_session(*session, folder / "odd.moescope").ok());
    CHECK(read_session(folder / "odd.moescope").ok());
}

TEST_CASE("session files and traces are told apart by what they hold") {
    const test::TemporaryFolder folder;
    REQUIRE(save_session(*test::small_session(), folder / "session.json").ok());
    CHECK_FALSE(looks_like_trace(folder / "session.json"));
    CHECK(open_session(folder / "session.json").ok());
    CHECK(looks_like_trace(kFolder / "gpu_step.json"));
    CHECK(looks_like_trace(kFolder / "cpu_step.json.gz"));
    CHECK_FALSE(looks_like_trace(folder.path()));
    CHECK_FALSE(looks_like_trace(folder / "none"));
}

TEST_CASE("a broken file that is called a trace is told as a broken trace") {
    const test::TemporaryFolder folder;
    for (const char *name : {"broken.json", "broken.json.gz", "broken.moescope"})
        test::write_bytes(folder / name, "hello, this is neither");
    CHECK(open_session(folder / "broken.json").error().sentence().find("not JSON") != std::string::npos);
    CHECK(looks_like_trace(folder / "broken.json.gz"));
    CHECK(open_session(folder / "broken.moescope").error().sentence().find("session") != std::string::npos);
}
