#include "app/lessons/router_row.h"

#include "kernels/inputs/inputs.h"
#include "kernels/reference.h"
#include "kernels/routing/order_key.h"
#include "profiler/workload/topk_args.h"

#include <algorithm>

namespace moescope::lessons {

namespace {

constexpr std::size_t kGumbelTable = 65536;

std::vector<float> logits_of(const Workload &workload, int tokens) {
    const int experts = workload.model.experts;
    std::vector<float> popularity(static_cast<std::size_t>(experts)), gumbel(kGumbelTable);
    const bool zipf = workload.skew.kind == Skew::Kind::Zipf;
    make_log_popularity(experts, zipf ? workload.skew.value : 0.0, workload.seed, popularity.data());
    make_gumbel_table(gumbel.data());
    std::vector<float> logits(std::size_t(tokens) * std::size_t(experts));
    RoutingLogitsArgs args{};
    args.logits = logits.data();
    args.dtype = MS_F32;
    args.tokens = tokens;
    args.experts = experts;
    args.log_popularity = popularity.data();
    args.gumbel_table = gumbel.data();
    args.hot_share = workload.skew.kind == Skew::Kind::Hot ? float(workload.skew.value) : 0.0f;
    args.seed = workload.seed;
    if (reference::routing_logits(&args, nullptr))
        logits.clear();
    return logits;
}

} // namespace

std::vector<RouterRow> router_rows(const Workload &workload, int tokens) {
    tokens = int(std::min<std::int64_t>(tokens, workload.tokens));
    const auto experts = std::size_t(workload.model.experts), top_k = std::size_t(workload.model.top_k);
    const std::vector<float> logits = logits_of(workload, tokens);
    std::vector<std::int32_t> ids(std::size_t(tokens) * top_k);
    std::vector<float> weights(ids.size());
    ms_topk_args args = topk_args(workload.model, tokens);
    args.logits = logits.data();
    args.logits_dtype = MS_F32;
    args.ids = ids.data();
    args.weights = weights.data();
    if (logits.empty() || reference::topk(&args, nullptr))
        return {};
    std::vector<RouterRow> rows;
    for (std::size_t t = 0; t < std::size_t(tokens); ++t)
        rows.push_back({{logits.begin() + std::ptrdiff_t(t * experts), logits.begin() + std::ptrdiff_t((t + 1) * experts)},
                        {ids.begin() + std::ptrdiff_t(t * top_k), ids.begin() + std::ptrdiff_t((t + 1) * top_k)},
                        {weights.begin() + std::ptrdiff_t(t * top_k), weights.begin() + std::ptrdiff_t((t + 1) * top_k)}});
    return rows;
}

std::vector<std::uint64_t> rank_keys(const std::vector<float> &logits) {
    std::vector<std::uint64_t> keys;
    for (std::size_t expert = 0; expert < logits.size(); ++expert)
        keys.push_back(rank_key(logits[expert], std::int32_t(expert)));
    return keys;
}

} // namespace moescope::lessons
