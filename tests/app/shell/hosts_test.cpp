// Several hosts in one window: this machine, and a real sshd on it.
#include "app/shell/drawn_text.h"
#include "app/shell/hosts.h"
#include "profiler/compare/comparison.h"
#include "tests/profiler/client/small_plan.h"
#include "tests/support/driven_shell.h"
#include "tests/support/eventually.h"
#include "tests/support/ssh_server.h"

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <thread>

using namespace moescope;
using namespace moescope::testing;
using namespace std::chrono_literals;
using test::DrivenShell;
using test::SshServer;
using State = WorkerClient::State;

namespace {

std::unique_ptr<SshServer> server_or_skip() {
    std::string why_not;
    std::unique_ptr<SshServer> server = SshServer::open(why_not);
    if (!server)
        SKIP(why_not);
    return server;
}

// The first text below `top` that has these words.
std::optional<DrawnText> find_text(const std::string &words, float top = 0) {
    for (const DrawnText &text : drawn_text(*ImGui::GetDrawData(), *ImGui::GetIO().Fonts))
        if (text.rect.y >= top && text.text.find(words) != std::string::npos)
            return text;
    return std::nullopt;
}

bool shows(DrivenShell &window, const std::string &words) {
    return eventually([&] {
        window.frame();
        return find_text(words).has_value();
    });
}

// The recorded session comes up by itself, and its banner.
void settle(DrivenShell &window) {
    CHECK(shows(window, "Worker ready"));
    while (window.shell.busy_with_file())
        window.frame();
    window.frames(3);
}

} // namespace

TEST_CASE("the worker is copied to a host that has none, and two hosts' results are compared row by row") {
    const auto server = server_or_skip();
    const test::TemporaryFolder folder;
    const test::Environment worker("MOESCOPE_WORKER", MOESCOPE_WORKER_PATH);
    Hosts hosts({}, folder / "live.moescope");
    REQUIRE(hosts.open(""));
    const Result<std::size_t> gpu = hosts.open("gpu");
    REQUIRE(gpu);
    CHECK(*gpu == 1);
    CHECK(*hosts.open("gpu") == 1); // once
    CHECK_FALSE(hosts.open("gpu; reboot"));
    REQUIRE(eventually([&] { return copy_helps(hosts.rows()[1]); }));

    hosts.copy_worker_to(1);
    CHECK_FALSE(hosts.rows()[1].copying.empty());
    REQUIRE(eventually([&] {
        hosts.poll();
        return hosts.rows()[1].progress.state == State::Ready;
    }));
    CHECK_FALSE(hosts.rows()[1].copy_error);

    const Plan plan = testing::small_plan({"softmax_topk", "gate_up"});
    for (const std::size_t host : {0, 1}) {
        hosts.client(host)->run(plan);
        REQUIRE(hosts.client(host)->wait(60));
        CHECK(hosts.rows()[host].measured);
        CHECK(hosts.rows()[host].runs == 1);
    }
    CHECK(std::filesystem::exists(folder / "live.moescope"));
    CHECK(std::filesystem::exists(folder / "live-gpu.moescope"));
    const SessionPtr here = hosts.client(0)->session(), there = hosts.client(1)->session();
    const Comparison comparison = compare_sessions({*here, {}, ""}, {*there, {}, ""}, {});
    CHECK(comparison.rows.size() == plan.items.size());
    CHECK(comparison.unmatched.empty());

    hosts.close(1);
    CHECK(hosts.size() == 1);
    hosts.close(0); // this machine stays
    CHECK(hosts.size() == 1);
}

TEST_CASE("a copy can be cancelled, and nothing of it stays there") {
    const auto server = server_or_skip();
    server->install_script("sleep 1; exec /usr/bin/tar \"$@\"", "tar");
    const test::Environment worker("MOESCOPE_WORKER", MOESCOPE_WORKER_PATH);
    Hosts hosts({}, {});
    REQUIRE(hosts.open("gpu"));
    REQUIRE(eventually([&] { return copy_helps(hosts.rows()[1]); }));
    hosts.copy_worker_to(1);
    REQUIRE(eventually([&] { return hosts.rows()[1].copied > 0; }));
    hosts.cancel_copy(1);
    REQUIRE(eventually([&] {
        hosts.poll();
        return hosts.rows()[1].copying.empty();
    }));
    CHECK_FALSE(hosts.rows()[1].copy_error);
    const auto copies = server->home() / ".local/share/moescope";
    CHECK(eventually([&] { return !std::filesystem::exists(copies) || std::filesystem::is_empty(copies); }));
}

TEST_CASE("the Hosts panel shows each host's state, and a lost connection until it is there again") {
    const auto server = server_or_skip();
    server->install(MOESCOPE_WORKER_PATH, "moescope-worker");
    const test::Environment worker("MOESCOPE_WORKER", MOESCOPE_WORKER_PATH);
    DrivenShell window;
    window.shell.start_worker("gpu");
    settle(window);
    REQUIRE(window.shell.actions().run("run.hosts"));
    CHECK(shows(window, "this machine"));
    server->stop();
    CHECK(shows(window, "connection lost, trying again"));
    CHECK(window.shell.may_sleep() < 1); // it counts the seconds
    server->start();
    CHECK(shows(window, "Worker ready"));
}

TEST_CASE("what was run here and there is set side by side from the Hosts panel") {
    const auto server = server_or_skip();
    server->install(MOESCOPE_WORKER_PATH, "moescope-worker");
    const test::Environment worker("MOESCOPE_WORKER", MOESCOPE_WORKER_PATH);
    Settings settings;
    settings.workload = testing::small_workload();
    settings.device = "cpu";
    DrivenShell window(nullptr, settings);
    for (const char *host : {"", "gpu"}) {
        window.shell.start_worker(host);
        settle(window);
        REQUIRE(window.shell.actions().run("run.start"));
        CHECK(shows(window, "Running"));
        CHECK(shows(window, "Worker ready"));
    }
    REQUIRE(window.shell.actions().run("run.hosts"));
    REQUIRE(shows(window, "Hosts"));
    window.frames(3); // the panel has its size
    const auto row = find_text("this machine");
    REQUIRE(row);
    const auto button = find_text("Compare", row->rect.y);
    REQUIRE(button);
    window.click((button->rect.x + button->rect.z) / 2, (button->rect.y + button->rect.w) / 2);
    CHECK(window.shell.shows(ViewId::Compare));
    CHECK(shows(window, "geometric mean"));
    CHECK(shows(window, "Live on gpu, "));
    CHECK(shows(window, "Live on this machine, "));
    REQUIRE(window.shell.actions().run("run.hosts")); // the panel has closed meanwhile
    CHECK(shows(window, "compared"));
}
