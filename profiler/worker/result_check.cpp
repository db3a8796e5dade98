#include "profiler/worker/result_check.h"

#include "profiler/base/try.h"
#include "profiler/worker/cpu_device.h"
#include "profiler/worker/cpu_info.h"
#include "profiler/worker/sampled_rows.h"
#include "profiler/workload/cost.h"

#include <fmt/format.h>

namespace moescope {

namespace {

constexpr double kMostFlops = 2e9; // about a second of the reference on a few cores
constexpr double kMostBytes = 256e6;

} // namespace

// The same operator on the same inputs, on the CPU: fills give the same bits everywhere.
struct ResultCheck::OnCpu {
    NameTable names;
    std::unique_ptr<Device> device = make_cpu_device(describe_cpu(), names);
    PreparedRouting routing;
    std::unique_ptr<Operator> op;
};

ResultCheck::ResultCheck(Device &device, const Workload &workload, const PreparedRouting &routing, OperatorId op)
    : device_(device), workload_(workload), routing_(routing), op_(op) {}

ResultCheck::~ResultCheck() = default;

bool ResultCheck::small_enough(std::string_view variant) const {
    return minimum_cost(workload_, op_, variant, routing_.host_counts).flops <= kMostFlops &&
           device_bytes(workload_, op_, variant) <= kMostBytes;
}

Status ResultCheck::make_cpu_reference(const std::string &group, std::string_view variant) {
    if (!on_cpu_) {
        on_cpu_ = std::make_unique<OnCpu>();
        std::vector<std::int32_t> ids(std::size_t(routing_.slots));
        MOESCOPE_TRY(device_.download(ids.data(), routing_.ids.data(), routing_.ids.bytes()));
        Result<PreparedRouting> routing = routing_from_ids(*on_cpu_->device, workload_, ids);
        MOESCOPE_TRY(routing);
        on_cpu_->routing = std::move(*routing);
        on_cpu_->op = make_operator(op_);
        MOESCOPE_TRY(on_cpu_->op->prepare(*on_cpu_->device, workload_, on_cpu_->routing));
    }
    MOESCOPE_TRY(on_cpu_->op->select(plain_variant(variant), TileConfig{}));
    MOESCOPE_TRY(on_cpu_->op->launch());
    Result<std::vector<HostArray>> arrays = download_outputs(*on_cpu_->device, *on_cpu_->op);
    MOESCOPE_TRY(arrays);
    references_[group] = {"cpu reference", std::move(*arrays)};
    return {};
}

// What a large grouped product is compared by: a few of its rows.
Status ResultCheck::check_sampled_rows(const ms_scatter2scatter_args &args, Measurement &out) {
    const Result<SampledRows> rows = SampledRows::choose(device_, args, routing_, kMostFlops);
    MOESCOPE_TRY(rows);
    const Result<HostArray> computed = rows->computed(device_, args);
    MOESCOPE_TRY(computed);
    const Result<HostArray> expected = rows->expected(device_, args);
    MOESCOPE_TRY(expected);
    out.relative_error = relative_error({*computed}, {*expected});
    out.reference = fmt::format("cpu reference, {} rows", rows->size());
    return {};
}

// What ranks made together is what one device makes of this rank's tokens with all experts, where it has
// the memory for them.
Status ResultCheck::check_layer(const Operator &op, Measurement &out) {
    const bool whole = op_ == OperatorId::EpCombine || op_ == OperatorId::EpLayer;
    const VariantInfo *info = find_variant(op_, out.variant);
    const std::string_view variant = info && info->lora ? "extra_k" : "base";
    if (!whole || routing_.tokens == 0 ||
        device_bytes(workload_, OperatorId::MoeMlp, variant) > double(device_.free_bytes()))
        return {};
    const std::unique_ptr<Operator> alone = make_operator(OperatorId::MoeMlp);
    MOESCOPE_TRY(alone->prepare(device_, workload_, routing_));
    MOESCOPE_TRY(alone->select(variant, TileConfig{}));
    MOESCOPE_TRY(alone->launch());
    const Result<std::vector<HostArray>> expected = download_outputs(device_, *alone), result = download_outputs(device_, op);
    MOESCOPE_TRY(expected);
    MOESCOPE_TRY(result);
    out.relative_error = relative_error(*result, *expected);
    out.reference = "one device's layer";
    return {};
}

Status ResultCheck::check(const Operator &op, std::string_view variant, Measurement &out) {
    if (op.ranks())
        return check_layer(op, out);
    const std::string group(op.comparison_group());
    Result<std::vector<HostArray>> result = download_outputs(device_, op);
    MOESCOPE_TRY(result);
    // The reference against itself would prove nothing.
    if (!references_.contains(group) && !device_.info().is_cpu() && small_enough(variant))
        MOESCOPE_TRY(make_cpu_reference(group, variant));
    const auto reference = references_.find(group);
    if (reference == references_.end()) {
        references_[group] = {std::string(variant), std::move(*result)};
        const bool can_sample = op.tile_args() && !device_.info().is_cpu();
        return can_sample ? check_sampled_rows(*op.tile_args(), out) : Status{};
    }
    out.relative_error = relative_error(*result, reference->second.arrays);
    out.reference = reference->second.name;
    return {};
}

} // namespace moescope
