#include "kernels/inputs/counter_hash.h"
#include "profiler/worker/operators/kernel_call.h"
#include "profiler/worker/operators/operator.h"

#include <algorithm>

namespace moescope {

namespace {

constexpr float kLogitScale = 8; // logits in [-8, 8): some tokens far likelier than others
constexpr std::int32_t kSelected = 1;

// The five operators of logits [T, V] share inputs, and the backward ones what the forward ones
// save.
class LogprobOperator final : public Operator {
  public:
    explicit LogprobOperator(OperatorId op) : op_(op) {}

    Status prepare(Device &device, const Workload &workload, const PreparedRouting &) override {
        device_ = &device;
        rows_ = workload.tokens;
        logits_.dtype = kernel_dtype(workload.model.dtype);
        logits_.sizes[0] = logits_.sizes[1] = 1;
        logits_.sizes[2] = rows_;
        logits_.vocab = logits_.strides[2] = workload.model.vocab;
        logits_.vocab_stride = 1;
        MOESCOPE_TRY(make_inputs(workload));
        for (const auto &[buffer, label] :
             {std::pair{&entropy_, "entropy"}, std::pair{&logps_, "log-probabilities"}, std::pair{&lse_, "log-sum-exp"}})
            MOESCOPE_TRY(allocate(device, *buffer, rows_ * 4, label));
        return is_backward() ? prepare_backward(workload) : Status{};
    }

    Status select(std::string_view variant, const TileConfig &) override {
        variant_ = variant == "chunked" ? MS_LOGPROB_CHUNKED : MS_LOGPROB_ONE_READ;
        separate_ = variant == "separate";
        return make_workspace();
    }

    Status launch() override {
        const KernelTable &kernels = device_->kernels();
        switch (op_) {
        case OperatorId::Entropy:
            return run(kernels.entropy, entropy_args());
        case OperatorId::EntropyBackward:
            return run(kernels.entropy_backward, entropy_backward_args());
        case OperatorId::SelectiveLogSoftmax:
            return run(kernels.selective_log_softmax, selective_args());
        case OperatorId::SelectiveLogSoftmaxBackward:
            return run(kernels.selective_log_softmax_backward, selective_backward_args());
        default:
            break;
        }
        if (!separate_)
            return run(kernels.logprob_stats, stats_args());
        MOESCOPE_TRY(run(kernels.entropy, entropy_args()));
        return run(kernels.selective_log_softmax, selective_args());
    }

    std::vector<OutputView> outputs() const override {
        const auto row = OutputView::Type::F32;
        if (is_backward())
            return {{dlogits_.data(), output_type(logits_.dtype), rows_ * logits_.vocab}};
        std::vector<OutputView> views = {{lse_.data(), row, rows_}};
        if (op_ != OperatorId::SelectiveLogSoftmax)
            views.push_back({entropy_.data(), row, rows_});
        if (op_ != OperatorId::Entropy)
            views.push_back({logps_.data(), row, rows_});
        return views;
    }

    Footprint footprint() const override {
        const std::int64_t selection = op_ == OperatorId::Entropy || op_ == OperatorId::EntropyBackward ? 0 : indices_.bytes();
        const std::int64_t inputs = logits_buffer_.bytes() + selection;
        switch (op_) {
        case OperatorId::EntropyBackward:
            return {inputs + gradient_.bytes() + entropy_.bytes() + lse_.bytes(), dlogits_.bytes(), workspace_.bytes()};
        case OperatorId::SelectiveLogSoftmaxBackward:
            return {inputs + gradient_.bytes() + lse_.bytes(), dlogits_.bytes(), workspace_.bytes()};
        default:
            return {inputs, std::int64_t(outputs().size()) * rows_ * 4, workspace_.bytes()};
        }
    }

  private:
    bool is_backward() const {
        return op_ == OperatorId::EntropyBackward || op_ == OperatorId::SelectiveLogSoftmaxBackward;
    }
    FillFor fill(const Workload &workload, Tensor tensor) const { return {workload.seed, tensor, op_}; }

    Status make_inputs(const Workload &workload) {
        MOESCOPE_TRY(allocate_uniform(*device_, logits_buffer_, "vocabulary logits", logits_.dtype, rows_ * logits_.vocab,
                                      fill(workload, Tensor::VocabularyLogits), kLogitScale));
        logits_.data = logits_buffer_.data();
        std::vector<std::int64_t> indices(static_cast<std::size_t>(rows_ * kSelected));
        const std::uint64_t key = hash_key(workload.seed, std::uint32_t(Tensor::SelectedTokens));
        for (std::size_t i = 0; i < indices.size(); ++i)
            indices[i] = std::int64_t(hash_at(key, i) % std::uint64_t(logits_.vocab));
        MOESCOPE_TRY(allocate(*device_, indices_, rows_ * kSelected * 8, "selected tokens"));
        return device_->upload(indices_.data(), indices.data(), indices_.bytes());
    }

    // What a forward pass saves, and the gradient that comes in.
    Status prepare_backward(const Workload &workload) {
        MOESCOPE_TRY(make_workspace());
        MOESCOPE_TRY(run(device_->kernels().logprob_stats, stats_args()));
        MOESCOPE_TRY(allocate_uniform(*device_, gradient_, "gradient", MS_F32, rows_,
                                      fill(workload, Tensor::Gradient), 1));
        return allocate(*device_, dlogits_, logits_buffer_.bytes(), "gradient of the logits");
    }

    Status make_workspace() {
        const KernelTable &kernels = device_->kernels();
        const auto entropy = entropy_args();
        const auto entropy_backward = entropy_backward_args();
        const auto selective = selective_args();
        const auto selective_backward = selective_backward_args();
        const auto stats = stats_args();
        const std::size_t bytes =
            std::max({kernels.entropy_workspace_bytes(&entropy), kernels.entropy_backward_workspace_bytes(&entropy_backward),
                      kernels.selective_log_softmax_workspace_bytes(&selective),
                      kernels.selective_log_softmax_backward_workspace_bytes(&selective_backward),
                      kernels.logprob_stats_workspace_bytes(&stats)});
        return allocate(*device_, workspace_, std::int64_t(bytes), "log-probability workspace");
    }

    template <class Args> Args common_args() const {
        Args args{};
        args.struct_size = sizeof args;
        args.logits = logits_;
        args.logit_scale = 1;
        args.lse = lse_.as<float>();
        args.workspace = workspace_.data();
        args.workspace_bytes = std::size_t(workspace_.bytes());
        return args;
    }
    template <class Args> void set_selection(Args &args) const {
        args.indices = indices_.as<std::int64_t>();
        args.selected = kSelected;
    }
    template <class Args> void set_gradient(Args &args) const {
        args.dlogits = dlogits_.data();
        std::copy_n(logits_.strides, 3, args.dlogits_strides);
        args.dlogits_vocab_stride = 1;
    }

    ms_entropy_args entropy_args() const {
        auto args = common_args<ms_entropy_args>();
        args.variant = variant_;
        args.entropy = entropy_.as<float>();
        return args;
    }
    ms_entropy_backward_args entropy_backward_args() const {
        auto args = common_args<ms_entropy_backward_args>();
        args.variant = variant_;
        args.dentropy = gradient_.as<float>();
        args.entropy = entropy_.as<float>();
        set_gradient(args);
        return args;
    }
    ms_selective_log_softmax_args selective_args() const {
        auto args = common_args<ms_selective_log_softmax_args>();
        args.variant = variant_;
        set_selection(args);
        args.logps = logps_.as<float>();
        return args;
    }
    ms_selective_log_softmax_backward_args selective_backward_args() const {
        auto args = common_args<ms_selective_log_softmax_backward_args>();
        args.variant = variant_;
        set_selection(args);
        args.dlogps = gradient_.as<float>();
        set_gradient(args);
        return args;
    }
    ms_logprob_stats_args stats_args() const {
        auto args = common_args<ms_logprob_stats_args>();
        set_selection(args);
        args.entropy = entropy_.as<float>();
        args.logps = logps_.as<float>();
        return args;
    }

    template <class Args> Status run(ms_status (*kernel)(const Args *, ms_stream), const Args &args) const {
        return kernel_status(kernel(&args, device_->stream()), info(op_).name);
    }

    OperatorId op_;
    Device *device_ = nullptr;
    std::int64_t rows_ = 0;
    ms_logprob_variant variant_ = MS_LOGPROB_ONE_READ;
    bool separate_ = false;
    ms_logits logits_{};
    Buffer logits_buffer_, indices_, entropy_, logps_, lse_, gradient_, dlogits_, workspace_;
};

} // namespace

std::unique_ptr<Operator> make_logprob_operator(OperatorId op) { return std::make_unique<LogprobOperator>(op); }

} // namespace moescope
