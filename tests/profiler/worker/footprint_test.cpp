// What an operator says it holds is what the ledger saw it allocate.
#include "profiler/worker/cpu_device.h"
#include "profiler/worker/cpu_info.h"
#include "profiler/worker/operators/operator.h"
#include "profiler/workload/cost.h"
#include "tests/profiler/client/small_plan.h"

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <memory>
#include <utility>

using namespace moescope;
using namespace moescope::testing;

namespace {

struct Lab {
    NameTable names;
    std::unique_ptr<Device> device = make_cpu_device(describe_cpu(), names);
    Workload workload = small_workload();
    PreparedRouting routing = std::move(*prepare_routing(*device, workload));

    // Bytes that one operator alone, with this one variant, has allocated.
    std::int64_t allocated(OperatorId op, std::string_view variant, Footprint &footprint) {
        const std::int64_t before = device->live_bytes();
        const std::unique_ptr<Operator> bound = make_operator(op);
        REQUIRE(bound->prepare(*device, workload, routing).ok());
        REQUIRE(bound->select(variant, {}).ok());
        footprint = bound->footprint();
        return device->live_bytes() - before;
    }
};

} // namespace

TEST_CASE("the layer's footprint is what its variant allocates, byte by byte") {
    Lab lab;
    const std::int64_t shared = lab.routing.sorted_slots.bytes() + lab.routing.inverse.bytes() + lab.routing.offsets.bytes();
    for (const OperatorInfo &each : operators())
        if (each.family == OperatorFamily::Layer)
            for (const VariantInfo &variant : each.variants) {
                INFO(each.name << "/" << variant.name);
                Footprint footprint;
                const std::int64_t allocated = lab.allocated(each.id, variant.name, footprint);
                CHECK(footprint.input_bytes + footprint.output_bytes + footprint.workspace_bytes == allocated + shared);
            }
}

TEST_CASE("the gradient of the layer reads what the forward call saved") {
    Lab lab;
    const Workload &w = lab.workload;
    const std::int64_t slots = w.slots(), rows = 2 * (w.tokens * w.model.hidden);
    const std::int64_t saved = 2 * slots * (w.model.gate_up_columns() + w.model.intermediate + w.model.hidden);
    Footprint forward, backward;
    lab.allocated(OperatorId::MoeMlp, "base", forward);
    lab.allocated(OperatorId::MoeMlpBackward, "base", backward);
    CHECK(backward.input_bytes == forward.input_bytes + rows + saved); // dout and the saved rows
    CHECK(backward.output_bytes == rows + 4 * slots);                  // dx and the routing weights' gradients
    CHECK(forward.workspace_bytes >= saved);
}

TEST_CASE("no operator allocates more than the memory model says before it runs") {
    Lab lab;
    for (const OperatorInfo &each : operators())
        for (const VariantInfo &variant : each.variants) {
            INFO(each.name << "/" << variant.name);
            if (!can_run(lab.workload, each.id, variant.name))
                continue;
            Footprint footprint;
            const std::int64_t allocated = lab.allocated(each.id, variant.name, footprint);
            CHECK(double(allocated) <= device_bytes(lab.workload, each.id, variant.name));
        }
}
