#include "kernels/common/float_types.h"
#include "kernels/dequant/nf4.h"
#include "profiler/worker/operators/active_experts.h"
#include "profiler/worker/operators/kernel_call.h"
#include "profiler/workload/cost.h"

namespace moescope {

namespace {

constexpr float kScale = 0.0625f; // weights of a few hundredths, as trained ones are
constexpr float kNestedOffset = 0.0625f;

ms_weight_format kernel_format(QuantFormat format) {
    switch (format) {
    case QuantFormat::FP4:
        return MS_WEIGHTS_FP4;
    case QuantFormat::FP8Tensor:
        return MS_WEIGHTS_FP8_TENSOR;
    case QuantFormat::FP8Row:
        return MS_WEIGHTS_FP8_ROW;
    case QuantFormat::FP8Block:
        return MS_WEIGHTS_FP8_BLOCK;
    case QuantFormat::MXFP4:
        return MS_WEIGHTS_MXFP4;
    case QuantFormat::NF4:
        break;
    }
    return MS_WEIGHTS_NF4;
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// Quantised gate_up weights. Codes and scales are arbitrary bits: the work does not depend on their
// values.
class DequantOperator final : public Operator {
  public:
    Status prepare(Device &device, const Workload &workload, const PreparedRouting &routing) override {
        device_ = &device;
        routing_ = &routing;
        seed_ = workload.seed;
        dtype_ = kernel_dtype(workload.model.dtype);
        MOESCOPE_TRY(active_.prepare(device, routing));
        size_ = weight_size(workload.model, OperatorId::SelectiveDequant);
        weights_.format = kernel_format(workload.quant_format);
        weights_.experts = workload.model.experts;
        weights_.expert_numel = size_.numel();
        weights_.columns = std::int32_t(size_.k);
        if (is_fp8(weights_.format))
            return make_fp8();
        return weights_.format == MS_WEIGHTS_MXFP4 ? make_mxfp4() : make_bitsandbytes(workload);
    }

    Status select(std::string_view variant, const TileConfig &) override {
        dense_ = variant == "dense";
        selective_ = dense_ || variant.starts_with("selective");
        nested_ = variant.ends_with("_nested");
        args_ = {};
        args_.struct_size = sizeof args_;
        args_.out_dtype = dtype_;
        args_.weights = weights_;
        (nested_ ? args_.weights.absmax : args_.weights.nested_absmax) = nullptr;
        if (!nested_)
            args_.weights.absmax_u8 = nullptr;
        if (dense_)
            MOESCOPE_TRY(make_dense());
        else
            dense_weights_ = Buffer();
        if (selective_)
            active_.attach(args_);
        args_.capacity = selective_ ? active_.capacity() : weights_.experts;
        const std::int64_t row_bytes = weights_.expert_numel * size_of(dtype_);
        MOESCOPE_TRY(allocate(*device_, out_, args_.capacity * row_bytes, "dequantised weights"));
        args_.out = out_.data();
        return {};
    }

    Status launch() override {
        return kernel_status(device_->kernels().selective_dequant(&args_, device_->stream()), "selective_dequant");
    }

    // The active experts' matrices, one view each: the same ones for the selective and full variants.
    std::vector<OutputView> outputs() const override {
        std::vector<OutputView> views;
        std::int64_t row = 0;
        for (std::int32_t expert = 0; expert < routing_->experts; ++expert) {
            const bool active = routing_->host_counts[std::size_t(expert)] > 0;
            if (active) {
                const std::int64_t at = (selective_ ? row : expert) * weights_.expert_numel * size_of(dtype_);
                views.push_back({out_.as<std::byte>() + at, output_type(dtype_), weights_.expert_numel});
                ++row;
            }
        }
        return views;
    }
    Footprint footprint() const override {
        const std::int64_t nested = absmax_u8_.bytes() + nested_absmax_.bytes() + nested_code_.bytes();
        const std::int64_t scales = nested_ ? nested : absmax_.bytes();
        const std::int64_t quantised = values_.bytes() + scales + scales_.bytes() + code_.bytes();
        return {(dense_ ? dense_weights_.bytes() : quantised) + (selective_ ? routing_->ids.bytes() : 0),
                out_.bytes() + (selective_ ? active_.output_bytes() : 0),
                selective_ ? active_.workspace_bytes() : 0};
    }
    std::string_view comparison_group() const override { return dense_ ? "dense" : nested_ ? "nested" : "plain"; }

  private:
    FillFor fill_for(Tensor tensor) const { return {seed_, tensor, OperatorId::SelectiveDequant}; }
    std::int64_t count() const { return weights_.experts * weights_.expert_numel; }

    Status make_values(std::int64_t bytes) {
        MOESCOPE_TRY(allocate_bytes(*device_, values_, "quantised weights", bytes, fill_for(Tensor::Packed)));
        weights_.values = values_.data();
        return {};
    }

    Status make_bitsandbytes(const Workload &workload) {
        weights_.block_size = workload.quant_block;
        weights_.nested_block = workload.nested_block;
        weights_.nested_offset = kNestedOffset;
        const std::int64_t blocks = ceil_div(count(), weights_.block_size);
        const std::int64_t nested_blocks = ceil_div(blocks, weights_.nested_block);
        MOESCOPE_TRY(make_values(ceil_div(count(), 2)));
        MOESCOPE_TRY(allocate_uniform(*device_, absmax_, "absmax", MS_F32, blocks, fill_for(Tensor::Absmax), kScale));
        MOESCOPE_TRY(allocate_bytes(*device_, absmax_u8_, "quantised absmax", blocks, fill_for(Tensor::AbsmaxBytes)));
        MOESCOPE_TRY(allocate_uniform(*device_, nested_absmax_, "nested absmax", MS_F32, nested_blocks,
                                      fill_for(Tensor::NestedAbsmax), kScale));
        MOESCOPE_TRY(upload_table(code_, "codebook", code_of(weights_.format)));
        MOESCOPE_TRY(upload_table(nested_code_, "nested code", make_dynamic_code()));
        weights_.absmax = absmax_.as<float>();
        weights_.absmax_u8 = absmax_u8_.as<std::uint8_t>();
        weights_.nested_code = nested_code_.as<float>();
        weights_.nested_absmax = nested_absmax_.as<float>();
        weights_.code = code_.as<float>();
        return {};
    }

    Status make_fp8() {
        MOESCOPE_TRY(make_values(count()));
        const std::int64_t scales = weights_.format == MS_WEIGHTS_FP8_TENSOR ? 1
                                    : weights_.format == MS_WEIGHTS_FP8_ROW
                                        ? size_.n
                                        : ceil_div(size_.n, kFp8Block) * ceil_div(size_.k, kFp8Block);
        MOESCOPE_TRY(allocate_uniform(*device_, scales_, "weight scales", MS_F32, weights_.experts * scales,
                                      fill_for(Tensor::Scales), kScale));
        weights_.scales = scales_.as<float>();
        return {};
    }

    Status make_mxfp4() {
        MOESCOPE_TRY(make_values(ceil_div(count(), 2)));
        MOESCOPE_TRY(allocate_bytes(*device_, scales_, "weight exponents", ceil_div(count(), kMxfp4Block),
                                    fill_for(Tensor::Exponents)));
        weights_.exponents = scales_.as<std::uint8_t>();
        return {};
    }

    // Its variant's alone: it may be four times the quantised weights.
    Status make_dense() {
        args_.weights.format = MS_WEIGHTS_DENSE;
        MOESCOPE_TRY(allocate_uniform(*device_, dense_weights_, "dense weights", dtype_, count(),
                                      fill_for(Tensor::DenseWeights), kScale));
        args_.weights.values = dense_weights_.data();
        return {};
    }

    template <std::size_t kSize>
    Status upload_table(Buffer &buffer, std::string_view label, const std::array<float, kSize> &table) {
        MOESCOPE_TRY(allocate(*device_, buffer, sizeof table, label));
        return device_->upload(buffer.data(), table.data(), sizeof table);
    }

    Device *device_ = nullptr;
    const PreparedRouting *routing_ = nullptr;
    std::uint64_t seed_ = 0;
    WeightSize size_;
    ms_dtype dtype_ = MS_BF16;
    bool selective_ = false, nested_ = false, dense_ = false;
    ActiveExperts active_;
    Buffer values_, absmax_, absmax_u8_, nested_absmax_, nested_code_, code_, scales_, dense_weights_, out_;
    ms_expert_weights weights_{}; // every pointer set; select() takes those of the variant
    ms_selective_dequant_args args_{};
};

} // namespace

std::unique_ptr<Operator> make_dequant_operator() { return std::make_unique<DequantOperator>(); }

} // namespace moescope
