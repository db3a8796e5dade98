#include "profiler/model/catalogue.h"

#include "profiler/base/assets.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace moescope;

namespace {

const std::vector<ModelShape> &shipped() {
    static const Result<std::vector<ModelShape>> catalogue =
        load_catalogue(std::filesystem::path(MOESCOPE_ASSETS) / "models.json");
    if (!catalogue)
        FAIL(catalogue.error().sentence());
    return catalogue.value();
}

// The error of a catalogue with this text.
std::string refusal(const std::string &text) {
    const std::filesystem::path path = std::filesystem::temp_directory_path() /
                                       ("moescope_models_" + std::to_string(getpid()) + ".json");
    std::ofstream(path) << text;
    const auto catalogue = load_catalogue(path);
    std::filesystem::remove(path);
    REQUIRE_FALSE(catalogue);
    const std::string sentence = catalogue.error().sentence();
    REQUIRE(sentence.starts_with(path.string()));
    return sentence.substr(path.string().size());
}

std::string entry(const std::string &fields) {
    return R"({"models": [{"name": "M", "source": "a test", "experts": 8, "hidden": 64, "intermediate": 32, "top_k": 2)" +
           fields + "}]}";
}

} // namespace

TEST_CASE("the shipped catalogue holds at least 24 models, each with its source") {
    CHECK(shipped().size() >= 24);
    for (const ModelShape &shape : shipped()) {
        CAPTURE(shape.name);
        CHECK_FALSE(shape.source.empty());
        CHECK(validate(shape));
    }
}

TEST_CASE("well-known shapes are as published") {
    const Result<ModelShape> deepseek = find_model(shipped(), "DeepSeek-V3");
    REQUIRE(deepseek);
    CHECK(deepseek->experts == 256);
    CHECK(deepseek->hidden == 7168);
    CHECK(deepseek->intermediate == 2048);
    CHECK(deepseek->top_k == 8);
    CHECK(deepseek->router == RouterKind::Sigmoid);
    CHECK(deepseek->groups == 8);
    CHECK(deepseek->groups_kept == 4);
    CHECK(deepseek->routed_scaling == 2.5);
    CHECK(deepseek->correction_bias);

    const Result<ModelShape> nemotron = find_model(shipped(), "nemotron-3-super");
    REQUIRE(nemotron);
    CHECK(nemotron->expert_hidden() == 1024);
    CHECK(nemotron->gate_up_columns() == 2688);
}

TEST_CASE("a model is found by its name in any case, a unique prefix or a unique part") {
    CHECK(find_model(shipped(), "mixtral-8x7b")->name == "Mixtral-8x7B");
    CHECK(find_model(shipped(), "Mixtral")->name == "Mixtral-8x7B");
    CHECK(find_model(shipped(), "scout")->name == "Llama-4-Scout");
    CHECK(find_model(shipped(), "qwen3.5 35b")->name == "Qwen3.5-35B-A3B");
    CHECK(find_model(shipped(), "GLM-4.5")->name == "GLM-4.5"); // though GLM-4.5-Air begins with it
}

TEST_CASE("an ambiguous name lists the models it could mean") {
    const Result<ModelShape> found = find_model(shipped(), "gpt-oss");
    REQUIRE_FALSE(found);
    CHECK(found.error().sentence() ==
          "model \"gpt-oss\" is not one model: it is part of gpt-oss-20b, gpt-oss-120b.");
    CHECK_FALSE(find_model(shipped(), ""));
}

TEST_CASE("a misspelt name is answered with the closest ones") {
    const Result<ModelShape> found = find_model(shipped(), "Mixtrel-8x7B");
    REQUIRE_FALSE(found);
    CHECK(found.error().why.starts_with("the closest names are Mixtral-8x7B"));
    CHECK(find_model(shipped(), "mixtarl").error().why.starts_with("the closest names are Mixtral-8x7B"));
    for (const char *far : {"Nope", "xyz", "something else"})
        CHECK(find_model(shipped(), far).error().why == "no name there is near it");
}

TEST_CASE("every optional field of an entry is read") {
    const std::filesystem::path path = std::filesystem::temp_directory_path() /
                                       ("moescope_fields_" + std::to_string(getpid()) + ".json");
    std::ofstream(path) << entry(
        R"(, "shared_experts": 1, "shared_intermediate": 48, "latent": 16, "dense_first": 3, "vocab": 500,
        "router": "sigmoid", "renorm": "clamp", "renorm_epsilon": 0.5, "groups": 4, "groups_kept": 2,
        "group_score": "max", "routed_scaling": 2.5, "correction_bias": true, "gated": false, "activation": "gelu",
        "dtype": "f16")");
    const auto catalogue = load_catalogue(path);
    std::filesystem::remove(path);
    REQUIRE(catalogue);
    ModelShape expected;
    expected.name = "M";
    expected.source = "a test";
    expected.experts = 8, expected.hidden = 64, expected.intermediate = 32, expected.top_k = 2;
    expected.shared_experts = 1, expected.shared_intermediate = 48, expected.latent = 16,
    expected.dense_first = 3, expected.vocab = 500;
    expected.router = RouterKind::Sigmoid, expected.renorm = Renorm::Clamp,
    expected.renorm_epsilon = 0.5;
    expected.groups = 4, expected.groups_kept = 2, expected.group_score = GroupScore::Max;
    expected.routed_scaling = 2.5, expected.correction_bias = true, expected.gated = false;
    expected.activation = Activation::Gelu;
    expected.dtype = DType::F16;
    CHECK(catalogue->front() == expected);
}

TEST_CASE("a broken catalogue names the entry, the field and what is allowed") {
    CHECK(refusal("") == ": it is not JSON at line 1, column 1.");
    CHECK(refusal("{\"models\":\n [,]}") == ": it is not JSON at line 2, column 3.");
    CHECK(refusal("[]") == ": it is JSON, but not an object.");
    CHECK(refusal("{}") == ": it has no list named \"models\".");
    CHECK(refusal(R"({"models": [7]})") ==
          ": model 1 is 7: it must be an object with name, experts, ....");
    CHECK(refusal(R"({"models": [{"name": "M"}]})") == ": model \"M\": source is missing.");
    CHECK(refusal(entry(R"(, "expert": 1)"))
              .starts_with(": model \"M\": there is no field \"expert\": the fields are"));
    CHECK(refusal(entry(R"(, "latent": "big")")) ==
          ": model \"M\": latent is \"big\": it must be a whole number within 32 bits.");
    CHECK(refusal(entry(R"(, "latent": 1e30)")).starts_with(": model \"M\": latent is 1e+30"));
    CHECK(refusal(entry(R"(, "router": "hash")")) ==
          ": model \"M\": router is \"hash\": it must be one of softmax, sigmoid, topk_softmax, "
          "sqrtsoftplus, topk_sigmoid.");
    CHECK(refusal(entry(R"(, "groups": 3)")) ==
          ": model \"M\": groups is 3: it must divide the 8 experts.");
    CHECK(
        refusal(
            entry(
                R"(}, {"name": "m", "source": "s", "experts": 8, "hidden": 64, "intermediate": 32, "top_k": 2)"))
            .starts_with(": model \"m\" is there twice"));
}

TEST_CASE("a catalogue that is not there is an error, not an empty one") {
    const auto catalogue = load_catalogue("/nonexistent/models.json");
    REQUIRE_FALSE(catalogue);
    CHECK(catalogue.error().sentence() == "/nonexistent/models.json: there is no such file.");
    CHECK(load_catalogue("/").error().sentence() == "/: it is a folder; name the file in it.");
}

TEST_CASE("assets are found without being told where") {
    CHECK(std::filesystem::exists(find_asset("models.json")));
}
