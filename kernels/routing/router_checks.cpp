#include "kernels/common/argument_check.h"
#include "kernels/routing/routing_checks.h"

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

void check_product(ArgumentCheck &check, const ms_router_args &args) {
    constexpr std::int64_t max_int32 = std::numeric_limits<std::int32_t>::max();
    constexpr std::size_t vector_bytes = 16; // the matrix product loads 16 bytes at a time
    check.dtype("dtype", args.dtype, {MS_F16, MS_BF16})
        .range("tokens", args.tokens, 1, max_int32)
        .range("hidden_size", args.hidden_size, 8, max_int32)
        .multiple_of("hidden_size", args.hidden_size, 8)
        .range("hidden_stride", args.hidden_stride, args.hidden_size, std::int64_t(1) << 31,
               "at least hidden_size")
        .multiple_of("hidden_stride", args.hidden_stride, 8)
        .range("experts", args.experts, 1, max_int32)
        .range("rank", args.rank, 0, 256)
        .pointer("hidden", args.hidden, vector_bytes)
        .pointer("gate", args.gate, vector_bytes)
        .pointer("logits", args.logits, alignof(float));
    if (args.rank > 0)
        check.finite("scaling", args.scaling)
            .pointer("lora_a", args.lora_a, vector_bytes)
            .pointer("lora_b", args.lora_b, vector_bytes);
    check.require((args.softmax == nullptr) != (args.sigmoid == nullptr), "softmax and sigmoid",
                  args.softmax ? "both set" : "both null", "exactly one of the two");
}

} // namespace

ms_status check_router(const ms_router_args *args, CheckedRouter &full) {
    full = CheckedRouter{};
    ArgumentCheck check("ms_router");
    check.read(args, full.args);
    check_product(check, full.args);
    if (check.failed())
        return check.status();
    if (full.args.softmax) {
        const auto routing = on_logits_of(full.args, *full.args.softmax);
        return check_softmax_topk(&routing, full.softmax.emplace());
    }
    const auto routing = on_logits_of(full.args, *full.args.sigmoid);
    return check_sigmoid_topk(&routing, full.sigmoid.emplace());
}

} // namespace moescope
