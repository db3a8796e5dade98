#include "tests/app/cli/program.h"
#include "tests/support/ssh_server.h"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

using namespace moescope;
using nlohmann::json;

TEST_CASE("moescope remote refuses what is no host, and a copy to nowhere") {
    const Answer wrong = run_moescope({"remote", "gpu1; reboot"});
    CHECK(wrong.code == 2);
    CHECK(wrong.err.find("USER@HOST") != std::string::npos);
    const Answer nowhere = run_moescope({"remote", "--copy"});
    CHECK(nowhere.code == 2);
    CHECK(nowhere.err.find("HOST is missing") != std::string::npos);
}

TEST_CASE("moescope remote copies the worker, says what is there, and a run finds it") {
    std::string why_not;
    const auto server = test::SshServer::open(why_not);
    if (!server)
        SKIP(why_not);
    const std::vector<std::string> run = {"run", "--remote", "gpu",   "--model", "OLMoE-1B-7B", "--tokens", "4",   "--ops",
                                          "softmax_topk", "--device", "cpu", "--out",   server->home() / "a.moescope"};
    const Answer missing = run_moescope(run);
    CHECK(missing.code == 1);
    CHECK(missing.err.find("moescope remote gpu --copy") != std::string::npos);

    const Answer copied = run_moescope({"remote", "gpu", "--copy", "--json"});
    INFO(copied.err);
    REQUIRE(copied.code == 0);
    const json facts = json::parse(copied.out);
    REQUIRE(facts["workers"].size() == 1);
    CHECK(facts["workers"][0]["usable"] == true);
    CHECK(facts["system"] == "Linux");

    const Answer ran = run_moescope(run);
    INFO(ran.err);
    CHECK(ran.code == 0);
    CHECK(ran.out.find("softmax_topk") != std::string::npos);
}
