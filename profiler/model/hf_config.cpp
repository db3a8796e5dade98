#include "profiler/model/hf_config.h"

#include "profiler/model/hf_family.h"
#include "profiler/model/json_file.h"
#include "profiler/model/names.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <cstdint>
#include <span>

namespace moescope {

namespace {

using nlohmann::json;
using Keys = std::span<const std::string_view>;

// Spellings of one quantity, in the order they are tried. Source: the configuration_*.py of the
// families in transformers, and the configurations published with the models.
constexpr std::string_view kExperts[] = {"num_local_experts", "num_experts", "n_routed_experts",
                                         "moe_num_experts"};
constexpr std::string_view kTopK[] = {"num_experts_per_tok", "moe_k", "moe_topk",
                                      "num_experts_per_token", "top_k_experts"};
constexpr std::string_view kExpertSize[] = {"moe_intermediate_size", "expert_ffn_hidden_size"};
constexpr std::string_view kDenseSize[] = {"intermediate_size"};
constexpr std::string_view kHidden[] = {"hidden_size"};
constexpr std::string_view kVocab[] = {"vocab_size"};
constexpr std::string_view kShared[] = {"n_shared_experts", "num_shared_experts",
                                        "num_shared_expert", "moe_num_shared_experts"};
constexpr std::string_view kSharedSize[] = {"shared_expert_intermediate_size",
                                            "moe_shared_expert_intermediate_size",
                                            "shared_intermediate_size"};
constexpr std::string_view kGroups[] = {"n_group", "num_expert_group"};
constexpr std::string_view kGroupsKept[] = {"topk_group"};
constexpr std::string_view kDenseFirst[] = {"first_k_dense_replace", "num_dense_layers",
                                            "moe_layer_start_index"};
constexpr std::string_view kLatent[] = {"moe_latent_size", "routed_expert_hidden_size"};
constexpr std::string_view kActivation[] = {"hidden_activation", "mlp_hidden_act", "hidden_act"};
constexpr std::string_view kScore[] = {"scoring_func", "moe_router_activation_func"};
constexpr std::string_view kNested[] = {"text_config", "thinker_config", "llm_config",
                                        "language_config"};
constexpr int kMaxNested = 4;

const std::string_view *first_key(const JsonObject &config, Keys keys) {
    const auto found = std::find_if(keys.begin(), keys.end(),
                                    [&](auto key) { return config.find(key) != nullptr; });
    return found == keys.end() ? nullptr : &*found;
}

// A whole number, or a list of them with one entry a layer: then the one of `layer`.
Result<std::optional<std::int32_t>> layer_integer(const JsonObject &config, Keys keys,
                                                  std::int32_t layer) {
    const std::string_view *key = first_key(config, keys);
    if (!key)
        return std::optional<std::int32_t>();
    const json &value = *config.find(*key);
    if (!value.is_array())
        return config.integer(*key);
    if (value.empty())
        return config.wrong(*key, "a whole number, or a list with one for each layer");
    const std::size_t at = std::min(std::size_t(std::max(layer, 0)), value.size() - 1);
    if (const auto number = whole_number(value[at]))
        return number;
    return config.wrong(*key, "a whole number, or a list with one for each layer");
}

// Length of the leading run of layers for which is_dense(entry) holds; a list without any sparse
// layer counts as none.
template <typename IsDense> std::int32_t leading_dense(const json &list, IsDense is_dense) {
    const auto sparse = std::find_if_not(list.begin(), list.end(), is_dense);
    return sparse == list.end()
               ? 0
               : std::int32_t(std::min<std::ptrdiff_t>(sparse - list.begin(), 1024));
}

// Qwen: layer i is sparse if it is not listed and (i + 1) is a multiple of the step.
Result<std::int32_t> dense_by_step(const JsonObject &config) {
    const auto step = config.integer("decoder_sparse_step");
    if (!step)
        return step.error();
    const json *listed = config.find("mlp_only_layers");
    if (listed && !listed->is_array())
        return config.wrong("mlp_only_layers", "a list of layers");
    if (step->value_or(1) < 1)
        return config.wrong("decoder_sparse_step", "1 or more");
    for (std::int32_t layer = 0; layer < 1024; ++layer) {
        const bool dense =
            listed && std::any_of(listed->begin(), listed->end(),
                                  [&](const json &entry) { return whole_number(entry) == layer; });
        if (!dense && (layer + 1) % step->value_or(1) == 0)
            return layer;
    }
    return 0;
}

Result<std::int32_t> dense_first(const JsonObject &config) {
    if (const json *types = config.find("mlp_layer_types"); types && types->is_array())
        return leading_dense(*types, [](const json &type) { return type == "dense"; });
    if (const json *layers = config.find("moe_layers");
        layers && layers->is_array() && !layers->empty())
        if (const auto first = whole_number(layers->front()); first && *first >= 0)
            return *first;
    if (const json *every = config.find("moe_layer_freq"); every && every->is_array())
        return leading_dense(*every, [](const json &sparse) { return sparse == 0; });
    if (config.find("mlp_only_layers") || config.find("decoder_sparse_step"))
        return dense_by_step(config);
    if (config.find("interleave_moe_layer_step")) {
        const auto step = config.integer("interleave_moe_layer_step");
        if (!step || step->value() < 1)
            return config.wrong("interleave_moe_layer_step", "1 or more");
        return step->value() - 1;
    }
    const auto count = layer_integer(config, kDenseFirst, 0);
    if (!count)
        return count.error();
    return count->value_or(0);
}

Error missing(const JsonObject &config, std::string_view what, Keys keys) {
    return {fmt::format("{}: the {} missing", config.where(), what),
            fmt::format("none of the keys {} is there", fmt::join(keys, ", ")),
            {}};
}

// The object that describes the language model: the document itself, or the nested one that a model
// of several parts keeps it in.
const json *with_experts(const json &document, int depth = 0) {
    const JsonObject config(document, "");
    if (first_key(config, kExperts))
        return &document;
    if (depth < kMaxNested)
        for (const std::string_view key : kNested)
            if (const json *nested = config.find(key); nested && nested->is_object())
                if (const json *found = with_experts(*nested, depth + 1))
                    return found;
    return nullptr;
}

Status read_required(std::int32_t &to, const JsonObject &config, std::string_view what, Keys keys,
                     std::int32_t layer) {
    const auto value = layer_integer(config, keys, layer);
    if (!value)
        return value.error();
    if (!*value)
        return missing(config, what, keys);
    to = **value;
    return {};
}

Status read_optional(std::int32_t &to, const JsonObject &config, Keys keys, std::int32_t layer) {
    const auto value = layer_integer(config, keys, layer);
    if (!value)
        return value.error();
    to = value->value_or(to);
    return {};
}

Status read_expert_size(const JsonObject &config, const HfFamily *family, ModelShape &shape) {
    // An unknown family without a key of its own for the experts' size keeps it where Mixtral does.
    const bool dense_key =
        !first_key(config, kExpertSize) && (!family || family->intermediate_is_experts);
    return read_required(shape.intermediate, config, "experts' inner size is",
                         dense_key ? Keys(kDenseSize) : kExpertSize, shape.dense_first);
}

Status read_shared(const JsonObject &config, const HfFamily *family, ModelShape &shape) {
    if (const Status status =
            read_optional(shape.shared_experts, config, kShared, shape.dense_first);
        !status)
        return status;
    const bool dense_size = family && family->shared_is_dense_size;
    const Keys keys = dense_size ? Keys(kDenseSize) : Keys(kSharedSize);
    if (const Status status =
            read_optional(shape.shared_intermediate, config, keys, shape.dense_first);
        !status)
        return status;
    if (shape.shared_intermediate > 0 && shape.shared_experts == 0)
        shape.shared_experts = 1;
    else if (shape.shared_intermediate == 0 && shape.shared_experts > 0 &&
             shape.shared_experts <= 1024 && shape.intermediate > 0 &&
             shape.intermediate <= (1 << 20))
        shape.shared_intermediate = std::int32_t(std::min<std::int64_t>(
            std::int64_t(shape.shared_experts) * shape.intermediate, 1 << 30));
    return {};
}

Status read_sizes(const JsonObject &config, const HfFamily *family, ModelShape &shape) {
    const Result<std::int32_t> dense = dense_first(config);
    if (!dense)
        return dense.error();
    shape.dense_first = *dense;
    const std::int32_t layer = shape.dense_first;
    if (const Status status =
            read_required(shape.experts, config, "number of experts is", kExperts, layer);
        !status)
        return status;
    if (const Status status =
            read_required(shape.top_k, config, "number of experts a token is", kTopK, layer);
        !status)
        return status;
    if (const Status status = read_required(shape.hidden, config, "hidden size is", kHidden, layer);
        !status)
        return status;
    if (const Status status = read_expert_size(config, family, shape); !status)
        return status;
    if (const Status status = read_optional(shape.latent, config, kLatent, layer); !status)
        return status;
    if (const Status status = read_optional(shape.vocab, config, kVocab, layer); !status)
        return status;
    return read_shared(config, family, shape);
}

Status read_score(const JsonObject &config, ModelShape &shape) {
    const std::string_view *key = first_key(config, kScore);
    if (!key)
        return {};
    const auto name = config.text(*key);
    if (!name)
        return name.error();
    const Result<RouterKind> kind =
        router_kind_of(fmt::format("{}: {}", config.where(), *key), **name);
    if (!kind)
        return kind.error();
    shape.router = *kind;
    return {};
}

Status read_renormalisation(const JsonObject &config, const HfFamily &family, ModelShape &shape) {
    using Normalise = HfFamily::Normalise;
    const auto by_key =
        config.boolean(config.find("moe_renormalize") ? "moe_renormalize" : "norm_topk_prob");
    if (!by_key)
        return by_key.error();
    const bool asked = by_key->value_or(family.normalise == Normalise::ByKeyOrTrue);
    const bool done =
        family.normalise == Normalise::Always || (family.normalise != Normalise::Never && asked);
    shape.renorm = done ? family.renorm : Renorm::None;
    shape.renorm_epsilon = done ? family.epsilon : 0;
    if (const json *least = config.find("moe_norm_min"); done && least && least->is_number())
        shape.renorm_epsilon = least->get<double>();
    return {};
}

Status read_groups(const JsonObject &config, ModelShape &shape) {
    const auto method = config.text("topk_method");
    if (!method)
        return method.error();
    if (method->value_or("") == "greedy") // DeepSeek-V2-Lite: groups are named but not used
        return {};
    if (const Status status = read_optional(shape.groups, config, kGroups, shape.dense_first);
        !status)
        return status;
    shape.groups_kept = shape.groups;
    return read_optional(shape.groups_kept, config, kGroupsKept, shape.dense_first);
}

// Where the family's code does not decide it, the configuration names it; a name that is no kernel's
// here is said and taken for silu.
Status read_activation(const JsonObject &config, const HfFamily &family, ModelShape &shape) {
    constexpr std::pair<std::string_view, Activation> kNames[] = {
        {"silu", Activation::Silu},          {"swish", Activation::Silu},
        {"gelu", Activation::Gelu},          {"gelu_pytorch_tanh", Activation::GeluTanh},
        {"gelu_new", Activation::GeluTanh},  {"gelu_tanh", Activation::GeluTanh},
        {"relu2", Activation::Relu2},        {"relu_squared", Activation::Relu2}};
    shape.activation = family.activation;
    const std::string_view *key = first_key(config, kActivation);
    if (!key || family.activation == Activation::ClampedSwish)
        return {};
    const auto name = config.text(*key);
    if (!name)
        return name.error();
    const auto found = std::find_if(std::begin(kNames), std::end(kNames),
                                    [&](const auto &each) { return each.first == **name; });
    if (found != std::end(kNames))
        shape.activation = found->second;
    else
        shape.source += fmt::format("; its activation {} taken for {}", **name, name_of(shape.activation));
    return {};
}

Status read_router(const JsonObject &config, const HfFamily *known, ModelShape &shape) {
    // An unknown family: softmax, renormalised as its own key says, which is the commonest.
    const HfFamily family = known ? *known : HfFamily{};
    shape.router = family.router;
    shape.group_score = family.group_score;
    shape.correction_bias = family.correction_bias;
    shape.gated = family.gated;
    if (const Status status = read_activation(config, family, shape); !status)
        return status;
    if (const Status status = read_score(config, shape); !status)
        return status;
    if (const Status status = read_renormalisation(config, family, shape); !status)
        return status;
    const auto bias = config.boolean("use_expert_bias");
    if (!bias)
        return bias.error();
    shape.correction_bias = bias->value_or(shape.correction_bias);
    const auto scaling = config.real("routed_scaling_factor");
    if (!scaling)
        return scaling.error();
    shape.routed_scaling = scaling->value_or(1.0);
    return read_groups(config, shape);
}

// The weights' dtype; what no kernel here takes (float8, ...) stands as bf16, its activations'
// type.
DType dtype_in(const json &document, const JsonObject &config) {
    for (const JsonObject &place : {config, JsonObject(document, "")})
        for (const char *key : {"torch_dtype", "dtype"})
            if (const json *name = place.find(key); name && name->is_string())
                return *name == "float16"   ? DType::F16
                       : *name == "float32" ? DType::F32
                                            : DType::BF16;
    return DType::BF16;
}

// The folder's name for ".../Model/config.json", else the file's own.
std::string name_of_file(std::string_view file_name) {
    const std::filesystem::path path(file_name);
    const std::string folder = path.parent_path().filename().string();
    return path.stem() == "config" && !folder.empty() ? folder : path.stem().string();
}

std::string model_name(const json &document, std::string_view file_name) {
    const auto path = document.find("_name_or_path");
    std::string name = path != document.end() && path->is_string()
                           ? std::filesystem::path(path->get<std::string>()).filename().string()
                           : "";
    if (name.empty())
        name = name_of_file(file_name);
    std::replace_if(
        name.begin(), name.end(),
        [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }, '?');
    return name.empty() ? "custom" : name.substr(0, 80);
}

} // namespace

Result<ModelShape> shape_from_hf_config(std::string_view json_text, std::string_view file_name) {
    const Result<json> document = parse_json_object(json_text, file_name);
    if (!document)
        return document.error();
    const json *object = with_experts(*document);
    if (!object)
        return Error{fmt::format("{} describes no experts", file_name),
                     fmt::format("none of the keys {} is there", fmt::join(kExperts, ", ")),
                     "choose the configuration of a Mixture-of-Experts model"};
    const JsonObject config(*object, std::string(file_name));
    const auto type = config.text("model_type");
    if (!type)
        return type.error();
    const std::string model_type = type->value_or("");
    const HfFamily *family = find_hf_family(model_type);

    ModelShape shape;
    shape.name = model_name(*document, file_name);
    shape.source = fmt::format(
        "{} (model_type {}{})", file_name, model_type.empty() ? "not given" : model_type,
        family ? "" : ": unknown, its router taken for softmax unless it says otherwise");
    shape.dtype = dtype_in(*document, config);
    if (const Status status = read_sizes(config, family, shape); !status)
        return status.error();
    if (const Status status = read_router(config, family, shape); !status)
        return status.error();
    if (const Status status = validate(shape); !status) {
        const Error &error = status.error();
        return Error{fmt::format("{}: {}", file_name, error.what), error.why, error.remedy};
    }
    return shape;
}

Result<ModelShape> shape_from_hf_config_file(const std::filesystem::path &path) {
    const Result<std::string> text = read_text_file(path);
    if (!text)
        return text.error();
    return shape_from_hf_config(*text, path.string());
}

} // namespace moescope
