#include "app/report/report.h"
#include "app/report/report_plots.h"
#include "profiler/base/units.h"
#include "profiler/export/svg.h"
#include "profiler/import/kineto.h"
#include "profiler/session/session_builder.h"
#include "profiler/session/session_file.h"
#include "tests/support/grid_session.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <set>
#include <string>
#include <vector>

using namespace moescope;

namespace {

std::string report_of(const Session &session) {
    std::ostringstream out;
    write_report(session, out);
    return out.str();
}

bool has(const std::string &text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// Every element that is opened is closed, in order; the name of the first that is not.
std::string unbalanced(const std::string &html) {
    std::vector<std::string> open;
    for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
        const std::size_t end = html.find('>', at);
        if (end == std::string::npos)
            return "an open <";
        const std::string tag = html.substr(at + 1, end - at - 1);
        const std::string name = tag.substr(0, tag.find_first_of(" /\n", 1));
        if (tag[0] == '!' || name == "meta" || tag.back() == '/')
            continue;
        if (tag[0] != '/') {
            open.push_back(name);
            continue;
        }
        if (open.empty() || "/" + open.back() != tag)
            return tag;
        open.pop_back();
    }
    return open.empty() ? "" : open.back();
}

std::size_t count_of(const std::string &text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++count;
    return count;
}

// What follows each `before`, up to the next of `end`.
std::vector<std::string> all_after(const std::string &text, const std::string &before, const char *end) {
    std::vector<std::string> found;
    for (std::size_t at = text.find(before); at != std::string::npos; at = text.find(before, at + 1)) {
        const std::size_t from = at + before.size();
        found.push_back(text.substr(from, text.find_first_of(end, from) - from));
    }
    return found;
}

// Two runs that differ in their tokens, with one variant measured in both.
Session swept() {
    SessionBuilder builder("sweep");
    for (const std::int64_t tokens : {64, 4096}) {
        RunRecord run;
        run.plan.workload.tokens = tokens;
        run.plan.items = {{OperatorId::GateUp, "fused", {}}};
        const RunId id = builder.add_run(run);
        Measurement m{.run = id, .op = OperatorId::GateUp, .variant = "fused"};
        m.state = Measurement::State::Done;
        m.time = {10, 90., 95., 100. * double(tokens), 105. * double(tokens), 1, 1, 1, 1};
        builder.add_measurement(m);
    }
    return builder.current();
}

} // namespace

TEST_CASE("a report is one page: balanced, without anything to fetch, without a number that is none") {
    for (const SessionPtr &session : {test::sample_session(), test::small_session(),
                                      SessionPtr(std::make_shared<Session>())}) {
        const std::string page = report_of(*session);
        CHECK(unbalanced(page) == "");
        for (const char *foreign : {"src=", "href=", "@import", "url(http", "<script"})
            CHECK_FALSE(has(page, foreign));
        for (const char *bad : {">nan", ">inf", "nan ", "-nan", "\"nan", "\"inf"})
            CHECK_FALSE(has(page, bad));
        CHECK(has(page, "prefers-color-scheme:dark"));
    }
}

TEST_CASE("a report shows every measurement, its failures, plots and counters") {
    const SessionPtr session = test::sample_session();
    const std::string page = report_of(*session);
    if (const char *folder = std::getenv("MOESCOPE_PICTURES"))
        std::ofstream(std::string(folder) + "/report.html") << page;
    for (const Measurement &m : session->measurements)
        if (m.time.median > 0)
            CHECK(has(page, ">" + format_duration_ns(m.time.median) + "<"));
    for (const Failure &failure : session->failures)
        CHECK(has(page, xml_text(failure.error.what)));
    for (const char *section :
         {"Where does the time go?", "Results", "Which variant?", "Which tile?",
          "How far from the limit?", "Hardware counters", "Failures", "CUPTI dropped 3 records"})
        CHECK(has(page, section));
    CHECK(has(page, "NVIDIA H200"));
    CHECK(has(page, "580.82"));
}

TEST_CASE("text of a session cannot break out of its report") {
    SessionBuilder builder("<script>alert(1)</script>");
    RunRecord run;
    run.device.name = "\"><img src=x>";
    run.plan.workload.model.name = "</style><b>";
    builder.add_run(run);
    builder.add(Failure{0, {}, "<i>", {"<u>", "&amp;", ""}});
    const std::string page = report_of(builder.current());
    CHECK(unbalanced(page) == "");
    for (const char *markup : {"<script", "<img", "<b>", "<i>", "<u>"})
        CHECK_FALSE(has(page, markup));
    CHECK(has(page, "&lt;u&gt;"));
}

TEST_CASE("runs that differ in one number become a line over it, others do not") {
    const Session session = swept();
    const auto plots = report::sweeps(session);
    REQUIRE(plots.size() == 1);
    CHECK(plots[0].title.starts_with("gate_up over Tokens"));
    CHECK(has(plots[0].svg, "gate_up / fused at 64"));
    CHECK(has(plots[0].svg, "gate_up / fused at 4096"));
    CHECK(has(report_of(session), "What changes with the workload?"));
    CHECK(report::sweeps(*test::sample_session()).empty());
}

TEST_CASE("a report has the window's plots over time, and the lines that warps waited at") {
    const SessionPtr session = test::sample_session();
    const std::string page = report_of(*session);
    for (const char *section : {"Which experts do the tokens choose?", "What holds the memory?",
                                "What ran when, and how busy was the device?", "Which lines do the warps wait at?"})
        CHECK(has(page, section));
    CHECK(has(page, "slots an expert"));
    REQUIRE_FALSE(session->pc_samples.empty());
    CHECK(has(page, ":" + std::to_string(session->pc_samples[0].line) + "<"));

    Session without = *session;
    without.memory = {};
    without.pc_samples = {};
    without.routings = {};
    const std::string shorter = report_of(without);
    for (const char *section :
         {"Which experts do the tokens choose?", "What holds the memory?", "Which lines do the warps wait at?"})
        CHECK_FALSE(has(shorter, section));
}

TEST_CASE("the drawings of a report have a colour for each theme, and clips of their own") {
    const std::string page = report_of(*test::sample_session());
    const auto used = all_after(page, "=\"var(--w", ")");
    REQUIRE(used.size() > 20);
    for (const std::string &number : std::set(used.begin(), used.end()))
        CHECK(count_of(page, "--w" + number + ":#") == 2);
    const auto clips = all_after(page, "url(#w", ")");
    REQUIRE_FALSE(clips.empty());
    for (const std::string &clip : std::set(clips.begin(), clips.end()))
        CHECK(count_of(page, "id=\"w" + clip + "\"") == 1);
    CHECK(count_of(page, "<style>") == 1);
}

TEST_CASE("the runs of a grid are folded, after the plots over all of them") {
    const SessionPtr session = test::grid_session();
    const std::string page = report_of(*session);
    CHECK(unbalanced(page) == "");
    CHECK(count_of(page, "<details>") == session->runs.size());
    const std::size_t map = page.find("Where does the winner change?"), run = page.find("<details>");
    REQUIRE(map != std::string::npos);
    CHECK(page.find("What changes with the workload?") < map);
    CHECK(map < run);
    CHECK(run < page.find("What was measured, on what"));
    CHECK(has(page, "fitted boundary"));
    CHECK(count_of(report_of(*test::sample_session()), "<details>") == 0);
}

TEST_CASE("an imported trace has a report too") {
    const auto trace = import_kineto(MOESCOPE_TEST_DATA "/profiler/import/gpu_step.json");
    REQUIRE(trace.ok());
    const std::string page = report_of(*trace);
    CHECK(unbalanced(page) == "");
    CHECK(has(page, "gpu_step.json"));
    CHECK(has(page, "NVIDIA H100"));
}
