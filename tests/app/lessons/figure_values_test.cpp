// The values in the figures, against the kernels' references and the cost model.
#include "app/lessons/figures/group_routing.h"
#include "app/lessons/figures/lora_paths.h"
#include "app/lessons/figures/online_softmax.h"
#include "app/lessons/figures/ordered_sums.h"
#include "app/lessons/figures/tile_pipeline.h"
#include "app/lessons/figures/tiling.h"
#include "app/lessons/router_row.h"
#include "kernels/reference.h"
#include "profiler/model/catalogue.h"
#include "profiler/workload/cost.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

using namespace moescope;
using namespace moescope::lessons;
using Catch::Approx;

namespace {

Workload workload_of(const char *model, std::int64_t tokens) {
    Workload workload;
    workload.model = find_model(load_catalogue(MOESCOPE_ASSETS "/models.json").value(), model).value();
    workload.tokens = tokens;
    return workload;
}

} // namespace

TEST_CASE("the picture's groups are those that the reference chooses from", "[lessons]") {
    const Workload workload = workload_of("DeepSeek-V3", 32);
    const int per_group = workload.model.experts / workload.model.groups;
    bool limited = false; // a token that would have chosen otherwise without groups
    for (const RouterRow &row : router_rows(workload, 32)) {
        const GroupRouting routing = group_routing(workload.model, row.logits);
        REQUIRE(int(routing.kept.size()) == workload.model.groups_kept);
        std::vector<int> best; // of the kept groups' experts, by score and then by number
        for (int e = 0; e < workload.model.experts; ++e)
            if (std::ranges::find(routing.kept, e / per_group) != routing.kept.end())
                best.push_back(e);
        std::ranges::stable_sort(best, std::greater<>(), [&](int e) { return routing.scores[std::size_t(e)]; });
        CHECK(std::equal(row.ids.begin(), row.ids.end(), best.begin()));
        const auto winner = std::ranges::max_element(row.logits) - row.logits.begin();
        limited |= std::ranges::find(row.ids, int(winner)) == row.ids.end() ||
                   std::ranges::count_if(row.logits, [&](float x) { return x > row.logits[std::size_t(row.ids.back())]; }) >=
                       std::ptrdiff_t(row.ids.size());
    }
    CHECK(limited);
}

TEST_CASE("slots are sorted as the reference sorts them", "[lessons]") {
    const Workload workload = workload_of("OLMoE", 40);
    std::vector<std::int32_t> ids;
    for (const RouterRow &row : router_rows(workload, 40))
        ids.insert(ids.end(), row.ids.begin(), row.ids.end());
    const auto experts = std::size_t(workload.model.experts);
    std::vector<std::int32_t> counts(experts), offsets(experts + 1), sorted(ids.size()), inverse(ids.size());
    ms_route_metadata_args args{};
    args.struct_size = sizeof args;
    args.experts = workload.model.experts;
    args.ids = ids.data();
    args.slots = std::int64_t(ids.size());
    args.counts = counts.data();
    args.offsets = offsets.data();
    args.sorted_slots = sorted.data();
    args.inverse = inverse.data();
    REQUIRE(reference::route_metadata(&args, nullptr) == MS_OK);
    const SortedSlots mine = sort_slots(ids, workload.model.experts);
    CHECK(mine.counts == counts);
    CHECK(mine.offsets == offsets);
    CHECK(mine.sorted == sorted);
}

TEST_CASE("the fused path moves what the cost model counts, and the others more", "[lessons]") {
    const Workload workload = workload_of("Qwen3-30B", 2048);
    const auto total = [&](const char *variant) {
        double bytes = 0;
        for (const Traffic &each : lora_traffic(workload, 100, variant))
            bytes += each.bytes;
        return bytes;
    };
    std::vector<std::int32_t> counts(std::size_t(workload.model.experts), 0); // 100 experts share the slots
    for (std::int64_t slot = 0; slot < workload.slots(); ++slot)
        ++counts[std::size_t(slot % 100)];
    CHECK(total("fused") == Approx(minimum_cost(workload, OperatorId::GateUp, "fused", counts).bytes));
    CHECK(total("extra_k") > total("fused"));
    CHECK(total("split") > total("extra_k"));
}

TEST_CASE("the pipeline multiplies a slab only when it has come, and waits less with more buffers", "[lessons]") {
    using Slab = Pipeline::Slab;
    int before = 1000;
    for (const int stages : {1, 2, 3, 4, 5, 6}) {
        const Pipeline pipeline = run_pipeline(12, stages, 4);
        int multiplied = 0;
        for (const Pipeline::Moment &moment : pipeline.moments) {
            const auto held = std::ranges::count_if(
                moment.slabs, [](Slab slab) { return slab == Slab::Loading || slab == Slab::Ready; });
            CHECK(held <= stages);
            if (moment.multiplying >= 0) {
                CHECK(moment.slabs[std::size_t(moment.multiplying)] == Slab::Ready);
                CHECK(moment.multiplying == multiplied++);
            }
        }
        CHECK(multiplied == 12);
        CHECK(pipeline.idle <= before);
        before = pipeline.idle;
    }
    CHECK(run_pipeline(12, 1, 4).idle == 12 * 4);
    CHECK(run_pipeline(12, 5, 4).idle == 4); // only the first load is waited for
    CHECK(tile_intensity(128, 128, 2) == 64);
    CHECK(tile_intensity(1, 1, 2) == 0.5);
}

TEST_CASE("sums as they come differ from run to run, sums in order do not", "[lessons]") {
    const Workload workload = workload_of("OLMoE", 16); // fewer tokens than rows: more are made
    const std::vector<float> values = contributions(workload, 256);
    REQUIRE(values.size() == 256);
    std::vector<int> order(values.size());
    std::iota(order.begin(), order.end(), 0);
    std::set<float> by_arrival;
    double exact = 0;
    for (const float value : values)
        exact += double(value);
    for (int run = 0; run < 20; ++run) {
        std::vector<int> arrived = arrival(workload.seed, run, int(values.size()));
        by_arrival.insert(running_sum(values, arrived).back());
        CHECK(arrival(workload.seed, run, int(values.size())) == arrived);
        std::ranges::sort(arrived);
        CHECK(arrived == order);
    }
    CHECK(by_arrival.size() > 1);
    for (const float sum : by_arrival)
        CHECK(sum == Approx(exact).epsilon(1e-5));
    CHECK(running_sum(values, order) == running_sum(values, order));
}

TEST_CASE("the running softmax ends at the reference's entropy, in blocks of any size", "[lessons]") {
    std::mt19937 random(5);
    std::uniform_real_distribution<float> logit(-30, 30);
    for (const std::size_t block : {1, 7, 64, 300}) {
        std::vector<float> row(300);
        for (float &x : row)
            x = logit(random);
        row[0] = row[17] = row[123] = -INFINITY; // masked tokens, one before anything else
        RunningSoftmax state;
        for (std::size_t at = 0; at < row.size(); at += block)
            state.take(std::span(row).subspan(at, std::min(block, row.size() - at)));
        float entropy = 0, lse = 0;
        ms_entropy_args args{};
        args.struct_size = sizeof args;
        args.logits = {MS_F32, row.data(), {1, 1, 1}, {1, 1, 300}, 300, 1};
        args.logit_scale = 1;
        args.entropy = &entropy;
        args.lse = &lse;
        REQUIRE(reference::entropy(&args, nullptr) == MS_OK);
        CHECK(state.entropy() == Approx(entropy).epsilon(1e-5));
        CHECK(state.log_sum_exp() == Approx(lse).epsilon(1e-6));
    }
    RunningSoftmax masked;
    const float nothing[] = {-INFINITY, -INFINITY};
    masked.take(nothing);
    CHECK(masked.mass == 0);
}
