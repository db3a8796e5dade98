// The operators there are and their variants: the one list the plans, the command line and the
// window share.
#pragma once

#include "profiler/base/result.h"

#include <span>
#include <string_view>
#include <vector>

namespace moescope {

enum class OperatorId {
    SoftmaxTopk,
    SigmoidTopk,
    Router,
    RouteMetadata,
    GateUp, // scatter2scatter H -> 2I: scattered input, grouped output
    Down,   // scatter2scatter I -> H: grouped input, scattered output
    SelectiveDequant,
    SelectLora,
};
inline constexpr int kOperatorCount = 8;

struct VariantInfo {
    std::string_view name;    // "fused": as on the command line and in a session
    std::string_view title;   // "Fused": as in the window
    std::string_view explain; // one sentence
};

struct OperatorInfo {
    OperatorId id;
    std::string_view name; // "gate_up"
    std::string_view title;
    std::string_view explain;
    std::span<const VariantInfo> variants;
    bool tunable; // has tile configurations
};

std::span<const OperatorInfo> operators();
const OperatorInfo &info(OperatorId id);
// The error lists the names there are.
Result<OperatorId> find_operator(std::string_view name);

} // namespace moescope
