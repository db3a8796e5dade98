#include "kernels/common/float_types.h"
#include "kernels/dequant/nf4.h"
#include "profiler/worker/operators/active_experts.h"
#include "profiler/worker/operators/kernel_call.h"
#include "profiler/workload/cost.h"

namespace moescope {

namespace {

constexpr float kAbsmaxScale = 0.0625f; // weights of a few hundredths, as trained ones are
constexpr float kNestedOffset = 0.0625f;

// NF4 gate_up weights. Codes, scales and scales of scales are arbitrary bits: the work does not
// depend on their values.
class DequantOperator final : public Operator {
  public:
    Status prepare(Device &device, const Workload &workload, const PreparedRouting &routing) override {
        device_ = &device;
        routing_ = &routing;
        dtype_ = kernel_dtype(workload.model.dtype);
        MOESCOPE_TRY(active_.prepare(device, routing));
        weights_.block_size = workload.quant_block;
        weights_.nested_block = workload.nested_block;
        weights_.nested_offset = kNestedOffset;
        weights_.experts = workload.model.experts;
        weights_.expert_numel = weight_size(workload.model, OperatorId::SelectiveDequant).numel();
        return make_weights(workload);
    }

    Status select(std::string_view variant, const TileConfig &) override {
        selective_ = variant.starts_with("selective");
        nested_ = variant.ends_with("_nested");
        args_ = {};
        args_.struct_size = sizeof args_;
        args_.out_dtype = dtype_;
        args_.weights = weights_;
        (nested_ ? args_.weights.absmax : args_.weights.nested_absmax) = nullptr;
        if (!nested_)
            args_.weights.absmax_u8 = nullptr;
        args_.active = selective_ ? active_.active() : nullptr;
        args_.count = selective_ ? active_.count() : nullptr;
        args_.capacity = selective_ ? active_.capacity() : weights_.experts;
        const std::int64_t row_bytes = weights_.expert_numel * size_of(dtype_);
        MOESCOPE_TRY(allocate(*device_, out_, args_.capacity * row_bytes, "dequantised weights"));
        args_.out = out_.data();
        return {};
    }

    Status launch() override {
        if (selective_)
            MOESCOPE_TRY(active_.launch());
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
        const std::int64_t scales = nested_ ? absmax_u8_.bytes() + nested_absmax_.bytes() + nested_code_.bytes()
                                            : absmax_.bytes();
        return {packed_.bytes() + scales + code_.bytes() + (selective_ ? routing_->ids.bytes() : 0),
                out_.bytes() + (selective_ ? active_.output_bytes() : 0), 0};
    }
    std::string_view comparison_group() const override { return nested_ ? "nested" : "plain"; }

  private:
    Status make_weights(const Workload &workload) {
        const std::int64_t values = weights_.experts * weights_.expert_numel;
        const std::int64_t blocks = (values + weights_.block_size - 1) / weights_.block_size;
        const std::int64_t nested_blocks = (blocks + weights_.nested_block - 1) / weights_.nested_block;
        auto fill_for = [&](Tensor tensor) { return FillFor{workload.seed, tensor, OperatorId::SelectiveDequant}; };
        MOESCOPE_TRY(allocate_bytes(*device_, packed_, "NF4 weights", (values + 1) / 2, fill_for(Tensor::Packed)));
        MOESCOPE_TRY(allocate_uniform(*device_, absmax_, "absmax", MS_F32, blocks, fill_for(Tensor::Absmax), kAbsmaxScale));
        MOESCOPE_TRY(allocate_bytes(*device_, absmax_u8_, "quantised absmax", blocks, fill_for(Tensor::AbsmaxBytes)));
        MOESCOPE_TRY(allocate_uniform(*device_, nested_absmax_, "nested absmax", MS_F32, nested_blocks,
                                      fill_for(Tensor::NestedAbsmax), kAbsmaxScale));
        MOESCOPE_TRY(upload_table(code_, "NF4 code", kNf4Code));
        MOESCOPE_TRY(upload_table(nested_code_, "nested code", make_dynamic_code()));
        weights_.packed = packed_.as<std::uint8_t>();
        weights_.absmax = absmax_.as<float>();
        weights_.absmax_u8 = absmax_u8_.as<std::uint8_t>();
        weights_.nested_code = nested_code_.as<float>();
        weights_.nested_absmax = nested_absmax_.as<float>();
        weights_.code = code_.as<float>();
        return {};
    }

    template <std::size_t kSize>
    Status upload_table(Buffer &buffer, std::string_view label, const std::array<float, kSize> &table) {
        MOESCOPE_TRY(allocate(*device_, buffer, sizeof table, label));
        return device_->upload(buffer.data(), table.data(), sizeof table);
    }

    Device *device_ = nullptr;
    const PreparedRouting *routing_ = nullptr;
    ms_dtype dtype_ = MS_BF16;
    bool selective_ = false, nested_ = false;
    ActiveExperts active_;
    Buffer packed_, absmax_, absmax_u8_, nested_absmax_, nested_code_, code_, out_;
    ms_nf4_weights weights_{}; // every pointer set; select() takes those of the variant
    ms_selective_dequant_args args_{};
};

} // namespace

std::unique_ptr<Operator> make_dequant_operator() { return std::make_unique<DequantOperator>(); }

} // namespace moescope
