#include "profiler/worker/operators/kernel_call.h"
#include "profiler/worker/operators/operator.h"

namespace moescope {

namespace {

constexpr std::int32_t kFirstBlockRows = 16, kBlockSizes = 4; // as Triton on NVIDIA

// What the three have in common: one variant, int32 arrays, a workspace.
class RoutingStructure : public Operator {
  public:
    Status select(std::string_view, const TileConfig &) override { return {}; }
    std::vector<OutputView> outputs() const override { return outputs_; }
    Footprint footprint() const override { return {input_bytes_, output_bytes_, workspace_.bytes()}; }

  protected:
    void start(Device &device, std::int64_t input_bytes) {
        device_ = &device;
        input_bytes_ = input_bytes;
        output_bytes_ = 0;
        outputs_.clear();
    }
    // An output of `count` numbers of 4 bytes.
    Status make(Buffer &buffer, std::string_view label, std::int64_t count,
                OutputView::Type type = OutputView::Type::I32) {
        MOESCOPE_TRY(allocate(*device_, buffer, count * 4, label));
        outputs_.push_back({buffer.data(), type, count});
        output_bytes_ += buffer.bytes();
        return {};
    }
    Status make_workspace(std::size_t bytes) {
        return allocate(*device_, workspace_, std::int64_t(bytes), "sort workspace");
    }
    Device &device() const { return *device_; }
    void *workspace() const { return workspace_.data(); }

  private:
    Device *device_ = nullptr;
    std::int64_t input_bytes_ = 0, output_bytes_ = 0;
    std::vector<OutputView> outputs_;
    Buffer workspace_;
};

class BitmatrixOperator final : public RoutingStructure {
  public:
    Status prepare(Device &device, const Workload &, const PreparedRouting &routing) override {
        start(device, routing.ids.bytes());
        args_.struct_size = sizeof args_;
        args_.experts = routing.experts;
        args_.top_k = routing.top_k;
        args_.ids = routing.ids.as<std::int32_t>();
        args_.tokens = routing.tokens;
        args_.bits_stride = (routing.tokens + 31) / 32 * 32;
        MOESCOPE_TRY(make(bits_, "bit matrix", (routing.experts + 31) / 32 * args_.bits_stride));
        MOESCOPE_TRY(make(col_sum_, "column sums", routing.experts));
        MOESCOPE_TRY(make(col_offs_, "column offsets", routing.experts + 1));
        MOESCOPE_TRY(make(col_sorted_, "entries by column", routing.slots));
        MOESCOPE_TRY(make(row_sorted_, "entries by row", routing.slots));
        args_.bits = bits_.as<std::uint32_t>();
        args_.col_sum = col_sum_.as<std::int32_t>();
        args_.col_offs = col_offs_.as<std::int32_t>();
        args_.col_sorted_indx = col_sorted_.as<std::int32_t>();
        args_.row_sorted_indx = row_sorted_.as<std::int32_t>();
        args_.workspace_bytes = device.kernels().bitmatrix_workspace_bytes(&args_);
        MOESCOPE_TRY(make_workspace(args_.workspace_bytes));
        args_.workspace = workspace();
        return {};
    }
    Status launch() override {
        return kernel_status(device().kernels().bitmatrix(&args_, device().stream()), "bitmatrix");
    }

  private:
    Buffer bits_, col_sum_, col_offs_, col_sorted_, row_sorted_;
    ms_bitmatrix_args args_{};
};

class RaggedMetadataOperator final : public RoutingStructure {
  public:
    Status prepare(Device &device, const Workload &, const PreparedRouting &routing) override {
        start(device, routing.counts.bytes());
        args_.struct_size = sizeof args_;
        args_.slices = routing.experts;
        args_.slice_sizes = routing.counts.as<std::int32_t>();
        args_.rows = routing.slots;
        args_.first_block_rows = kFirstBlockRows;
        args_.block_sizes = kBlockSizes;
        args_.schedule_stride = ms_max_tiles(routing.slots, routing.experts, kFirstBlockRows);
        MOESCOPE_TRY(make(slice_offs_, "slice offsets", routing.experts + 1));
        MOESCOPE_TRY(make(block_offs_, "block offsets", kBlockSizes * (routing.experts + 1)));
        MOESCOPE_TRY(make(schedule_, "block schedules", kBlockSizes * args_.schedule_stride));
        args_.slice_offs = slice_offs_.as<std::int32_t>();
        args_.block_offs = block_offs_.as<std::int32_t>();
        args_.block_schedule = schedule_.as<std::int32_t>();
        return {};
    }
    Status launch() override {
        return kernel_status(device().kernels().ragged_metadata(&args_, device().stream()),
                             "ragged_metadata");
    }

  private:
    Buffer slice_offs_, block_offs_, schedule_;
    ms_ragged_metadata_args args_{};
};

class RoutingDataOperator final : public RoutingStructure {
  public:
    Status prepare(Device &device, const Workload &workload, const PreparedRouting &routing) override {
        start(device, routing.ids.bytes() + 4 * routing.slots);
        args_.struct_size = sizeof args_;
        args_.experts = routing.experts;
        args_.ids = routing.ids.as<std::int32_t>();
        args_.slots = routing.slots;
        args_.first_block_rows = kFirstBlockRows;
        args_.block_sizes = kBlockSizes;
        args_.schedule_stride = ms_max_tiles(routing.slots, routing.experts, kFirstBlockRows);
        MOESCOPE_TRY(allocate_uniform(device, weights_, "routing weights", MS_F32, routing.slots,
                                      {workload.seed, Tensor::Weights, OperatorId::RoutingData}, 1));
        MOESCOPE_TRY(make(gates_, "sorted weights", routing.slots, OutputView::Type::F32));
        MOESCOPE_TRY(make(gather_, "gather indices", routing.slots));
        MOESCOPE_TRY(make(scatter_, "scatter indices", routing.slots));
        MOESCOPE_TRY(make(hist_, "histogram", routing.experts));
        MOESCOPE_TRY(make(offs_, "token offsets", routing.experts + 1));
        MOESCOPE_TRY(make(pad_, "block offsets", kBlockSizes * (routing.experts + 1)));
        MOESCOPE_TRY(make(map_, "block schedules", kBlockSizes * args_.schedule_stride));
        set_outputs();
        args_.workspace_bytes = device.kernels().routing_data_workspace_bytes(&args_);
        MOESCOPE_TRY(make_workspace(args_.workspace_bytes));
        args_.workspace = workspace();
        return {};
    }
    Status launch() override {
        return kernel_status(device().kernels().routing_data(&args_, device().stream()),
                             "routing_data");
    }

  private:
    void set_outputs() {
        args_.weights = weights_.as<float>();
        args_.gate_scal = gates_.as<float>();
        args_.gather_indx = gather_.as<std::int32_t>();
        args_.scatter_indx = scatter_.as<std::int32_t>();
        args_.expt_hist = hist_.as<std::int32_t>();
        args_.token_offs_raw = offs_.as<std::int32_t>();
        args_.token_offs_pad = pad_.as<std::int32_t>();
        args_.block_pid_map = map_.as<std::int32_t>();
    }

    Buffer weights_, gates_, gather_, scatter_, hist_, offs_, pad_, map_;
    ms_routing_data_args args_{};
};

} // namespace

std::unique_ptr<Operator> make_routing_structure_operator(OperatorId op) {
    switch (op) {
    case OperatorId::Bitmatrix:
        return std::make_unique<BitmatrixOperator>();
    case OperatorId::RaggedMetadata:
        return std::make_unique<RaggedMetadataOperator>();
    default:
        return std::make_unique<RoutingDataOperator>();
    }
}

} // namespace moescope
