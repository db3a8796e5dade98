// The references of dX, dA and dB against the gradients that torch.autograd found
// (make_backward_vectors.py): products, sum over slots and Gram products, chained as in training.
#include "kernels/common/float_types.h"
#include "kernels/reference.h"
#include "tests/kernels/compare.h"
#include "tests/kernels/vectors/vector_file.h"

#include <catch2/catch_all.hpp>

#include <cstdint>
#include <string>
#include <vector>

using namespace moescope;
using namespace moescope::test;

namespace {

struct Gradients {
    std::vector<float> dx, da, db;
};

class Layer {
  public:
    explicit Layer(const VectorCase &c)
        : tokens_(c.integer("tokens")), experts_(c.integer("experts")), top_k_(c.integer("top_k")),
          k_(c.integer("k")), n_(c.integer("n")), rank_(c.integer("rank")),
          dtype_(c.text("dtype") == "f16" ? MS_F16 : MS_BF16),
          scaling_(float(c.number("scaling"))) {
        const std::size_t e = experts_, k = k_, n = n_, r = rank_, slots = tokens_ * top_k_;
        const auto load = [&](const char *key, std::size_t count) {
            std::vector<std::uint16_t> bits(count);
            const std::vector<float> values = c.array<float>(key, count);
            for (std::size_t i = 0; i < count; ++i)
                store_from_float(bits.data(), dtype_, std::int64_t(i), values[i]);
            return bits;
        };
        x_ = load("x", tokens_ * k);
        w_ = load("w", e * n * k); // [E, N, K], as torch keeps it
        a_ = load("a", e * r * k);
        b_ = load("b", e * n * r);
        dy_ = load("dy", slots * n);
        sort(c.array<std::int32_t>("ids", slots));
        expected_ = {c.array<float>("dx", tokens_ * k), c.array<float>("da", e * r * k),
                     c.array<float>("db", e * n * r)};
    }

    const Gradients &expected() const { return expected_; }

    Gradients run() const {
        const std::size_t slots = sorted_slots_.size(), columns = std::size_t(rank_ + 7) / 8 * 8;
        std::vector<std::uint16_t> xa(slots * columns), yb(slots * columns);
        std::vector<float> y(slots * n_), rows(slots * k_);
        Gradients result{std::vector<float>(tokens_ * k_),
                         std::vector<float>(std::size_t(experts_) * rank_ * k_),
                         std::vector<float>(std::size_t(experts_) * rank_ * n_)};

        ms_scatter2scatter_args forward = product(); // for XA
        forward.x = x_.data();
        forward.x_stride = forward.k = k_;
        forward.y_stride = forward.n = n_;
        forward.w_transposed = 1;
        forward.lora_a = a_.data(), forward.lora_b = b_.data();
        forward.top_k = top_k_;
        forward.y = y.data();
        forward.xa = xa.data();
        check(reference::scatter2scatter(&forward, nullptr));

        ms_scatter2scatter_args backward = product();
        backward.x = dy_.data();
        backward.x_stride = backward.k = n_;
        backward.y_stride = backward.n = k_;
        backward.lora_a = b_.data(), backward.lora_b = a_.data();
        backward.lora_a_transposed = backward.lora_b_transposed = 1;
        backward.top_k = 1;
        backward.y = rows.data();
        backward.xa = yb.data();
        check(reference::scatter2scatter(&backward, nullptr));
        const ms_combine_args sum{.struct_size = sizeof sum,
                                  .dtype = MS_F32,
                                  .out_dtype = MS_F32,
                                  .top_k = top_k_,
                                  .tokens = tokens_,
                                  .width = k_,
                                  .y = rows.data(),
                                  .y_stride = k_,
                                  .out = result.dx.data(),
                                  .out_stride = k_};
        check(reference::combine(&sum, nullptr));
        check_gradients(xa, yb, result);
        return result;
    }

  private:
    static void check(ms_status status) {
        INFO(ms_last_error());
        REQUIRE(status == MS_OK);
    }

    ms_scatter2scatter_args product() const {
        ms_scatter2scatter_args args{};
        args.struct_size = sizeof args;
        args.dtype = dtype_;
        args.y_dtype = MS_F32;
        args.variant = MS_S2S_EXTRA_K;
        args.w = w_.data();
        args.rank = rank_;
        args.scaling = scaling_;
        args.sorted_slots = sorted_slots_.data();
        args.offsets = offsets_.data();
        args.slots = std::int64_t(sorted_slots_.size());
        args.experts = experts_;
        return args;
    }

    void check_gradients(const std::vector<std::uint16_t> &xa, const std::vector<std::uint16_t> &yb,
                         Gradients &result) const {
        ms_lora_grad_args args{};
        args.struct_size = sizeof args;
        args.dtype = dtype_;
        args.out_dtype = MS_F32;
        args.x = x_.data(), args.dy = dy_.data();
        args.x_stride = args.k = k_;
        args.dy_stride = args.n = n_;
        args.rank = rank_;
        args.experts = experts_;
        args.scaling = scaling_;
        args.top_k = top_k_;
        args.slots = std::int64_t(sorted_slots_.size());
        args.sorted_slots = sorted_slots_.data();
        args.offsets = offsets_.data();
        args.xa = xa.data(), args.yb = yb.data();
        args.lora_a = a_.data(), args.lora_b = b_.data();
        args.da = result.da.data(), args.db = result.db.data();
        check(reference::lora_grad(&args, nullptr));
        Gradients again = result;
        args.variant = MS_LORA_GRAD_RECOMPUTE;
        args.da = again.da.data(), args.db = again.db.data();
        check(reference::lora_grad(&args, nullptr));
        CHECK(again.da == result.da);
        CHECK(again.db == result.db);
    }

    void sort(const std::vector<std::int32_t> &ids) {
        offsets_.push_back(0);
        for (std::int32_t e = 0; e < experts_; ++e) {
            for (std::size_t slot = 0; slot < ids.size(); ++slot)
                if (ids[slot] == e)
                    sorted_slots_.push_back(std::int32_t(slot));
            offsets_.push_back(std::int32_t(sorted_slots_.size()));
        }
    }

    std::int32_t tokens_, experts_, top_k_, k_, n_, rank_;
    ms_dtype dtype_;
    float scaling_;
    std::vector<std::uint16_t> x_, w_, a_, b_, dy_;
    std::vector<std::int32_t> sorted_slots_, offsets_;
    Gradients expected_;
};

} // namespace

TEST_CASE("the references of dX, dA and dB equal torch.autograd's gradients", "[lora_grad]") {
    int cases = 0;
    for (const VectorCase &c : read_vectors("backward.txt")) {
        INFO(c.name);
        const Layer layer(c);
        const Gradients actual = layer.run();
        // Sums of a few float32 roundings on our side, of none on torch's.
        CHECK(difference(actual.dx, layer.expected().dx, 2e-6, 1e-5) == "");
        CHECK(difference(actual.da, layer.expected().da, 2e-6, 1e-5) == "");
        CHECK(difference(actual.db, layer.expected().db, 2e-6, 1e-5) == "");
        ++cases;
    }
    CHECK(cases >= 4);
}
