#include "profiler/model/hf_config.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace moescope;

namespace {

// What transformers writes for each family (make_hf_configs.py).
std::string written(const std::string &family) {
    std::ifstream file(MOESCOPE_TEST_DATA "/profiler/model/hf_configs.json");
    const nlohmann::json all = nlohmann::json::parse(file);
    return all.at("configs").at(family).dump();
}

ModelShape read(const std::string &family) {
    const Result<ModelShape> shape = shape_from_hf_config(written(family), "config.json");
    if (!shape)
        FAIL(family + ": " + shape.error().sentence());
    return shape.value();
}

std::string refusal(const std::string &text) {
    const Result<ModelShape> shape = shape_from_hf_config(text, "config.json");
    REQUIRE_FALSE(shape);
    const std::string sentence = shape.error().sentence();
    CHECK(sentence.starts_with("config.json"));
    CHECK(std::count(sentence.begin(), sentence.end(), '\n') == 0);
    return sentence;
}

// A Mixtral with some keys replaced.
std::string mixtral(const std::string &patch) {
    nlohmann::json config = nlohmann::json::parse(written("mixtral"));
    config.update(nlohmann::json::parse(patch));
    return config.dump();
}

struct Sizes {
    const char *family;
    int experts, hidden, intermediate, top_k, shared_experts, shared, dense_first;
};

} // namespace

TEST_CASE("the sizes of every family are read from what transformers writes") {
    const Sizes expected = GENERATE(values<Sizes>({
        {"mixtral", 8, 4096, 14336, 2, 0, 0, 0},
        {"olmoe", 64, 2048, 2048, 8, 0, 0, 0},
        {"qwen2_moe", 60, 2048, 1408, 4, 1, 5632, 0},
        {"qwen3_moe", 128, 2048, 768, 8, 0, 0, 0},
        {"qwen3_next", 512, 2048, 512, 10, 1, 512, 0},
        {"qwen3_5_moe", 256, 2048, 512, 8, 1, 512, 0},
        {"gpt_oss", 128, 2880, 2880, 4, 0, 0, 0},
        {"deepseek_v2", 64, 4096, 1536, 6, 2, 3072, 0},
        {"deepseek_v3", 256, 7168, 2048, 8, 1, 2048, 3},
        {"deepseek_v4", 256, 4096, 2048, 6, 1, 2048, 0},
        {"glm4_moe", 128, 4096, 1408, 8, 1, 1408, 1},
        {"glm4_moe_lite", 64, 2048, 1536, 4, 1, 1536, 1},
        {"glm_moe_dsa", 256, 6144, 2048, 8, 1, 2048, 3},
        {"minimax", 8, 4096, 14336, 2, 0, 0, 0},
        {"minimax_m2", 256, 3072, 1536, 8, 0, 0, 0},
        {"mistral4", 128, 4096, 2048, 4, 1, 2048, 0},
        {"longcat_flash", 512, 6144, 2048, 12, 0, 0, 0},
        {"ernie4_5_moe", 64, 2560, 1536, 6, 2, 3072, 1},
        {"phimoe", 16, 4096, 6400, 2, 0, 0, 0},
        {"lfm2_moe", 32, 2048, 1792, 4, 0, 0, 2},
        {"llama4", 16, 5120, 8192, 1, 1, 8192, 0},
        {"mimo_v2_flash", 256, 4096, 2048, 8, 0, 0, 1},
        {"kimi_k25", 256, 7168, 2048, 8, 1, 2048, 3},
        {"kimi_linear", 256, 2304, 1024, 8, 1, 1024, 1},
        {"dots1", 128, 4608, 1408, 6, 2, 2816, 0},
        {"gemma4", 128, 2816, 704, 8, 1, 2112, 0},
        {"nemotron_h", 512, 4096, 2688, 22, 1, 5376, 0},
        {"hunyuan_v1_moe", 64, 4096, 3072, 8, 0, 0, 0},
    }));
    const ModelShape shape = read(expected.family);
    CAPTURE(expected.family);
    CHECK(shape.experts == expected.experts);
    CHECK(shape.hidden == expected.hidden);
    CHECK(shape.intermediate == expected.intermediate);
    CHECK(shape.top_k == expected.top_k);
    CHECK(shape.shared_experts == expected.shared_experts);
    CHECK(shape.shared_intermediate == expected.shared);
    CHECK(shape.dense_first == expected.dense_first);
}

TEST_CASE("a family's router is the one its modeling file computes") {
    const ModelShape qwen = read("qwen3_moe"); // its default: norm_topk_prob false
    CHECK(qwen.router == RouterKind::Softmax);
    CHECK(qwen.renorm == Renorm::None);

    const ModelShape mixtral_shape = read("mixtral");
    CHECK(mixtral_shape.renorm == Renorm::Add);
    CHECK(mixtral_shape.renorm_epsilon == 0);

    const ModelShape v2 = read("deepseek_v2");
    CHECK(v2.router == RouterKind::Softmax);
    CHECK(v2.renorm == Renorm::None);
    CHECK(v2.groups == 8);
    CHECK(v2.groups_kept == 3);
    CHECK(v2.group_score == GroupScore::Max);

    const ModelShape v3 = read("deepseek_v3");
    CHECK(v3.router == RouterKind::Sigmoid);
    CHECK(v3.renorm == Renorm::Add);
    CHECK(v3.renorm_epsilon == 1e-20);
    CHECK(v3.groups == 8);
    CHECK(v3.groups_kept == 4);
    CHECK(v3.routed_scaling == 2.5);
    CHECK(v3.correction_bias);

    CHECK(read("deepseek_v4").router == RouterKind::SqrtSoftplus);
    CHECK(read("gpt_oss").router == RouterKind::TopkSoftmax);
    CHECK(read("gpt_oss").renorm == Renorm::Add);
    CHECK(read("ernie4_5_moe").renorm == Renorm::Clamp);
    CHECK(read("ernie4_5_moe").renorm_epsilon == 1e-12);
    CHECK(read("lfm2_moe").renorm_epsilon == 1e-6);
    CHECK(read("longcat_flash").routed_scaling == 6);
    CHECK(read("llama4").router == RouterKind::TopkSigmoid);
    CHECK(read("llama4").renorm == Renorm::None);
    CHECK(read("minimax_m2").renorm_epsilon == 0);
    CHECK_FALSE(read("nemotron_h").gated);
    CHECK(read("nemotron_h").activation == Activation::Relu2);
    CHECK(read("gpt_oss").activation == Activation::ClampedSwish);
    CHECK(read("mixtral").activation == Activation::Silu);
    CHECK(read("nemotron_h").latent == 1024);
}

TEST_CASE("the configuration names the activation where the family's code does not") {
    const auto with = [](const char *type, const char *key, const char *name) {
        nlohmann::json config = nlohmann::json::parse(written(type));
        for (const char *other : {"hidden_act", "hidden_activation", "mlp_hidden_act"})
            config.erase(other);
        config[key] = name;
        return *shape_from_hf_config(config.dump(), "config.json");
    };
    CHECK(with("qwen3_moe", "hidden_act", "gelu_pytorch_tanh").activation == Activation::GeluTanh);
    CHECK(with("qwen3_moe", "hidden_activation", "relu2").activation == Activation::Relu2);
    CHECK(with("gpt_oss", "hidden_act", "silu").activation == Activation::ClampedSwish);
    const ModelShape unknown = with("qwen3_moe", "hidden_act", "mish");
    CHECK(unknown.activation == Activation::Silu);
    CHECK(unknown.source.ends_with("; its activation mish taken for silu"));
}

TEST_CASE("norm_topk_prob decides where the family lets it") {
    nlohmann::json config = nlohmann::json::parse(written("qwen3_moe"));
    config["norm_topk_prob"] = true;
    CHECK(shape_from_hf_config(config.dump(), "config.json")->renorm == Renorm::Add);
}

TEST_CASE("the other spellings of Kimi-K3, Llama and Qwen are read") {
    const Result<ModelShape> k3 = shape_from_hf_config(R"({"model_type": "kimi_k3", "text_config": {
        "model_type": "kimi_k3_text", "num_experts": 896, "hidden_size": 7168, "routed_expert_hidden_size": 3584,
        "moe_intermediate_size": 3072, "num_experts_per_token": 16, "num_shared_experts": 2, "num_expert_group": 1,
        "topk_group": 1, "first_k_dense_replace": 1, "moe_router_activation_func": "sigmoid"}})",
                                                       "config.json");
    REQUIRE(k3);
    CHECK(k3->latent == 3584);
    CHECK(k3->top_k == 16);
    CHECK(k3->shared_intermediate == 6144);
    CHECK(k3->router == RouterKind::Sigmoid);

    CHECK(shape_from_hf_config(mixtral(R"({"interleave_moe_layer_step": 2})"), "config.json")
              ->dense_first == 1);
    CHECK(shape_from_hf_config(mixtral(R"({"decoder_sparse_step": 2, "mlp_only_layers": [1]})"),
                               "config.json")
              ->dense_first == 3);
    CHECK(shape_from_hf_config(mixtral(R"({"moe_layer_freq": [0, 0, 1, 1]})"), "config.json")
              ->dense_first == 2);
}

TEST_CASE("the size of the vocabulary is read where there is one") {
    CHECK(shape_from_hf_config(mixtral(R"({"vocab_size": 32000})"), "config.json")->vocab == 32000);
    CHECK(shape_from_hf_config(mixtral("{}"), "config.json")->vocab == 0);
}

TEST_CASE("a list with one number a layer gives that of the first layer with experts") {
    const Result<ModelShape> shape = shape_from_hf_config(
        mixtral(R"({"num_experts_per_tok": [0, 4, 2], "first_k_dense_replace": 1})"),
        "config.json");
    REQUIRE(shape);
    CHECK(shape->top_k == 4);
}

TEST_CASE("name and dtype come from the file where it says them") {
    CHECK(shape_from_hf_config(mixtral(R"({"_name_or_path": "mistralai/Mixtral-8x7B-v0.1"})"),
                               "config.json")
              ->name == "Mixtral-8x7B-v0.1");
    CHECK(shape_from_hf_config(written("mixtral"), "/models/My-MoE/config.json")->name == "My-MoE");
    CHECK(shape_from_hf_config(mixtral(R"({"_name_or_path": "a\u001bb"})"), "config.json")->name ==
          "a?b");
    CHECK(shape_from_hf_config(mixtral(R"({"torch_dtype": "float16"})"), "config.json")->dtype ==
          DType::F16);
    CHECK(shape_from_hf_config(mixtral(R"({"dtype": "float32"})"), "config.json")->dtype ==
          DType::F32);
    CHECK(read("mixtral").dtype == DType::BF16);
}

TEST_CASE("a wrong value in a config names key, value and what is allowed") {
    CHECK(refusal(mixtral(R"({"num_local_experts": "many"})")) ==
          "config.json: num_local_experts is \"many\": it must be a whole number within 32 bits.");
    CHECK(refusal(mixtral(R"({"num_local_experts": 8.5})")).find("num_local_experts is 8.5") !=
          std::string::npos);
    CHECK(refusal(mixtral(R"({"hidden_size": 99999999999999999999})")).find("hidden_size is") !=
          std::string::npos);
    CHECK(refusal(mixtral(R"({"hidden_size": -4096})")) ==
          "config.json: hidden is -4096: it must be a multiple of 8 in 8..65536.");
    CHECK(refusal(mixtral(R"({"num_experts_per_tok": 9})")).find("top_k is 9") !=
          std::string::npos);
    CHECK(
        refusal(mixtral(R"({"num_experts_per_tok": []})")).find("a list with one for each layer") !=
        std::string::npos);
    CHECK(refusal(mixtral(R"({"num_experts_per_tok": [{}]})"))
              .find("a list with one for each layer") != std::string::npos);
    CHECK(refusal(mixtral(R"({"num_experts_per_tok": null})")) ==
          "config.json: the number of experts a token is missing: none of the keys "
          "num_experts_per_tok, moe_k, "
          "moe_topk, num_experts_per_token, top_k_experts is there.");
    CHECK(refusal(mixtral(R"({"scoring_func": "hash"})")).find("scoring_func is \"hash\"") !=
          std::string::npos);
    CHECK(refusal(mixtral(R"({"model_type": 7})")).find("model_type is 7") != std::string::npos);
    CHECK(refusal(mixtral(R"({"n_shared_experts": 2000000000})"))
              .find("shared_experts is 2000000000") != std::string::npos);
    CHECK(refusal(mixtral(R"({"decoder_sparse_step": 0})")).find("decoder_sparse_step is 0") !=
          std::string::npos);
    CHECK(refusal(mixtral(R"({"interleave_moe_layer_step": []})"))
              .find("interleave_moe_layer_step") != std::string::npos);
    CHECK(refusal(mixtral(R"({"moe_layer_freq": [], "num_local_experts": 0})"))
              .find("experts is 0") != std::string::npos);
}

TEST_CASE("a file that is not a model's configuration says what it is") {
    CHECK(refusal("") == "config.json: it is not JSON at line 1, column 1.");
    CHECK(refusal("{\n  \"num_experts\": NaN\n}")
              .starts_with("config.json: it is not JSON at line 2"));
    CHECK(refusal("{\"a\": 1e999}") == "config.json: it holds a number that is out of range.");
    CHECK(refusal("[1, 2]") == "config.json: it is JSON, but not an object.");
    CHECK(refusal("\"\xff\xfe\"").starts_with("config.json: it is not JSON"));
    CHECK(refusal(R"({"model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008})")
              .starts_with("config.json describes no experts"));
}

TEST_CASE("a hostile file is refused before it costs memory or stack") {
    CHECK(refusal(std::string(1'000'000, '[')) ==
          "config.json: its brackets nest more than 64 deep.");
    std::string nested;
    for (int i = 0; i < 40; ++i)
        nested += "{\"text_config\": ";
    nested += "{\"num_experts\": 8}" + std::string(40, '}');
    CHECK(refusal(nested).starts_with(
        "config.json describes no experts")); // only a few levels are looked into
    CHECK(refusal(std::string((16u << 20) + 1, ' ')) ==
          "config.json: it is larger than 16 MiB, which no model configuration is.");
    CHECK(refusal("{\"num_experts\": \"" + std::string(100'000, 'x') + "\"}").size() < 200);
}

TEST_CASE("any single key of a real config may turn into nonsense without harm") {
    const nlohmann::json nonsense[] = {nullptr,
                                       true,
                                       -1,
                                       0,
                                       1.5,
                                       4e9,
                                       "text",
                                       nlohmann::json::array(),
                                       nlohmann::json::object(),
                                       {1, "a", nullptr}};
    for (const char *family :
         {"deepseek_v3", "qwen3_next", "llama4", "lfm2_moe", "nemotron_h", "kimi_linear"}) {
        const nlohmann::json config = nlohmann::json::parse(written(family));
        for (const auto &[key, value] : config.items())
            for (const nlohmann::json &bad : nonsense) {
                nlohmann::json changed = config;
                changed[key] = bad;
                const Result<ModelShape> shape =
                    shape_from_hf_config(changed.dump(), "config.json");
                if (shape)
                    CHECK(validate(*shape));
                else
                    CHECK(shape.error().what.starts_with("config.json"));
            }
    }
}

TEST_CASE("a config file is read from its path") {
    CHECK(shape_from_hf_config_file("/nonexistent/config.json").error().sentence() ==
          "/nonexistent/config.json: there is no such file.");
    CHECK(shape_from_hf_config_file("/").error().sentence().starts_with("/: it is a folder"));
}
