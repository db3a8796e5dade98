#include "kernels/common/argument_check.h"
#include "kernels/routing/routing_checks.h"

#include <cstdint>
#include <limits>

namespace moescope {

namespace {

// The routing's arguments, reading the router's logits. Its struct_size is checked with the rest.
template <class Args> Args on_logits_of(const ms_router_args &router, Args routing) {
    routing.logits_dtype = MS_F32;
    routing.logits = router.logits;
    routing.logits_stride = router.experts;
    routing.tokens = router.tokens;
    routing.experts = router.experts;
    return routing;
}

void check_sizes(ArgumentCheck &check, const ms_router_args &args) {
    constexpr std::int64_t largest_side = 1 << 24;
    check.dtype("dtype", args.dtype, {MS_F16, MS_BF16})
        .range("tokens", args.tokens, 1, std::numeric_limits<std::int32_t>::max())
        .range("hidden_size", args.hidden_size, 8, largest_side)
        .multiple_of("hidden_size", args.hidden_size, 8)
        .range("experts", args.experts, 1, 1 << 20)
        .range("rank", args.rank, 0, 256);
}

void check_arrays(ArgumentCheck &check, const ms_router_args &args) {
    constexpr std::size_t vector_bytes = 16; // the matrix product loads 16 bytes at a time
    check
        .range("hidden_stride", args.hidden_stride, args.hidden_size, std::int64_t(1) << 31,
               "at least hidden_size")
        .multiple_of("hidden_stride", args.hidden_stride, 8)
        .pointer("hidden", args.hidden, vector_bytes)
        .pointer("gate", args.gate, vector_bytes)
        .pointer("logits", args.logits, alignof(float));
    if (args.rank > 0)
        check.finite("scaling", args.scaling)
            .pointer("lora_a", args.lora_a, vector_bytes)
            .pointer("lora_b", args.lora_b, vector_bytes);
    const int routings = (args.softmax != nullptr) + (args.sigmoid != nullptr) + (args.topk != nullptr);
    check.require(routings == 1, "the number of softmax, sigmoid and topk that are set",
                  std::to_string(routings), "1");
}

} // namespace

ms_status check_router_sizes(const ms_router_args *args, ms_router_args &full) {
    ArgumentCheck check("ms_router");
    check.read(args, full);
    if (!check.failed())
        check_sizes(check, full);
    return check.status();
}

ms_status check_router(const ms_router_args *args, CheckedRouter &full) {
    full = CheckedRouter{};
    if (const ms_status status = check_router_sizes(args, full.args); status != MS_OK)
        return status;
    ArgumentCheck check("ms_router");
    check_arrays(check, full.args);
    if (check.failed())
        return check.status();
    if (full.args.softmax) {
        const auto routing = on_logits_of(full.args, *full.args.softmax);
        return check_softmax_topk(&routing, full.topk);
    }
    if (full.args.sigmoid) {
        const auto routing = on_logits_of(full.args, *full.args.sigmoid);
        return check_sigmoid_topk(&routing, full.topk);
    }
    const auto routing = on_logits_of(full.args, *full.args.topk);
    return check_topk(&routing, full.topk);
}

} // namespace moescope
