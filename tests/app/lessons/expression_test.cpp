#include "app/lessons/expression.h"
#include "app/lessons/facts.h"
#include "profiler/base/units.h"
#include "profiler/session/session_builder.h"
#include "tests/support/fuzzed_session.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_all.hpp>

using namespace moescope;
using namespace moescope::lessons;
using Catch::Approx;

namespace {

Answer answer(std::string_view text, const Session &session = {}, RunId run = {}) {
    const auto made = Expression::parse(text);
    REQUIRE(made.ok());
    return made->evaluate(session, run);
}

double value(std::string_view text, const Session &session = {}, RunId run = {}) {
    const Answer found = answer(text, session, run);
    INFO(text << ": " << found.missing);
    REQUIRE(found.known());
    return *found.value;
}

} // namespace

TEST_CASE("expressions compute as written", "[lessons]") {
    CHECK(value("1 + 2 * 3") == 7);
    CHECK(value("(1 + 2) * 3 - 4 / 8") == 8.5);
    CHECK(value("10 - 2 - 3") == 5);
    CHECK(value("1 < 2 and 3 >= 3") == 1);
    CHECK(value("1 > 2 or not 2 == 2") == 0);
    CHECK(value("min(3, max(1, 2))") == 2);
    CHECK(value("1 != 1 or 2 <= 2") == 1);
}

TEST_CASE("facts are those of the run", "[lessons]") {
    const SessionPtr session = test::sample_session();
    const RunId run{0};
    const Workload &workload = session->runs[0].plan.workload;
    CHECK(value("tokens", *session, run) == double(workload.tokens));
    CHECK(value("experts * top_k", *session, run) == double(workload.model.experts * workload.model.top_k));
    CHECK(value("cpu", *session, run) == 0);
    const Measurement *fused = find_measurement(*session, run, OperatorId::GateUp, "fused");
    REQUIRE(fused);
    CHECK(value("time(gate_up.fused)", *session, run) == fused->time.median);
    CHECK(value("fastest(gate_up) <= time(gate_up.split)", *session, run) == 1);
    CHECK(value("ridge", *session, run) ==
          Approx(session->runs[0].device.ceilings.flops_per_second / session->runs[0].device.ceilings.bytes_per_second));
    CHECK(value("best_tile(gate_up.fused) < slowest_tile(gate_up.fused)", *session, run) == 1);
    CHECK(value("padded(128)", *session, run) > value("padded(16)", *session, run));
    CHECK(value("active_experts + empty_experts", *session, run) == workload.model.experts);
}

TEST_CASE("what is not measured is said, and only where it decides", "[lessons]") {
    const SessionPtr session = test::sample_session();
    CHECK(answer("time(gate_up.split) > 1", *session, RunId{1}).missing == "gate_up (split) has not been measured");
    CHECK(answer("tokens").missing == "nothing has been run");
    CHECK(value("1 > 2 and tokens > 3") == 0);
    CHECK(value("tokens > 3 or 2 > 1") == 1);
    CHECK_FALSE(answer("tokens > 3 and 2 > 1").known());
    CHECK(answer("1 / 0").missing == "it divides by zero");
}

TEST_CASE("aggregates look at every run, and where leaves runs out", "[lessons]") {
    const SessionPtr session = test::sample_session(); // 8,192 tokens, then 512
    CHECK(value("least(tokens)", *session) == 512);
    CHECK(value("most(tokens)", *session) == 8192);
    CHECK(value("latest(tokens)", *session) == 512);
    CHECK(value("runs(tokens > 600)", *session) == 1);
    CHECK(value("any(tokens == 512)", *session) == 1);
    CHECK(value("any(tokens == 513)", *session) == 0);
    CHECK(value("latest(where(tokens > 600, tokens))", *session) == 8192);
    CHECK_FALSE(answer("latest(where(tokens > 9000, tokens))", *session).known());
}

TEST_CASE("every fact has a value in a full session", "[lessons]") {
    const SessionPtr session = test::fuzzed_session(3, 2, 4);
    for (const Fact &fact : facts()) {
        INFO(fact.name);
        const std::string told = fact.takes == Takes::Nothing       ? ""
                                 : fact.takes == Takes::Operator    ? "(gate_up)"
                                 : fact.takes == Takes::Measurement ? "(gate_up.fused)"
                                                                    : "(64)";
        CHECK(answer(std::string(fact.name) + told, *session, RunId{1}).known());
        CHECK_FALSE(answer(std::string(fact.name) + told).known());
        CHECK_FALSE(fact.explain.empty());
    }
}

TEST_CASE("a wrong expression is one clear error", "[lessons]") {
    const auto error = [](std::string_view text) {
        const auto made = Expression::parse(text);
        REQUIRE_FALSE(made.ok());
        return made.error().sentence();
    };
    CHECK(error("") .find("something is missing at the end") != std::string::npos);
    CHECK(error("1 +").find("something is missing") != std::string::npos);
    CHECK(error("(1").find("closing bracket") != std::string::npos);
    CHECK(error("tokns > 1").find("\"tokns\" is not known") != std::string::npos);
    CHECK(error("time(gate_up.fuse)").find("no variant \"fuse\"") != std::string::npos);
    CHECK(error("time(gate)").find("operator \"gate\" is unknown") != std::string::npos);
    CHECK(error("time").find("in brackets") != std::string::npos);
    CHECK(error("1 2").find("\"2\" is not expected") != std::string::npos);
    CHECK(error("1 < 2 < 3").find("is not expected") != std::string::npos);
    CHECK(error("padded(x)").find("a number is expected") != std::string::npos);
    CHECK(error(std::string(200, '(')).find("nested too deeply") != std::string::npos);
}

TEST_CASE("templates fill in values, and a dash for what is not known", "[lessons]") {
    const SessionPtr session = test::sample_session();
    const auto made = Template::parse("T is {tokens:count}, twice {2 * tokens:number}; {time(down.split):time}.");
    REQUIRE(made.ok());
    const Filled filled = made->fill(*session, RunId{1});
    REQUIRE(filled.values.size() == 3);
    CHECK(filled.text.substr(filled.values[0].begin, filled.values[0].end - filled.values[0].begin) == "512");
    CHECK(filled.values[2].expression.text() == "time(down.split)");
    CHECK(filled.text == "T is 512, twice 1.02e+03; –.");
    CHECK(Template::parse("no values")->fill(*session, RunId{0}).text == "no values");
    CHECK_FALSE(Template::parse("{tokens}").ok());
    CHECK_FALSE(Template::parse("{tokens:furlongs}").ok());
    CHECK_FALSE(Template::parse("{tokens:count").ok());
}

TEST_CASE("a change of times is told only where the samples tell it", "[lessons]") {
    const auto session_of = [](double noise, double ratio) {
        SessionBuilder builder("t");
        const RunId run = builder.add_run({});
        for (const auto &[variant, ns] : {std::pair{"scalar", 1000.0}, std::pair{"warp_select", 1000.0 * ratio}}) {
            Measurement m{.run = run, .op = OperatorId::SoftmaxTopk, .variant = variant, .state = Measurement::State::Done};
            for (int i = 0; i < 12; ++i)
                m.samples_ns.push_back(float(ns * (1 + noise * ((i * 5) % 12) / 12)));
            m.time = summarize(m.samples_ns);
            builder.add_measurement(m);
        }
        return builder.snapshot();
    };
    const auto change = Expression::parse("change(time(softmax_topk.warp_select), latest(time(softmax_topk.scalar)), 0.05)");
    REQUIRE(change.ok());
    const auto answer = [&](double noise, double ratio) { return change->evaluate(*session_of(noise, ratio), RunId{0}); };
    CHECK(answer(0.01, 1.3).value == 1);
    CHECK(answer(0.01, 1.01).value == 0);
    CHECK(answer(0.01, 0.7).value == -1);
    const Answer noisy = answer(3, 1.3);
    CHECK_FALSE(noisy.known());
    CHECK(noisy.missing.starts_with("unclear, run both again: "));
    const SessionPtr session = session_of(3, 1.3);
    const auto unclear = Expression::parse("unclear(time(softmax_topk.warp_select), time(softmax_topk.scalar), 0.05)");
    REQUIRE(unclear.ok());
    CHECK(unclear->evaluate(*session, RunId{0}).value == 1);
    CHECK(unclear->evaluate(*session_of(0.01, 1.3), RunId{0}).value == 0);
    CHECK_FALSE(unclear->evaluate(Session(), {}).known());
    for (const Measurement &m : session->measurements) // both values are shown
        CHECK(noisy.missing.find(format_duration_ns(m.time.median)) != std::string::npos);
    CHECK_FALSE(Expression::parse("change(2 * time(softmax_topk.scalar), time(softmax_topk.scalar), 0.05)").ok());
    CHECK_FALSE(Expression::parse("change(tokens, tokens, 0.05)").ok());
}
