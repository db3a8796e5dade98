#include "profiler/tune/tuned_configs.h"

#include <catch2/catch_test_macros.hpp>

#include <fstream>
#include <unistd.h>

using namespace moescope;

namespace {

struct Folder {
    std::filesystem::path path = std::filesystem::temp_directory_path() / (std::to_string(getpid()) + "-tuned-test");
    ~Folder() { std::filesystem::remove_all(path); }
};

const TileConfig kConfig{128, 64, 32, 4, 3};

} // namespace

TEST_CASE("a stored configuration is found again, by this object and by another") {
    const Folder folder;
    const auto file = folder.path / "deeper" / "tuned.json";
    TunedConfigs configs(file);
    CHECK_FALSE(configs.find("a").has_value());
    REQUIRE(configs.store("a", kConfig, 1234.5).ok());
    CHECK(configs.find("a") == kConfig);
    CHECK(TunedConfigs(file).find("a") == kConfig);
    CHECK_FALSE(TunedConfigs(file).find("b").has_value());
    CHECK(std::distance(std::filesystem::directory_iterator(file.parent_path()), {}) == 1); // no .tmp left
}

TEST_CASE("what another process stored meanwhile is kept") {
    const Folder folder;
    const auto file = folder.path / "tuned.json";
    TunedConfigs mine(file), theirs(file);
    REQUIRE(theirs.store("theirs", kConfig, 1).ok());
    REQUIRE(mine.store("mine", kConfig, 2).ok());
    const TunedConfigs both(file);
    CHECK(both.find("mine").has_value());
    CHECK(both.find("theirs").has_value());
}

TEST_CASE("the fastest variant is the fastest of those with LoRA that were tuned for the shape") {
    TunedConfigs configs("");
    Workload workload;
    const auto store = [&](const char *variant, const TileConfig &config, double ns) {
        (void)configs.store(tuning_key(workload, OperatorId::GateUp, variant, "GPU", "1"), config, ns);
    };
    const auto fastest = [&](OperatorId op, const char *device) { return fastest_tuned(configs, workload, op, device, "1"); };
    CHECK_FALSE(fastest(OperatorId::GateUp, "GPU"));
    store("base", kConfig, 50);
    CHECK_FALSE(fastest(OperatorId::GateUp, "GPU"));
    store("fused", {64, 64, 32, 4, 3}, 100);
    store("extra_k", kConfig, 80);
    store("split", kConfig, 90);
    REQUIRE(fastest(OperatorId::GateUp, "GPU"));
    CHECK(fastest(OperatorId::GateUp, "GPU")->variant == "extra_k");
    CHECK(fastest(OperatorId::GateUp, "GPU")->config == kConfig);
    CHECK_FALSE(fastest(OperatorId::Down, "GPU"));
    CHECK_FALSE(fastest(OperatorId::GateUp, "another GPU"));
}

TEST_CASE("a broken file is ignored with a complaint, and replaced by the next best") {
    const Folder folder;
    std::filesystem::create_directories(folder.path);
    const auto file = folder.path / "tuned.json";
    for (const char *text : {"", "{", "[]", "{\"format\": 99, \"configs\": {}}", "{\"format\":1,\"configs\":{\"a\":3}}"}) {
        std::ofstream(file) << text;
        TunedConfigs configs(file);
        CHECK(configs.complaint().find(file.string()) != std::string::npos);
        CHECK_FALSE(configs.find("a").has_value());
        REQUIRE(configs.store("a", kConfig, 1).ok());
        CHECK(TunedConfigs(file).complaint().empty());
    }
}

TEST_CASE("an unwritable place is an error, and the configuration is known all the same") {
    TunedConfigs configs("/proc/nowhere/tuned.json");
    CHECK_FALSE(configs.store("a", kConfig, 1).ok());
    CHECK(configs.find("a").has_value());
}

TEST_CASE("the key tells apart what changes the best tile, and nothing else") {
    Workload workload;
    auto key = [&] { return tuning_key(workload, OperatorId::GateUp, "fused", "NVIDIA H200", "v1"); };
    const std::string first = key();
    workload.seed = 99;
    workload.tokens += 1;
    CHECK(key() == first); // the same power of two
    workload.tokens *= 2;
    CHECK(key() != first);
    workload = {};
    workload.lora_rank *= 2;
    CHECK(key() != first);
    CHECK(tuning_key({}, OperatorId::Down, "fused", "NVIDIA H200", "v1") != first);
    CHECK(tuning_key({}, OperatorId::GateUp, "split", "NVIDIA H200", "v1") != first);
    CHECK(tuning_key({}, OperatorId::GateUp, "fused", "NVIDIA A100", "v1") != first);
    CHECK(tuning_key({}, OperatorId::GateUp, "fused", "NVIDIA H200", "v2") != first);
}
