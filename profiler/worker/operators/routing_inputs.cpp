#include "profiler/worker/operators/routing_inputs.h"

#include "kernels/common/float_types.h"
#include "profiler/base/units.h"
#include "profiler/worker/operators/kernel_call.h"
#include "profiler/workload/topk_args.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace moescope {

namespace {

constexpr std::int64_t kSampleTokens = 64;
constexpr std::int64_t kGumbelTableSize = 65536;

template <typename T> Result<Buffer> upload_new(Device &device, std::string_view label, std::span<const T> values) {
    Result<Buffer> buffer = device.allocate(std::int64_t(values.size_bytes()), label);
    MOESCOPE_TRY(buffer);
    MOESCOPE_TRY(device.upload(buffer->data(), values.data(), std::int64_t(values.size_bytes())));
    return buffer;
}

Status allocate_metadata(Device &device, PreparedRouting &routing) {
    MOESCOPE_TRY(allocate(device, routing.counts, 4 * routing.experts, "routing counts"));
    MOESCOPE_TRY(allocate(device, routing.offsets, 4 * (routing.experts + 1), "routing offsets"));
    MOESCOPE_TRY(allocate(device, routing.sorted_slots, 4 * routing.slots, "sorted slots"));
    return allocate(device, routing.inverse, 4 * routing.slots, "inverse of sorted slots");
}

Status sort_by_expert(Device &device, PreparedRouting &routing) {
    ms_route_metadata_args args{};
    args.struct_size = sizeof args;
    args.experts = routing.experts;
    args.ids = routing.ids.as<std::int32_t>();
    args.slots = routing.slots;
    args.counts = routing.counts.as<std::int32_t>();
    args.offsets = routing.offsets.as<std::int32_t>();
    args.sorted_slots = routing.sorted_slots.as<std::int32_t>();
    args.inverse = routing.inverse.as<std::int32_t>();
    args.workspace_bytes = device.kernels().route_metadata_workspace_bytes(&args);
    Buffer workspace;
    MOESCOPE_TRY(allocate(device, workspace, std::int64_t(args.workspace_bytes), "routing workspace"));
    args.workspace = workspace.data();
    MOESCOPE_TRY(kernel_status(device.kernels().route_metadata(&args, device.stream()), "sorting the routed tokens"));
    routing.host_counts.resize(std::size_t(routing.experts));
    return device.download(routing.host_counts.data(), routing.counts.data(), routing.counts.bytes());
}

PreparedRouting sizes_of(const Workload &workload) {
    PreparedRouting routing;
    routing.tokens = workload.tokens;
    routing.slots = workload.slots();
    routing.experts = workload.model.experts;
    routing.top_k = workload.model.top_k;
    return routing;
}

Status select_experts(Device &device, const Workload &workload, PreparedRouting &routing) {
    if (routing.tokens == 0)
        return {};
    Result<Buffer> logits = make_routing_logits(device, workload, MS_F32);
    MOESCOPE_TRY(logits);
    Buffer weights;
    MOESCOPE_TRY(allocate(device, weights, routing.slots * 4, "routing weights"));
    ms_topk_args args = plain_softmax_args(workload.model, routing.tokens);
    args.logits = logits->as<float>() + routing.first_token * routing.experts;
    args.weights = weights.as<float>();
    args.ids = routing.ids.as<std::int32_t>();
    MOESCOPE_TRY(kernel_status(device.kernels().topk(&args, device.stream()), "choosing experts"));
    return device.synchronize(); // the logits and weights go away
}

} // namespace

std::int64_t PreparedRouting::active_experts() const {
    return std::count_if(host_counts.begin(), host_counts.end(), [](std::int32_t count) { return count > 0; });
}

Status check_fits(const DeviceInfo &device, double bytes, std::int64_t free_bytes, std::string_view what) {
    if (bytes <= double(free_bytes))
        return {};
    return Error{fmt::format("{} needs {}", what, format_bytes(bytes)),
                 fmt::format("{} has {} of memory free", device.name, format_bytes(double(free_bytes))),
                 "choose fewer tokens or a smaller model"};
}

Result<Buffer> make_routing_logits(Device &device, const Workload &workload, ms_dtype dtype) {
    const ModelShape &model = workload.model;
    std::vector<float> popularity(static_cast<std::size_t>(model.experts)), gumbel(kGumbelTableSize);
    const bool zipf = workload.skew.kind == Skew::Kind::Zipf;
    make_log_popularity(model.experts, zipf ? workload.skew.value : 0.0, workload.seed, popularity.data());
    make_gumbel_table(gumbel.data());
    Result<Buffer> device_popularity = upload_new<float>(device, "expert popularity", popularity);
    MOESCOPE_TRY(device_popularity);
    Result<Buffer> device_gumbel = upload_new<float>(device, "gumbel table", gumbel);
    MOESCOPE_TRY(device_gumbel);
    Result<Buffer> logits = device.allocate(workload.tokens * model.experts * size_of(dtype), "router logits");
    MOESCOPE_TRY(logits);

    RoutingLogitsArgs args{};
    args.logits = logits->data();
    args.dtype = dtype;
    args.tokens = workload.tokens;
    args.experts = model.experts;
    args.log_popularity = device_popularity->as<float>();
    args.gumbel_table = device_gumbel->as<float>();
    args.hot_share = workload.skew.kind == Skew::Kind::Hot ? float(workload.skew.value) : 0.0f;
    args.seed = workload.seed;
    MOESCOPE_TRY(kernel_status(device.kernels().routing_logits(&args, device.stream()), "making router logits"));
    MOESCOPE_TRY(device.synchronize()); // the tables go away
    return logits;
}

Result<PreparedRouting> prepare_routing(Device &device, const Workload &workload, std::optional<Share> share) {
    PreparedRouting routing = sizes_of(workload);
    if (share) {
        routing.first_token = share->first;
        routing.tokens = share->count;
        routing.slots = share->count * routing.top_k;
    }
    const double bytes = 4.0 * double(workload.tokens) * routing.experts + 16.0 * double(routing.slots);
    MOESCOPE_TRY(check_fits(device.info(), bytes, device.free_bytes(), "the routing"));
    MOESCOPE_TRY(allocate(device, routing.ids, routing.slots * 4, "expert ids"));
    MOESCOPE_TRY(select_experts(device, workload, routing));
    MOESCOPE_TRY(allocate_metadata(device, routing));
    MOESCOPE_TRY(sort_by_expert(device, routing));
    return routing;
}

Result<PreparedRouting> routing_from_ids(Device &device, const Workload &workload, std::span<const std::int32_t> ids) {
    PreparedRouting routing = sizes_of(workload);
    Result<Buffer> uploaded = upload_new(device, "expert ids", ids);
    MOESCOPE_TRY(uploaded);
    routing.ids = std::move(*uploaded);
    MOESCOPE_TRY(allocate_metadata(device, routing));
    MOESCOPE_TRY(sort_by_expert(device, routing));
    return routing;
}

Result<RoutingRecord> routing_record(Device &device, const PreparedRouting &routing) {
    RoutingRecord record;
    record.tokens = routing.tokens;
    record.top_k = routing.top_k;
    record.counts = routing.host_counts;
    record.sample_ids.resize(std::size_t(std::min(kSampleTokens, routing.tokens) * routing.top_k));
    if (record.sample_ids.empty())
        return record;
    MOESCOPE_TRY(device.download(record.sample_ids.data(), routing.ids.data(),
                                 std::int64_t(record.sample_ids.size() * sizeof(std::int32_t))));
    return record;
}

} // namespace moescope
