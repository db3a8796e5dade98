#include "profiler/workload/operators.h"

#include "profiler/base/closest.h"
#include "profiler/workload/operators/definition.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace moescope {

namespace {

constexpr std::array kFamilies = {
    FamilyInfo{OperatorFamily::Routing, "routing", "Routing",
               "From hidden states or logits to each token's experts and their weights.", true},
    FamilyInfo{OperatorFamily::Metadata, "metadata", "Metadata",
               "What the grouped kernels need to know of a routing: order, counts, tiles.", true},
    FamilyInfo{OperatorFamily::Grouped, "grouped", "Grouped products",
               "The experts' matrix products, with and without LoRA.", true},
    FamilyInfo{OperatorFamily::Dequant, "dequant", "Dequantisation",
               "Quantised expert weights expanded for the matrix products.", true},
    FamilyInfo{OperatorFamily::Backward, "backward", "Backward",
               "Gradients of the experts' products and of their LoRA matrices.", false},
    FamilyInfo{OperatorFamily::Layer, "layer", "Layer",
               "The whole gated MLP of the experts, forward and backward.", false},
    FamilyInfo{OperatorFamily::Logprob, "logprob", "Log-probabilities",
               "Entropy and selected log-probabilities of logits over a vocabulary.", false},
    FamilyInfo{OperatorFamily::Parallel, "parallel", "Expert parallel",
               "The experts shared between ranks: tokens travel to them and back.", false},
};

using Table = std::array<OperatorDefinition, std::size_t(kOperatorCount)>;

Table make_table() {
    Table table;
    for (const Definitions family :
         {routing_operators(), metadata_operators(), grouped_operators(), dequant_operators(),
          backward_operators(), layer_operators(), logprob_operators(), parallel_operators()})
        for (const OperatorDefinition &each : family)
            table[std::size_t(each.info.id)] = each;
    return table;
}

const Table &table() {
    static const Table made = make_table();
    return made;
}

std::string listed(const std::vector<std::string> &names) {
    std::string text;
    for (const std::string &name : names)
        text += (text.empty() ? "" : ", ") + name;
    return text;
}

Error unknown_operator(std::string_view name) {
    std::vector<std::string> names, family_names;
    for (const OperatorInfo &each : operators())
        names.emplace_back(each.name);
    for (const FamilyInfo &each : families())
        family_names.emplace_back(each.name);
    const std::string what = "operator \"" + std::string(name) + "\" is unknown";
    const std::string remedy = "moescope operators lists all";
    names.insert(names.end(), family_names.begin(), family_names.end());
    if (const auto closest = closest_names(names, name, 3); !closest.empty())
        return {what, "the closest names are " + listed(closest), remedy};
    return {what, "the families are " + listed(family_names), remedy};
}

} // namespace

const OperatorDefinition &definition(OperatorId id) { return table()[std::size_t(id)]; }

std::span<const OperatorInfo> operators() {
    static const auto infos = [] {
        std::array<OperatorInfo, std::size_t(kOperatorCount)> infos;
        std::transform(table().begin(), table().end(), infos.begin(),
                       [](const OperatorDefinition &each) { return each.info; });
        return infos;
    }();
    return infos;
}

const OperatorInfo &info(OperatorId id) { return definition(id).info; }

namespace {
constexpr std::string_view kEdited = " (edited)";
}

std::string edited_variant(std::string_view variant) {
    return std::string(plain_variant(variant)) += kEdited;
}

bool is_edited(std::string_view variant) { return variant.ends_with(kEdited); }

std::string_view plain_variant(std::string_view variant) {
    return is_edited(variant) ? variant.substr(0, variant.size() - kEdited.size()) : variant;
}

const VariantInfo *find_variant(OperatorId id, std::string_view name) {
    for (const VariantInfo &each : info(id).variants)
        if (each.name == name)
            return &each;
    return nullptr;
}

std::span<const FamilyInfo> families() { return kFamilies; }

const FamilyInfo &info(OperatorFamily id) { return kFamilies[std::size_t(id)]; }

bool OperatorInfo::in_forward_pass() const { return info(family).forward && !alternative; }

const FamilyInfo *find_family(std::string_view name) {
    const auto found = std::find_if(kFamilies.begin(), kFamilies.end(),
                                    [&](const FamilyInfo &each) { return each.name == name; });
    return found == kFamilies.end() ? nullptr : &*found;
}

Result<OperatorId> find_operator(std::string_view name) {
    for (const OperatorInfo &each : operators())
        if (each.name == name)
            return each.id;
    return unknown_operator(name);
}

} // namespace moescope
