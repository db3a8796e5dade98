#include "profiler/base/clock.h"
#include "profiler/base/try.h"
#include "profiler/worker/operators/layer_inputs.h"
#include "profiler/worker/operators/operator.h"
#include "profiler/worker/ranks/rank_group.h"
#include "profiler/workload/cost.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

namespace moescope {

namespace {

using Rows = std::vector<std::int64_t>; // by rank

std::int64_t sum(const Rows &rows) { return std::accumulate(rows.begin(), rows.end(), std::int64_t(0)); }

// One rank's part of an expert-parallel layer: its tokens' rows go to the ranks that have their experts,
// those that come to its own experts through these, and back. Slots sorted by expert are sorted by rank
// too, since a rank's experts are consecutive.
class ParallelOperator final : public Operator {
  public:
    explicit ParallelOperator(OperatorId op) : op_(op) {}

    Status prepare(Device &device, const Workload &workload, const PreparedRouting &routing) override {
        device_ = &device;
        workload_ = &workload;
        routing_ = &routing;
        group_ = routing.ranks;
        if (!group_)
            return Error{name() + " cannot run", "several ranks run it together", "start moescope ranks"};
        hidden_ = workload.model.expert_hidden();
        row_bytes_ = hidden_ * bytes_of(workload.model.dtype);
        local_experts_ = routing.experts / group_->size();
        MOESCOPE_TRY(make_inputs());
        MOESCOPE_TRY(make_sending());
        MOESCOPE_TRY(group_->as_rank_0(0)); // all of them have come so far: nobody waits for one that failed
        MOESCOPE_TRY(exchange_counts());
        MOESCOPE_TRY(make_receiving());
        return make_experts();
    }

    // What comes before the operator is done once, so that its inputs are there.
    Status select(std::string_view variant, const TileConfig &) override {
        counts_first_ = variant == "counts_first";
        MOESCOPE_TRY(select_lora(variant == "extra_k"));
        if (op_ == OperatorId::EpExperts || op_ == OperatorId::EpCombine)
            MOESCOPE_TRY(dispatch());
        return op_ == OperatorId::EpCombine ? run_experts() : Status{};
    }

    Status launch() override {
        if (op_ == OperatorId::EpDispatch || op_ == OperatorId::EpLayer)
            MOESCOPE_TRY(timed("dispatch", &ParallelOperator::dispatch));
        if (op_ == OperatorId::EpExperts || op_ == OperatorId::EpLayer)
            MOESCOPE_TRY(timed("experts", &ParallelOperator::run_experts));
        if (op_ == OperatorId::EpCombine || op_ == OperatorId::EpLayer)
            MOESCOPE_TRY(timed("combine", &ParallelOperator::combine));
        return {};
    }

    std::function<Status()> compile_first() override {
        if (op_ == OperatorId::EpDispatch || arriving() == 0)
            return {};
        return compile_layer(*device_, experts_, name());
    }

    std::vector<OutputView> outputs() const override {
        const OutputView::Type type = output_type(kernel_dtype(workload_->model.dtype));
        OutputView view{out_.data(), type, routing_->tokens * hidden_};
        if (op_ == OperatorId::EpDispatch)
            view = {received_.data(), type, arriving() * hidden_};
        if (op_ == OperatorId::EpExperts)
            view = {answers_.data(), type, arriving() * hidden_};
        return view.count > 0 ? std::vector{view} : std::vector<OutputView>{};
    }
    Footprint footprint() const override {
        const std::int64_t weights = gate_up_.bytes() + down_.bytes() + (experts_.rank > 0 ? lora_bytes() : 0);
        const std::int64_t sending = rows_.bytes() + ids_.bytes(), receiving = received_.bytes() + received_ids_.bytes();
        const std::int64_t inside = h_.bytes() + act_.bytes() + y_.bytes() + workspace_.bytes() + sort_workspace_.bytes();
        if (op_ == OperatorId::EpDispatch)
            return {x_.bytes() + sources_.bytes(), receiving, sending};
        if (op_ == OperatorId::EpExperts)
            return {receiving + weights, answers_.bytes(), inside};
        if (op_ == OperatorId::EpCombine)
            return {answers_.bytes() + weights_.bytes(), out_.bytes(), returned_.bytes()};
        return {x_.bytes() + weights + weights_.bytes(), out_.bytes(),
                sending + receiving + inside + answers_.bytes() + returned_.bytes()};
    }
    RankGroup *ranks() const override { return group_; }

    std::optional<RankCost> rank_cost() const override {
        const double row = double(row_bytes_), tokens = double(routing_->tokens), slots = double(arriving());
        const WeightSize gate_up = weight_size(workload_->model, OperatorId::GateUp), down = weight_size(workload_->model, OperatorId::Down);
        const double numel = double(gate_up.numel() + down.numel()) + double(experts_.rank) * double(gate_up.k + gate_up.n + down.k + down.n);
        const Cost experts{bytes_of(workload_->model.dtype) * numel * double(active_experts_), 2 * slots * numel};
        const double there = link_bytes(row + 4), back = link_bytes(row);
        if (op_ == OperatorId::EpDispatch)
            return RankCost{{row * (tokens + slots), 0}, there};
        if (op_ == OperatorId::EpExperts)
            return RankCost{{experts.bytes + 2 * row * slots, experts.flops}, 0};
        if (op_ == OperatorId::EpCombine)
            return RankCost{{row * (double(routing_->slots) + tokens), 0}, back};
        return RankCost{{experts.bytes + 2 * row * tokens, experts.flops}, there + back};
    }

  private:
    std::string name() const { return std::string(info(op_).name); }
    const KernelTable &kernels() const { return device_->kernels(); }
    std::int64_t arriving() const { return sum(received_rows_); }

    // What this rank's link carries in the busier direction; rows to itself stay at home.
    double link_bytes(double row) const {
        const auto self = std::size_t(group_->rank());
        return row * double(std::max(routing_->slots - sent_rows_[self], arriving() - received_rows_[self]));
    }

    Status timed(const char *what, Status (ParallelOperator::*step)()) {
        const std::int64_t began = now_ns();
        const Status done = (this->*step)();
        device_->ran(what, began, now_ns()); // where no capture sees the kernels
        return done;
    }

    Status make_inputs() {
        const Share tokens{routing_->first_token, routing_->tokens};
        const Share experts{group_->rank() * local_experts_, local_experts_};
        MOESCOPE_TRY(fill_layer_input(*device_, x_, name(), *workload_, OperatorId::MoeMlp, tokens));
        MOESCOPE_TRY(fill_routing_weights(*device_, weights_, name(), *workload_, OperatorId::MoeMlp));
        MOESCOPE_TRY(fill_layer_weights(*device_, gate_up_, name(), *workload_, Projection::GateUp, experts));
        MOESCOPE_TRY(fill_layer_weights(*device_, down_, name(), *workload_, Projection::Down, experts));
        return allocate(*device_, out_, routing_->tokens * row_bytes_, name() + " output");
    }

    // The token of each row to be sent, and the expert it goes to as its rank numbers it.
    Status make_sending() {
        std::vector<std::int32_t> sources(std::size_t(routing_->slots)), ids;
        if (routing_->slots > 0)
            MOESCOPE_TRY(device_->download(sources.data(), routing_->sorted_slots.data(), routing_->sorted_slots.bytes()));
        for (std::int32_t &slot : sources)
            slot /= routing_->top_k;
        sent_rows_.assign(std::size_t(group_->size()), 0);
        for (std::int32_t expert = 0; expert < routing_->experts; ++expert) {
            const std::int32_t count = routing_->host_counts[std::size_t(expert)];
            sent_rows_[std::size_t(expert / local_experts_)] += count;
            ids.insert(ids.end(), std::size_t(count), std::int32_t(expert % local_experts_));
        }
        MOESCOPE_TRY(upload(sources_, sources, "source rows"));
        MOESCOPE_TRY(upload(ids_, ids, "expert ids"));
        MOESCOPE_TRY(allocate(*device_, returned_, routing_->slots * row_bytes_, name() + " returned rows"));
        return allocate(*device_, rows_, routing_->slots * row_bytes_, name() + " rows to send");
    }
    Status upload(Buffer &to, const std::vector<std::int32_t> &values, const char *what) {
        MOESCOPE_TRY(allocate(*device_, to, std::int64_t(values.size()) * 4, name() + " " + what));
        return values.empty() ? Status{} : device_->upload(to.data(), values.data(), to.bytes());
    }

    // How many rows each expert here gets from each rank: what a rank must know before rows can come.
    Status exchange_counts() {
        const Rows one(std::size_t(group_->size()), 1);
        if (received_counts_.bytes() == 0)
            MOESCOPE_TRY(allocate(*device_, received_counts_, 4 * routing_->experts, name() + " counts"));
        const RowExchange counts{routing_->counts.data(), received_counts_.data(), 4 * local_experts_, one, one};
        MOESCOPE_TRY(group_->transport().exchange({&counts, 1}));
        std::vector<std::int32_t> host(std::size_t(routing_->experts));
        MOESCOPE_TRY(device_->download(host.data(), received_counts_.data(), received_counts_.bytes()));
        received_rows_.assign(std::size_t(group_->size()), 0);
        std::vector<std::int64_t> of_expert(std::size_t(local_experts_), 0);
        for (std::size_t at = 0; at < host.size(); ++at) {
            received_rows_[at / std::size_t(local_experts_)] += host[at];
            of_expert[at % std::size_t(local_experts_)] += host[at];
        }
        active_experts_ = std::ranges::count_if(of_expert, [](std::int64_t count) { return count > 0; });
        return {};
    }

    Status make_receiving() {
        const std::int64_t rows = arriving();
        MOESCOPE_TRY(allocate(*device_, received_, rows * row_bytes_, name() + " rows received"));
        MOESCOPE_TRY(allocate(*device_, received_ids_, rows * 4, name() + " ids received"));
        MOESCOPE_TRY(allocate(*device_, answers_, rows * row_bytes_, name() + " experts' rows"));
        MOESCOPE_TRY(allocate(*device_, expert_counts_, 4 * local_experts_, name() + " experts' counts"));
        MOESCOPE_TRY(allocate(*device_, offsets_, 4 * (local_experts_ + 1), name() + " experts' offsets"));
        MOESCOPE_TRY(allocate(*device_, sorted_, 4 * rows, name() + " sorted rows"));
        MOESCOPE_TRY(allocate(*device_, inverse_, 4 * rows, name() + " inverse"));
        sort_.struct_size = sizeof sort_;
        sort_.experts = std::int32_t(local_experts_);
        sort_.ids = received_ids_.as<std::int32_t>();
        sort_.slots = rows;
        sort_.counts = expert_counts_.as<std::int32_t>();
        sort_.offsets = offsets_.as<std::int32_t>();
        sort_.sorted_slots = sorted_.as<std::int32_t>();
        sort_.inverse = inverse_.as<std::int32_t>();
        sort_.workspace_bytes = kernels().route_metadata_workspace_bytes(&sort_);
        MOESCOPE_TRY(allocate(*device_, sort_workspace_, std::int64_t(sort_.workspace_bytes), name() + " sort workspace"));
        sort_.workspace = sort_workspace_.data();
        return {};
    }

    // The layer of one device, whose tokens are the rows that came, with one expert each.
    Status make_experts() {
        const ModelShape &model = workload_->model;
        const std::int64_t rows = arriving(), element = bytes_of(model.dtype);
        MOESCOPE_TRY(allocate(*device_, h_, rows * model.gate_up_columns() * element, name() + " gate and up"));
        MOESCOPE_TRY(allocate(*device_, act_, rows * model.intermediate * element, name() + " activation"));
        MOESCOPE_TRY(allocate(*device_, y_, rows * row_bytes_, name() + " sorted answers"));
        experts_.struct_size = sizeof experts_;
        experts_.dtype = kernel_dtype(model.dtype);
        experts_.variant = MS_S2S_FUSED;
        experts_.tokens = rows;
        experts_.top_k = 1;
        experts_.experts = std::int32_t(local_experts_);
        experts_.hidden = std::int32_t(hidden_);
        experts_.intermediate = model.intermediate;
        set_activation(experts_, model);
        experts_.x_stride = experts_.out_stride = hidden_;
        experts_.x = received_.data();
        experts_.sorted_slots = sort_.sorted_slots;
        experts_.inverse = sort_.inverse;
        experts_.offsets = sort_.offsets;
        experts_.gate_up.w = gate_up_.data();
        experts_.down.w = down_.data();
        experts_.gate_up.w_transposed = experts_.down.w_transposed = 1; // [E, N, K], as torch keeps them
        experts_.h = h_.data();
        experts_.act = act_.data();
        experts_.y = y_.data();
        experts_.out = answers_.data();
        experts_.scaling = float(workload_->lora_scaling);
        return {};
    }

    std::int64_t lora_bytes() const {
        std::int64_t bytes = 0;
        for (const Buffer &each : lora_)
            bytes += each.bytes();
        return bytes;
    }

    // LoRA's matrices stay once they are there.
    Status select_lora(bool wanted) {
        if (wanted && lora_bytes() == 0) {
            const Share experts{group_->rank() * local_experts_, local_experts_};
            MOESCOPE_TRY(fill_layer_lora(*device_, lora_[0], lora_[1], name(), *workload_, Projection::GateUp, experts));
            MOESCOPE_TRY(fill_layer_lora(*device_, lora_[2], lora_[3], name(), *workload_, Projection::Down, experts));
        }
        experts_.rank = wanted ? workload_->lora_rank : 0;
        experts_.variant = wanted ? MS_S2S_EXTRA_K : MS_S2S_FUSED;
        experts_.gate_up.lora_a = wanted ? lora_[0].data() : nullptr;
        experts_.gate_up.lora_b = wanted ? lora_[1].data() : nullptr;
        experts_.down.lora_a = wanted ? lora_[2].data() : nullptr;
        experts_.down.lora_b = wanted ? lora_[3].data() : nullptr;
        experts_.workspace_bytes = kernels().moe_mlp_workspace_bytes(&experts_);
        MOESCOPE_TRY(allocate(*device_, workspace_, std::int64_t(experts_.workspace_bytes), name() + " workspace"));
        experts_.workspace = workspace_.data();
        return {};
    }

    ms_combine_args combine_args(std::int64_t tokens, std::int32_t top_k) const {
        ms_combine_args args{};
        args.struct_size = sizeof args;
        args.dtype = args.out_dtype = kernel_dtype(workload_->model.dtype);
        args.top_k = top_k;
        args.tokens = tokens;
        args.width = std::int32_t(hidden_);
        args.y_grouped = 1;
        args.y_stride = args.out_stride = hidden_;
        return args;
    }

    // A sum over one row each is a copy of it.
    Status gather_rows() {
        ms_combine_args args = combine_args(routing_->slots, 1);
        args.y = x_.data();
        args.inverse = sources_.as<std::int32_t>();
        args.out = rows_.data();
        return args.tokens == 0 ? Status{} : kernel_status(kernels().combine(&args, device_->stream()), "gathering rows");
    }

    Status dispatch() {
        MOESCOPE_TRY(gather_rows());
        if (counts_first_)
            MOESCOPE_TRY(exchange_counts());
        const RowExchange both[] = {{rows_.data(), received_.data(), row_bytes_, sent_rows_, received_rows_},
                                    {ids_.data(), received_ids_.data(), 4, sent_rows_, received_rows_}};
        return group_->transport().exchange(both);
    }

    Status run_experts() {
        if (arriving() == 0)
            return {};
        MOESCOPE_TRY(kernel_status(kernels().route_metadata(&sort_, device_->stream()), "sorting the rows"));
        return kernel_status(kernels().moe_mlp(&experts_, device_->stream()), name());
    }

    Status combine() {
        const RowExchange back{answers_.data(), returned_.data(), row_bytes_, received_rows_, sent_rows_};
        MOESCOPE_TRY(group_->transport().exchange({&back, 1}));
        ms_combine_args args = combine_args(routing_->tokens, routing_->top_k);
        args.y = returned_.data();
        args.weights = weights_.as<float>() + routing_->first_token * routing_->top_k;
        args.inverse = routing_->inverse.as<std::int32_t>();
        args.out = out_.data();
        return args.tokens == 0 ? Status{} : kernel_status(kernels().combine(&args, device_->stream()), name());
    }

    const OperatorId op_;
    Device *device_ = nullptr;
    const Workload *workload_ = nullptr;
    const PreparedRouting *routing_ = nullptr;
    RankGroup *group_ = nullptr;
    bool counts_first_ = false;
    std::int64_t hidden_ = 0, row_bytes_ = 0, local_experts_ = 0, active_experts_ = 0;
    Rows sent_rows_, received_rows_;
    Buffer x_, weights_, gate_up_, down_, out_;                  // this rank's tokens and experts
    Buffer lora_[4];                                             // A and B of gate_up, of down
    Buffer sources_, ids_, rows_, returned_;                     // a row a slot of its tokens
    Buffer received_counts_, received_, received_ids_, answers_; // a row a slot of its experts
    Buffer expert_counts_, offsets_, sorted_, inverse_, sort_workspace_, h_, act_, y_, workspace_;
    ms_route_metadata_args sort_{};
    ms_moe_mlp_args experts_{};
};

} // namespace

std::unique_ptr<Operator> make_parallel_operator(OperatorId op) { return std::make_unique<ParallelOperator>(op); }

} // namespace moescope
