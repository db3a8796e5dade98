// The operators there are, by family, and their variants: the one list the plans, the command line
// and the window share. Each family defines its own in profiler/workload/operators/.
#pragma once

#include "profiler/base/result.h"

#include <span>
#include <string>
#include <string_view>

namespace moescope {

// New operators are added at the end; files and the wire know them by name.
enum class OperatorId {
    SoftmaxTopk,
    SigmoidTopk,
    Router,
    RouteMetadata,
    GateUp, // scatter2scatter H -> 2I: scattered input, grouped output
    Down,   // scatter2scatter I -> H: grouped input, scattered output
    SelectiveDequant,
    SelectLora,
    GateUpDx, // the gradients of the products' inputs,
    DownDx,
    GateUpLoraGrad, // and of their LoRA matrices
    DownLoraGrad,
    SqrtSoftplusTopk,
    Entropy,
    EntropyBackward,
    SelectiveLogSoftmax,
    SelectiveLogSoftmaxBackward,
    LogprobStats,
    MoeMlp,
    MoeMlpBackward,
    Bitmatrix,
    RaggedMetadata,
    RoutingData,
    Route,
    EpDispatch, // tokens to the ranks of their experts,
    EpExperts,  // the experts there,
    EpCombine,  // and their answers back
    EpLayer,
    Count_ // the number of them
};
inline constexpr int kOperatorCount = int(OperatorId::Count_);

enum class OperatorFamily { Routing, Metadata, Grouped, Dequant, Backward, Layer, Logprob, Parallel };

struct FamilyInfo {
    OperatorFamily id;
    std::string_view name;    // "backward": as on the command line
    std::string_view title;   // "Backward"
    std::string_view explain; // one sentence
    bool forward;             // part of the model's own forward pass: planned when nothing is named
};

// Whose expert weight [K, N] an operator works on.
enum class Projection { GateUp, Down };

struct VariantInfo {
    std::string_view name;    // "fused": as on the command line and in a session
    std::string_view title;   // "Fused": as in the window
    std::string_view explain; // one sentence
    bool lora = false;        // needs a LoRA rank
    bool when_named = false;  // planned only when it is named
};

// Of a tunable operator: whichever of its LoRA variants the tuner found fastest on the device for the
// workload, in the tile that it found for it.
inline constexpr std::string_view kTunedVariant = "tuned";

struct OperatorInfo {
    OperatorId id = OperatorId::Count_;
    OperatorFamily family = OperatorFamily::Routing;
    std::string_view name; // "gate_up"
    std::string_view title;
    std::string_view explain;
    std::span<const VariantInfo> variants;
    bool tunable = false;   // has tile configurations
    bool half_only = false; // runs on the matrix units: f16 and bf16, not f32
    Projection projection = Projection::GateUp;
    // Another form of what the forward pass already has: planned when it or its family is named.
    bool alternative = false;

    bool in_forward_pass() const;
};

// In the order of their ids.
std::span<const OperatorInfo> operators();
const OperatorInfo &info(OperatorId id);
// A variant whose kernels were compiled from edited sources is named after it in plans and sessions, so
// that no view, file or comparison can take one for the other: "fused (edited)".
std::string edited_variant(std::string_view variant);
bool is_edited(std::string_view variant);
std::string_view plain_variant(std::string_view variant); // "fused" of either
// Null: the operator has no such variant.
const VariantInfo *find_variant(OperatorId id, std::string_view name);

// In the order in which they are shown.
std::span<const FamilyInfo> families();
const FamilyInfo &info(OperatorFamily id);
const FamilyInfo *find_family(std::string_view name); // null: there is none

// The error names the closest operators and families, or else all families.
Result<OperatorId> find_operator(std::string_view name);

} // namespace moescope
