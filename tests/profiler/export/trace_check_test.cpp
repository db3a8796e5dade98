// The traces of the sample sessions held against tests/profiler/export/check_trace.py, which knows
// the readers' rules and nothing of the exporter.
#include "profiler/export/exporters.h"
#include "tests/support/program.h"
#include "tests/support/sample_session.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

using namespace moescope;

namespace {

test::Program::Ended check_traces(const std::vector<std::filesystem::path> &traces) {
    std::vector<std::string> command = {"python3",
                                        MOESCOPE_TEST_DATA "/profiler/export/check_trace.py"};
    for (const std::filesystem::path &trace : traces)
        command.push_back(trace.string());
    return test::Program(command).wait(std::chrono::seconds(60));
}

void need_python() {
    if (std::system("python3 --version > /dev/null 2>&1") != 0)
        SKIP("no python3 on this machine");
}

} // namespace

TEST_CASE("an independent checker finds the sample sessions' traces sound") {
    need_python();
    const test::TemporaryFolder folder;
    REQUIRE(export_chrome_trace(*test::sample_session(), folder / "sample.json.gz").ok());
    REQUIRE(export_chrome_trace(*test::small_session(), folder / "small.json").ok());
    const auto verdict = check_traces({folder / "sample.json.gz", folder / "small.json"});
    INFO(verdict.output);
    CHECK(verdict.code == 0);
}

TEST_CASE("the independent checker finds what is broken in a trace") {
    need_python();
    const test::TemporaryFolder folder;
    REQUIRE(export_chrome_trace(*test::small_session(), folder / "small.json").ok());
    const std::string sound = test::read_bytes(folder / "small.json");
    struct Damage {
        std::string from, to, rule;
    };
    for (const auto &[from, to, rule] : {
             Damage{"\"rank\": 0", "\"rank\":0", "\"rank\": 0 with a space"},
             Damage{"\"bp\": \"e\"", "\"bp\": \"s\"", "f binds to the enclosing slice"},
             Damage{"\"ph\": \"f\"", "\"ph\": \"s\"", "one start and end a flow"},
             Damage{"\"stream\": 7", "\"stream\": 0", "device rows have a stream"},
             Damage{"\"name\": \"thread_name\"", "\"name\": \"row_name\"", "known metadata"},
             Damage{"\"allocated bytes\": ", "\"allocated bytes\": NaN, \"x\": ", "strict JSON"},
             Damage{"\"args\": {\"dram__bytes_read.sum\": ",
                    "\"args\": {\"operator\": \"gate_up\", \"dram__bytes_read.sum\": ",
                    "a counter range holds numbers alone"},
             Damage{"\"args\": {\"dram__bytes_read.sum\": 8192", "\"args\": {\"lts__x.sum\": 8192",
                    "a kernel that was counted alone has its counters"},
             Damage{"{\"%\": 12.5}", "{\"\": 12.5}", "a sampled counter has its unit"},
             Damage{"\"dur\": 4.2", "\"dur\": 6.2", "slices of a row nest"},
             Damage{"\"dur\": 4.2", "\"dur\": 400.2", "kernels of a row lie apart"},
         }) {
        std::string broken = sound;
        const std::size_t at = broken.find(from);
        REQUIRE(at != std::string::npos);
        broken.replace(at, from.size(), to);
        test::write_bytes(folder / "broken.json", broken);
        const auto verdict = check_traces({folder / "broken.json"});
        INFO(rule << '\n' << verdict.output);
        CHECK(verdict.code == 1);
        CHECK(verdict.output.find(rule) != std::string::npos);
    }
}
