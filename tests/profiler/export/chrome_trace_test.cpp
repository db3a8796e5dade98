#include "profiler/export/exporters.h"
#include "profiler/session/session_builder.h"
#include "tests/support/sample_session.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <regex>
#include <set>
#include <sstream>

using namespace moescope;
using nlohmann::json;

namespace {

std::string trace_text(const Session &session) {
    std::ostringstream out;
    write_chrome_trace(session, out);
    return out.str();
}
json trace_of(const Session &session) { return json::parse(trace_text(session)); }

std::int64_t nanoseconds(const json &microseconds) {
    return std::llround(microseconds.get<double>() * 1000);
}

using Track = std::pair<std::int64_t, std::int64_t>;
Track track_of(const json &event) {
    return {event["pid"].get<std::int64_t>(), event["tid"].get<std::int64_t>()};
}

struct Span {
    std::int64_t start, end;
};

// Do the slices of one track lie apart or within each other?
bool nests(std::vector<Span> spans) {
    std::stable_sort(spans.begin(), spans.end(), [](const Span &a, const Span &b) {
        return a.start != b.start ? a.start < b.start : a.end > b.end;
    });
    std::vector<std::int64_t> open;
    for (const Span &span : spans) {
        while (!open.empty() && open.back() <= span.start)
            open.pop_back();
        if (!open.empty() && span.end > open.back())
            return false;
        open.push_back(span.end);
    }
    return true;
}

std::vector<SessionPtr> samples() { return {test::sample_session(), test::small_session()}; }

} // namespace

TEST_CASE("a Chrome trace has the head that Kineto's readers look for") {
    for (const SessionPtr &session : samples()) {
        const std::string text = trace_text(*session);
        const json trace = json::parse(text);
        CHECK(trace["schemaVersion"] == 1);
        CHECK(trace["displayTimeUnit"] == "ms");
        CHECK(trace["baseTimeNanoseconds"].is_number_integer());
        REQUIRE(trace["deviceProperties"].size() == 1);
        CHECK(trace["deviceProperties"][0]["name"] == "NVIDIA H200");
        CHECK(trace["deviceProperties"][0]["numSms"] == 132);
        CHECK(std::regex_search(text, std::regex("\"rank\":\\s+(\\d+)")));
    }
}

TEST_CASE("slices of one row of a Chrome trace nest, and every record is there once") {
    for (const SessionPtr &session : samples()) {
        const json trace = trace_of(*session);
        std::map<Track, std::vector<Span>> tracks;
        std::map<std::string, std::size_t> count;
        for (const json &event : trace["traceEvents"]) {
            if (event["ph"] != "X")
                continue;
            ++count[event["cat"]];
            const std::int64_t start = nanoseconds(event["ts"]);
            CHECK(start >= 0);
            CHECK(event["dur"].get<double>() >= 0);
            tracks[track_of(event)].push_back({start, start + nanoseconds(event["dur"])});
        }
        for (const auto &[track, spans] : tracks)
            CHECK(nests(spans));
        CHECK(count["kernel"] == session->kernels.size());
        CHECK(count["gpu_memcpy"] + count["gpu_memset"] == session->copies.size());
        CHECK(count["cuda_runtime"] + count["cuda_driver"] == session->api_calls.size());
        CHECK(count["overhead"] == session->overheads.size());
    }
}

TEST_CASE("kernels that overlap on a stream are on rows of their own, which say so") {
    const SessionPtr session = test::sample_session();
    const json trace = trace_of(*session);
    std::map<Track, std::vector<Span>> rows;
    std::map<Track, std::string> names;
    for (const json &event : trace["traceEvents"]) {
        if (event["ph"] == "X" && event["cat"] == "kernel") {
            const std::int64_t start = nanoseconds(event["ts"]);
            rows[track_of(event)].push_back({start, start + nanoseconds(event["dur"])});
        } else if (event["name"] == "thread_name") {
            names[track_of(event)] = event["args"]["name"];
        }
    }
    REQUIRE(rows.size() == 2);
    for (auto &[track, spans] : rows) {
        std::sort(spans.begin(), spans.end(),
                  [](const Span &a, const Span &b) { return a.start < b.start; });
        for (std::size_t i = 1; i < spans.size(); ++i)
            CHECK(spans[i].start >= spans[i - 1].end);
    }
    CHECK(names[rows.begin()->first].find("overlap 1") != std::string::npos);
    CHECK(names[std::next(rows.begin())->first] == "stream 7");
}

TEST_CASE("every flow starts inside its call, ends inside its kernel and is unique") {
    for (const SessionPtr &session : samples()) {
        const json trace = trace_of(*session);
        std::map<std::uint64_t, const json *> starts, ends, calls, launches;
        for (const json &event : trace["traceEvents"]) {
            const std::string phase = event["ph"];
            if (phase == "s" || phase == "f") {
                CHECK(event["cat"] == "ac2g");
                auto &side = phase == "s" ? starts : ends;
                CHECK(side.emplace(event["id"], &event).second);
                if (phase == "f")
                    CHECK(event["bp"] == "e");
            } else if (phase == "X" && event["args"].contains("correlation") &&
                       event["args"]["correlation"] != 0) {
                auto &side = event["args"].contains("stream") ? launches : calls;
                side.emplace(event["args"]["correlation"], &event);
            }
        }
        CHECK_FALSE(starts.empty());
        CHECK(starts.size() == ends.size());
        for (const auto &[id, start] : starts) {
            REQUIRE(ends.contains(id));
            for (const auto &[end, slices] :
                 {std::pair{start, &calls}, std::pair{ends[id], &launches}}) {
                REQUIRE(slices->contains(id));
                const json &slice = *slices->at(id);
                CHECK(track_of(slice) == track_of(*end));
                CHECK((*end)["ts"] >= slice["ts"]);
                CHECK((*end)["ts"].get<double>() <=
                      slice["ts"].get<double>() + slice["dur"].get<double>());
            }
        }
        std::size_t joined = 0; // every launched kernel whose call is known has its arrow
        for (const auto &[id, slice] : launches)
            joined += calls.contains(id);
        CHECK(joined == starts.size());
    }
}

TEST_CASE("correlation ids of two workers in one session do not meet in its trace") {
    SessionBuilder builder("two workers");
    for (int worker = 0; worker < 2; ++worker) {
        const RunId run = builder.add_run({});
        const Tag tag{builder.add_measurement({.run = run}), 0};
        const std::int64_t at = 1'000'000 * (worker + 1);
        builder.add(ApiRecord{at, at + 500, builder.intern("cuLaunchKernel"), 7,
                              1u + unsigned(worker), 1, tag});
        builder.add(KernelRecord{
            .start_ns = at + 700, .end_ns = at + 900, .correlation = 7, .stream = 7, .tag = tag});
    }
    std::set<std::uint64_t> ids;
    const json trace = trace_of(builder.current());
    for (const json &event : trace["traceEvents"])
        if (event["ph"] == "s")
            ids.insert(event["id"].get<std::uint64_t>());
    CHECK(ids.size() == 2);
}

TEST_CASE("launches outside measurements are joined within their own run") {
    SessionBuilder builder("two workers, nothing measured");
    const std::int64_t begins[] = {1'000'000, 2'000'000};
    for (const std::int64_t at : begins)
        builder.add_run({.started_ns = at, .finished_ns = at + 10'000});
    for (const std::int64_t at : begins) {
        builder.add(ApiRecord{at + 100, at + 500, builder.intern("cuLaunchKernel"), 7, 1, 1, {}});
        builder.add(KernelRecord{.start_ns = at + 700, .end_ns = at + 900, .correlation = 7, .stream = 7});
    }
    std::map<std::uint64_t, std::vector<double>> arrows; // begin and end of each
    const json trace = trace_of(builder.current());
    for (const json &event : trace["traceEvents"])
        if (event["ph"] == "s" || event["ph"] == "f")
            arrows[event["id"].get<std::uint64_t>()].push_back(event["ts"].get<double>());
    REQUIRE(arrows.size() == 2);
    for (const auto &[id, times] : arrows) {
        REQUIRE(times.size() == 2);
        CHECK(std::abs(times[1] - times[0]) < 1); // 600 ns, and not the millisecond between the runs
    }
}

TEST_CASE("rows of host calls have no stream, and rows of the device never stream 0") {
    for (const SessionPtr &session : samples()) {
        const json trace = trace_of(*session);
        for (const json &event : trace["traceEvents"]) {
            if (event["ph"] != "X")
                continue;
            const std::string category = event["cat"];
            if (category == "kernel" || category.starts_with("gpu_mem"))
                CHECK(event["args"]["stream"].get<std::int64_t>() > 0);
            else
                CHECK_FALSE(event["args"].contains("stream"));
        }
    }
}

TEST_CASE("a kernel's args are Kineto's and ours") {
    const json trace = trace_of(*test::sample_session());
    for (const json &event : trace["traceEvents"]) {
        if (event["ph"] != "X" || event["cat"] != "kernel")
            continue;
        for (const char *key :
             {"External id", "queued", "device", "context", "stream", "correlation",
              "registers per thread", "shared memory", "blocks per SM", "warps per SM", "grid",
              "block", "est. achieved occupancy %", "operator", "variant", "repetition",
              "measurement"})
            REQUIRE(event["args"].contains(key));
    }
}

TEST_CASE("the memory counter ends where it began and never goes below zero") {
    const SessionPtr session = test::sample_session();
    std::int64_t last = -1, points = 0;
    double last_ts = -1;
    const json trace = trace_of(*session);
    for (const json &event : trace["traceEvents"]) {
        if (event["ph"] != "C" || event["name"] != "device memory")
            continue;
        last = event["args"]["allocated bytes"].get<std::int64_t>();
        CHECK(last >= 0);
        CHECK(event["ts"].get<double>() >= last_ts);
        last_ts = event["ts"].get<double>();
        ++points;
    }
    CHECK(points == std::int64_t(session->memory.size()));
    CHECK(last == 0);
}

TEST_CASE("counters are slices over what they counted, and args of a kernel counted alone") {
    for (const SessionPtr &session : samples()) {
        const json trace = trace_of(*session);
        std::size_t in_ranges = 0, on_kernels = 0;
        for (const json &event : trace["traceEvents"]) {
            if (event["ph"] != "X")
                continue;
            if (event["cat"] == "cuda_profiler_range")
                in_ranges += event["args"].size();
            else if (event["cat"] == "kernel")
                on_kernels += event["args"].contains("dram__bytes_read.sum");
            else
                CHECK_FALSE(event["args"].contains("dram__bytes_read.sum"));
        }
        CHECK(in_ranges == session->counters.size());
        std::set<std::uint32_t> counted; // measurements with a kernel counted by itself
        for (const CounterRecord &counter : session->counters)
            if (counter.kernel >= 0)
                counted.insert(counter.measurement.value);
        CHECK(on_kernels == counted.size());
    }
}

TEST_CASE("a counter that is no number, or of launches that no record shows, is not in a trace") {
    SessionBuilder builder("counters");
    const RunId run = builder.add_run({});
    const MeasurementId seen = builder.add_measurement({.run = run});
    const MeasurementId unseen = builder.add_measurement({.run = run});
    builder.add(KernelRecord{.start_ns = 10, .end_ns = 20, .stream = 7, .tag = {seen, 0}});
    const NameId metric = builder.intern("metric");
    builder.add(CounterRecord{seen, -1, NameId{}, metric, std::nan("")});
    builder.add(CounterRecord{seen, 5, NameId{}, metric, 1});
    builder.add(CounterRecord{unseen, -1, NameId{}, metric, 2});
    builder.add(CounterRecord{MeasurementId{}, -1, NameId{}, metric, 3});
    CHECK(trace_text(builder.current()).find("cuda_profiler_range") == std::string::npos);
    builder.add(CounterRecord{seen, -1, NameId{}, metric, 4});
    CHECK(trace_text(builder.current()).find("cuda_profiler_range") != std::string::npos);
}

TEST_CASE("a sampled counter falls to zero where its sampling stops, and a state holds") {
    const json trace = trace_of(*test::small_session());
    std::map<std::string, std::vector<std::pair<std::int64_t, double>>> tracks;
    for (const json &event : trace["traceEvents"])
        if (event["ph"] == "C")
            for (const auto &[unit, value] : event["args"].items())
                tracks[event["name"].get<std::string>() + " " + unit].emplace_back(
                    nanoseconds(event["ts"]), value.get<double>());
    using Points = std::vector<std::pair<std::int64_t, double>>;
    const std::int64_t base = 1'000; // the first record of the session
    CHECK(tracks["sm__cycles_active.avg.pct_of_peak_sustained_elapsed %"] ==
          Points{{60'000 - base, 12.5},
                 {62'000 - base, 87.5},
                 {64'000 - base, 0},
                 {70'000 - base, 50},
                 {72'000 - base, 0}});
    CHECK(tracks["SM clock MHz"] == Points{{5'000 - base, 1'980}});
    CHECK(tracks["power W"] == Points{{5'000 - base, 312.5}});
}

TEST_CASE("a worker's process id and a device's number never share a process of the trace") {
    SessionBuilder builder("a container");
    builder.add(ApiRecord{10, 20, builder.intern("cudaLaunchKernel"), 1, 1, 7, {}});
    builder.add(
        KernelRecord{.start_ns = 15, .end_ns = 25, .correlation = 1, .device = 1, .stream = 7});
    std::map<std::string, std::int64_t> pid;
    const json trace = trace_of(builder.current());
    for (const json &event : trace["traceEvents"])
        if (event["ph"] == "X")
            pid[event["cat"]] = event["pid"].get<std::int64_t>();
    CHECK(pid["kernel"] == 1);
    CHECK(pid["cuda_runtime"] != 1);
}

TEST_CASE("an empty session gives a valid, empty trace") {
    const json trace = trace_of(Session{});
    CHECK(trace["traceEvents"].empty());
}

TEST_CASE("a trace named .gz is the same text, compressed") {
    const test::TemporaryFolder folder;
    const SessionPtr session = test::sample_session();
    REQUIRE(export_chrome_trace(*session, folder / "a.json.gz").ok());
    REQUIRE(export_chrome_trace(*session, folder / "a.json").ok());
    gzFile in = gzopen((folder / "a.json.gz").c_str(), "rb");
    REQUIRE(in != nullptr);
    std::string text(4 << 20, '\0');
    const int size = gzread(in, text.data(), unsigned(text.size()));
    gzclose(in);
    REQUIRE(size > 0);
    text.resize(std::size_t(size));
    CHECK(text == test::read_bytes(folder / "a.json"));
    CHECK(text == trace_text(*session));
    CHECK(std::filesystem::file_size(folder / "a.json.gz") * 4 < text.size());
    CHECK_FALSE(std::filesystem::exists(folder / "a.json.tmp"));
}

TEST_CASE("exports that cannot be written name the path and why, and leave nothing behind") {
    const test::TemporaryFolder folder;
    test::write_bytes(folder / "file", "x");
    const SessionPtr small = test::small_session();
    const Session &session = *small;
    for (const auto &[status, path] :
         {std::pair{export_chrome_trace(session, folder / "none" / "a.json"),
                    folder / "none" / "a.json"},
          std::pair{export_chrome_trace(session, folder / "none" / "a.json.gz"),
                    folder / "none" / "a.json.gz"},
          std::pair{export_telemetry(session, folder / "file" / "a"), folder / "file" / "a"},
          std::pair{export_csv(session, folder / "file"), folder / "file"},
          std::pair{export_chrome_trace(session, folder.path()), folder.path()}}) {
        REQUIRE_FALSE(status.ok());
        CHECK(status.error().what == path.string() + " cannot be written");
        CHECK_FALSE(status.error().why.empty());
    }
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a full disk is an error of every export") {
    if (!std::filesystem::exists("/dev/full"))
        SKIP("no /dev/full on this machine");
    const test::TemporaryFolder folder;
    for (const char *name : {"a.json", "a.json.gz"}) {
        std::filesystem::create_symlink("/dev/full", folder / (std::string(name) + ".tmp"));
        const Status status = export_chrome_trace(*test::sample_session(), folder / name);
        REQUIRE_FALSE(status.ok());
        CHECK(status.error().remedy.find("free space") != std::string::npos);
        CHECK_FALSE(std::filesystem::exists(folder / name));
    }
}
