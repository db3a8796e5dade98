#include "app/shell/settings.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>

using namespace moescope;
namespace fs = std::filesystem;

namespace {} // namespace

TEST_CASE("settings come back as they were saved") {
    const test::TemporaryFolder folder;
    Settings settings;
    settings.theme = "light";
    settings.width = 1800;
    settings.layout.workload_width = 400;
    settings.layout.split = Split::Off;
    settings.first_view = "routing";
    settings.recent = {"/a b/ü.moescope", "/c.moescope"};
    settings.hosts = {"user@gpu1", "gpu2:/opt/w"};
    settings.device = "cuda:1";
    settings.lesson = "bitonic-sort";
    settings.lessons_found = {"softmax-topk"};
    settings.lesson_pages = {{"bitonic-sort", 2}, {"softmax-topk", 1}};
    settings.operators = std::vector<std::string>{"gate_up", "down"};
    settings.warm_cache = settings.toured = settings.sample_counters = true;
    settings.counters = {"basic"};
    settings.shortcuts = {{"run.start", "Ctrl+R"}, {"file.quit", ""}};
    settings.workload.emplace();
    settings.workload->model.name = "Mine";
    settings.workload->model.router = RouterKind::Sigmoid;
    settings.workload->model.dtype = DType::F16;
    settings.workload->tokens = 77;
    settings.workload->skew = {Skew::Kind::Zipf, 1.25};
    settings.workload->seed = 0xffffffffffffffffull;
    const fs::path path = folder / "deep/down/settings.json";
    REQUIRE(save_settings(settings, path).ok());
    const auto loaded = load_settings(path);
    REQUIRE(loaded.ok());
    CHECK(loaded.value() == settings);
    CHECK_FALSE(fs::exists(path.string() + ".tmp"));
}

TEST_CASE("without a settings file there are defaults") {
    const auto loaded = load_settings("/nonexistent/settings.json");
    REQUIRE(loaded.ok());
    CHECK(loaded.value() == Settings{});
    CHECK(load_settings("").ok());
}

TEST_CASE("a settings file that is no JSON object is one clear error") {
    const test::TemporaryFolder folder;
    const fs::path path = folder / "settings.json";
    for (const char *text : {"", "{", "[1]", "\x00\xff", "nonsense"}) {
        test::write_bytes(path, text);
        const auto loaded = load_settings(path);
        REQUIRE_FALSE(loaded.ok());
        CHECK(loaded.error().sentence().find(path.string()) != std::string::npos);
    }
}

TEST_CASE("wrong values in a settings file are left at their defaults, one by one") {
    const test::TemporaryFolder folder;
    const fs::path path = folder / "settings.json";
    test::write_bytes(
        path,
        R"({"theme": 5, "width": -3, "height": 1e99, "first_view": "timeline", "recent": [1, "/x", null], "shortcuts": {"run.start": 3, "file.open": "F9"},
                    "layout": {"split": 17, "split_ratio": "wide", "workload_width": 1e30},
                    "workload": {"tokens": "many", "skew": -1, "model": {"experts": 64, "router": 99}}})");
    const auto loaded = load_settings(path);
    REQUIRE(loaded.ok());
    CHECK(loaded->theme == "dark");
    CHECK(loaded->width == 640);
    CHECK(loaded->height == 900);
    CHECK(loaded->first_view == "timeline");
    CHECK(loaded->recent == std::vector<std::string>{"/x"});
    CHECK(loaded->shortcuts == std::map<std::string, std::string>{{"file.open", "F9"}});
    CHECK(loaded->layout.split == Split::Automatic);
    CHECK(loaded->layout.workload_width <= 600);
    REQUIRE(loaded->workload);
    CHECK(loaded->workload->tokens == Workload{}.tokens);
    CHECK(loaded->workload->model.experts == 64);
    CHECK(loaded->workload->model.router == RouterKind::Softmax);
}

TEST_CASE("settings that cannot be written are an error, and nothing is left behind") {
    const Status status = save_settings({}, "/proc/moescope/settings.json");
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().what.find("/proc/moescope/settings.json") != std::string::npos);
    CHECK_FALSE(save_settings({}, "").ok());
}

TEST_CASE("the settings folder follows XDG_CONFIG_HOME") {
    const char *before = std::getenv("XDG_CONFIG_HOME");
    const std::string kept = before ? before : "";
    ::setenv("XDG_CONFIG_HOME", "/tmp/somewhere", 1);
    CHECK(settings_path() == "/tmp/somewhere/moescope/settings.json");
    ::setenv("XDG_CONFIG_HOME", "relative", 1); // the standard says: to be ignored
    CHECK(settings_path().string().find("relative") == std::string::npos);
    before ? ::setenv("XDG_CONFIG_HOME", kept.c_str(), 1) : ::unsetenv("XDG_CONFIG_HOME");
}

TEST_CASE("a file opened again moves to the front of the recent ones") {
    std::vector<std::string> recent;
    for (int i = 0; i < 12; ++i)
        remember(recent, "/" + std::to_string(i));
    remember(recent, "/9");
    CHECK(recent.size() == 8);
    CHECK(recent[0] == "/9");
    CHECK(recent[1] == "/11");
    CHECK(std::count(recent.begin(), recent.end(), "/9") == 1);
}
