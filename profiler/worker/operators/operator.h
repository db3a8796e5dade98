// One operator bound to a workload on a device: its inputs, its variants' arguments, its launch. The
// same code runs on a GPU and on the CPU.
#pragma once

#include "profiler/plan/plan.h"
#include "profiler/worker/device.h"
#include "profiler/worker/operators/routing_inputs.h"
#include "profiler/workload/cost.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace moescope {

// A contiguous array an operator wrote, for checking.
struct OutputView {
    enum class Type { F32, F16, BF16, I32 };
    void *data = nullptr; // on the operator's device
    Type type = Type::F32;
    std::int64_t count = 0;

    std::int64_t bytes() const { return count * (type == Type::F32 || type == Type::I32 ? 4 : 2); }
};
OutputView::Type output_type(ms_dtype dtype);

struct Footprint {
    std::int64_t input_bytes = 0, output_bytes = 0, workspace_bytes = 0;
};

// One rank's part of an operator, and what its link to the others must carry.
struct RankCost {
    Cost cost;
    double link_bytes = 0; // in the busier direction
};

class Operator {
  public:
    virtual ~Operator() = default;

    // Makes what the variants share. `device`, `workload` and `routing` outlive the operator.
    virtual Status prepare(Device &device, const Workload &workload, const PreparedRouting &routing) = 0;
    // Makes `variant` the one that launch() runs. A default config is the kernels' own choice.
    virtual Status select(std::string_view variant, const TileConfig &config) = 0;
    virtual Status launch() = 0;
    // Makes the kernels that the selected variant launches, where that takes seconds the first time on a machine; null
    // where nothing is made first.
    virtual std::function<Status()> compile_first() { return {}; }

    // Of the selected variant. Variants of the same comparison group compute the same values, view
    // by view.
    virtual std::vector<OutputView> outputs() const = 0;
    virtual Footprint footprint() const = 0;
    virtual std::string_view comparison_group() const { return ""; }
    virtual TileConfig config() const { return {}; } // as it runs; default where there are no tiles
    // Who runs it together, and must launch it as often; null: one device alone.
    virtual RankGroup *ranks() const { return nullptr; }
    virtual std::optional<RankCost> rank_cost() const { return std::nullopt; }
    // What a tuner compiles for the selected variant; null where there are no tiles.
    virtual const ms_scatter2scatter_args *tile_args() const { return nullptr; }
};

std::unique_ptr<Operator> make_operator(OperatorId op);

// By family; `op` chooses within it.
std::unique_ptr<Operator> make_topk_operator(OperatorId op);
std::unique_ptr<Operator> make_router_operator();
std::unique_ptr<Operator> make_route_metadata_operator();
std::unique_ptr<Operator> make_route_operator();
std::unique_ptr<Operator> make_routing_structure_operator(OperatorId op);
std::unique_ptr<Operator> make_grouped_operator(OperatorId op);
std::unique_ptr<Operator> make_lora_grad_operator(OperatorId op);
std::unique_ptr<Operator> make_layer_operator(OperatorId op);
std::unique_ptr<Operator> make_dequant_operator();
std::unique_ptr<Operator> make_select_lora_operator();
std::unique_ptr<Operator> make_logprob_operator(OperatorId op);
std::unique_ptr<Operator> make_parallel_operator(OperatorId op);

} // namespace moescope
