#include "profiler/session/schema.h"
#include "profiler/workload/operators.h"
#include "tests/app/cli/program.h"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

using namespace moescope;
using nlohmann::json;

TEST_CASE("the schema is printed whole, with the file's marks, as sqlite3 takes it") {
    const Answer answer = run_moescope({"schema"});
    CHECK(answer.code == 0);
    CHECK(answer.err == "");
    CHECK(answer.out.starts_with("PRAGMA application_id = 0x4d6f4553;\nPRAGMA user_version = "));
    for (const TableSchema *table : tables::kAll)
        CHECK(answer.out.find("CREATE TABLE " + std::string(table->name) + " (") !=
              std::string::npos);
    CHECK(answer.out.ends_with(kSessionSchema));
}

TEST_CASE("help and version go to standard output") {
    const Answer help = run_moescope({"--help"});
    CHECK(help.code == 0);
    CHECK(help.out.find("sweep") != std::string::npos);
    CHECK(help.err.empty());
    const Answer version = run_moescope({"--version"});
    CHECK(version.code == 0);
    CHECK(version.out.starts_with("moescope "));
}

TEST_CASE("models prints a line a model, and with --json one document") {
    const Answer table = run_moescope({"models"});
    CHECK(table.code == 0);
    CHECK(table.out.find("\nMixtral-8x7B ") != std::string::npos);

    const Answer answer = run_moescope({"models", "--json"});
    CHECK(answer.code == 0);
    CHECK(answer.err.empty());
    const json document = json::parse(answer.out);
    CHECK(document.at("format") == "moescope.models");
    const json &models = document.at("models");
    CHECK(models.size() >= 24);
    CHECK(std::count(table.out.begin(), table.out.end(), '\n') ==
          std::ptrdiff_t(models.size()) + 2);
    CHECK(models.front().at("name") == "Mixtral-8x7B");
    CHECK(models.front().at("router") == "softmax");
}

TEST_CASE("devices --measure prints measured ceilings and their date, which the next devices knows") {
    const TemporaryFolder folder;
    setenv("MOESCOPE_CACHE_DIR", (folder / "").c_str(), 1);
    const json derived = json::parse(run_moescope({"devices", "--json"}).out).at("devices").back();
    const Answer text = run_moescope({"devices", "--measure"});
    const json known = json::parse(run_moescope({"devices", "--json"}).out).at("devices").back();
    unsetenv("MOESCOPE_CACHE_DIR");
    CHECK(derived.at("ceilings").at("flops_measured") == false);
    CHECK(text.out.find("FLOP/s (measured 2") != std::string::npos);
    CHECK(known.at("ceilings").at("flops_measured") == true);
    CHECK(known.at("ceilings").at("flops_per_second") > 1e8);
}

TEST_CASE("operators prints every operator and variant") {
    const Answer text = run_moescope({"operators"});
    const json document = json::parse(run_moescope({"operators", "--json"}).out);
    REQUIRE(document.at("operators").size() == std::size_t(kOperatorCount));
    for (const OperatorInfo &each : operators())
        for (const VariantInfo &variant : each.variants)
            CHECK(text.out.find("  " + std::string(variant.name) + "  ") != std::string::npos); // a gap follows
    for (const OperatorInfo &each : operators()) {
        CHECK(text.out.find("\n  " + std::string(each.name) + "\n") != std::string::npos);
        const json &entry = document.at("operators").at(std::size_t(each.id));
        CHECK(entry.at("name") == each.name);
        CHECK(entry.at("family") == info(each.family).name);
        CHECK(entry.at("variants").size() == each.variants.size());
    }
}

TEST_CASE("metrics lists what a chip counts without that chip, and what sets and choices cost") {
    const Answer list = run_moescope({"metrics", "--chip", "GH100", "--search", "dram bytes read"});
    if (list.code == 1 && list.err.find("built without CUDA") != std::string::npos)
        SKIP("the worker was built without CUDA");
    CHECK(list.code == 0);
    CHECK(list.out.starts_with("GH100: 3"));
    CHECK(list.out.find("dram__bytes_read.sum ") != std::string::npos);
    CHECK(list.out.find("lts__t_bytes") == std::string::npos);

    const json document = json::parse(run_moescope({"metrics", "--chip", "GB202", "--search", "sm__warps", "--json"}).out);
    CHECK(document.at("chip") == "GB202");
    REQUIRE(document.at("sets").size() >= 4);
    CHECK(document.at("sets")[0].at("passes") == 1);
    CHECK(document.at("sets")[0].at("metrics")[1] == "dram__bytes_op_read.sum");
    CHECK(document.at("metrics").size() > 0);

    const json cost = json::parse(run_moescope({"metrics", "--passes", "memory,no__such.sum", "--json"}).out);
    CHECK(cost.at("passes") == 2);
    CHECK(cost.at("missing") == json::array({"no__such.sum"}));
    const Answer nothing = run_moescope({"metrics", "--passes", "no__such.sum"});
    CHECK(nothing.code == 2);
    CHECK(nothing.err.find("does not offer no__such.sum") != std::string::npos);
    CHECK(run_moescope({"metrics", "--chip", "H200"}).code == 2);
}

TEST_CASE("lessons are listed, and a file is checked by name") {
    const Answer table = run_moescope({"lessons"});
    CHECK(table.code == 0);
    CHECK(table.out.find("\nSoftmax, then top-k ") != std::string::npos);
    const Answer answer = run_moescope({"lessons", "--json"});
    CHECK(answer.code == 0);
    CHECK(json::parse(answer.out).at("lessons").size() >= 10);

    CHECK(run_moescope({"lessons", "--facts"}).out.find("\ntime(OPERATOR.VARIANT) ") != std::string::npos);
    CHECK(run_moescope({"lessons", "--check", MOESCOPE_ASSETS "/lessons/bitonic-sort.json"}).code == 0);
    const Answer wrong = run_moescope({"lessons", "--check", MOESCOPE_ASSETS "/models.json"});
    CHECK(wrong.code == 1);
    CHECK(wrong.out.empty());
    CHECK(wrong.err.find("models.json") != std::string::npos);
    CHECK(run_moescope({"lessons", "--check", "/no/such/file.json"}).code == 1);
}
