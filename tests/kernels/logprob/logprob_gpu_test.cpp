#include "tests/kernels/gpu_test_support.h"
#include "tests/kernels/logprob/logprob_reference_run.h"

#include <cstdint>
#include <cstring>
#include <random>
#include <string>

using namespace moescope;
using namespace moescope::test;

namespace {

enum class Output { Apart, InPlace };

// Inputs in device memory, and the operators' results brought back.
class DeviceCase {
  public:
    // `gradient` is the layout of dlogits where they are not written in place.
    DeviceCase(const LogprobInputs &in, const LogprobShape &gradient,
               ms_logprob_variant variant = MS_LOGPROB_ONE_READ)
        : in_(in), variant_(variant), gradient_shape_(gradient), logits_(encode_logits(in)),
          gradient_(std::size_t(Layout(gradient).elements * size_of(in.shape.dtype))),
          indices_(in.indices), dentropy_(in.dentropy), dlogps_(in.dlogps),
          entropy_(rows()), lse_(rows()), logps_(rows() * std::size_t(in.shape.selected)) {}
    explicit DeviceCase(const LogprobInputs &in, ms_logprob_variant variant = MS_LOGPROB_ONE_READ)
        : DeviceCase(in, in.shape, variant) {}

    void run_entropy(bool with_lse = true) {
        auto args = logprob_args<ms_entropy_args>(view(), in_.shape.scale);
        args.variant = variant_;
        args.entropy = entropy_.data();
        args.lse = with_lse ? lse_.data() : nullptr;
        with_workspace(args, ms_entropy_workspace_bytes, ms_entropy);
    }
    void run_selective(bool with_lse = true) {
        auto args = logprob_args<ms_selective_log_softmax_args>(view(), in_.shape.scale);
        args.variant = variant_;
        select(args);
        args.logps = logps_.data();
        args.lse = with_lse ? lse_.data() : nullptr;
        with_workspace(args, ms_selective_log_softmax_workspace_bytes, ms_selective_log_softmax);
    }
    void run_stats() {
        auto args = logprob_args<ms_logprob_stats_args>(view(), in_.shape.scale);
        select(args);
        args.entropy = entropy_.data();
        args.logps = logps_.data();
        args.lse = lse_.data();
        with_workspace(args, ms_logprob_stats_workspace_bytes, ms_logprob_stats);
    }
    // From entropies and log-sum-exps that come from the host: the reference's.
    std::vector<float> entropy_gradient(const LogprobResults &saved, Output output) {
        auto args = logprob_args<ms_entropy_backward_args>(view(), in_.shape.scale);
        args.dentropy = dentropy_.data();
        entropy_.upload(saved.entropy);
        args.entropy = entropy_.data();
        return run_gradient(args, saved, output, ms_entropy_backward_workspace_bytes,
                            ms_entropy_backward);
    }
    std::vector<float> logps_gradient(const LogprobResults &saved, Output output) {
        auto args =
            logprob_args<ms_selective_log_softmax_backward_args>(view(), in_.shape.scale);
        select(args);
        args.dlogps = dlogps_.data();
        return run_gradient(args, saved, output, ms_selective_log_softmax_backward_workspace_bytes,
                            ms_selective_log_softmax_backward);
    }

    std::vector<float> entropy() { return entropy_.download(); }
    std::vector<float> lse() { return lse_.download(); }
    std::vector<float> logps() { return logps_.download(); }
    void poison() {
        entropy_.poison();
        lse_.poison();
        logps_.poison();
    }
    // The bits of everything written last.
    std::vector<std::uint8_t> gradient_bits() { return gradient_.download(); }
    const LogprobInputs &inputs() const { return in_; }

  private:
    std::size_t rows() const { return std::size_t(in_.shape.rows()); }

    ms_logits view() {
        ms_logits logits = logits_of(in_.shape, in_.layout);
        logits.data = logits_.data() + in_.shape.offset * size_of(in_.shape.dtype);
        return logits;
    }
    template <class Args> void select(Args &args) {
        args.indices = indices_.data();
        args.selected = in_.shape.selected;
    }
    template <class Args, class Bytes, class Call>
    void with_workspace(Args args, const Bytes &bytes, const Call &call) {
        DeviceArray<std::uint8_t> workspace(bytes(&args));
        args.workspace = workspace.data();
        args.workspace_bytes = workspace.bytes();
        REQUIRE(call(&args, nullptr) == MS_OK);
        synchronize();
        CHECK(workspace.red_zones_intact());
    }

    template <class Args, class Bytes, class Call>
    std::vector<float> run_gradient(Args args, const LogprobResults &saved, Output output,
                                    const Bytes &bytes, const Call &call) {
        const bool in_place = output == Output::InPlace;
        lse_.upload(saved.lse);
        args.lse = lse_.data();
        args.variant = variant_;
        logits_.upload(encode_logits(in_));
        gradient_.poison();
        const LogprobShape &shape = in_place ? in_.shape : gradient_shape_;
        DeviceArray<std::uint8_t> &out = in_place ? logits_ : gradient_;
        set_gradient(args, Layout(shape),
                     out.data() + shape.offset * size_of(in_.shape.dtype));
        const std::vector<std::uint8_t> before = out.download();
        with_workspace(args, bytes, call);
        return packed(shape, before, out.download());
    }

    // The rows, next to each other; what lies between them must not have changed.
    std::vector<float> packed(const LogprobShape &shape, std::vector<std::uint8_t> before,
                              const std::vector<std::uint8_t> &after) {
        const LogprobInputs where{shape, Layout(shape), {}, {}, {}, {}};
        const auto size = std::size_t(size_of(shape.dtype));
        std::vector<float> values;
        for (std::int64_t row = 0; row < shape.rows(); ++row)
            for (std::int64_t i = 0; i < shape.vocab; ++i) {
                const std::int64_t at = where.element(row, i);
                values.push_back(load_as_float(after.data(), shape.dtype, at));
                std::memcpy(before.data() + std::size_t(at) * size,
                            after.data() + std::size_t(at) * size, size);
            }
        CHECK((before == after));
        return values;
    }

    LogprobInputs in_;
    ms_logprob_variant variant_;
    LogprobShape gradient_shape_;
    DeviceArray<std::uint8_t> logits_, gradient_;
    DeviceArray<std::int64_t> indices_;
    DeviceArray<float> dentropy_, dlogps_, entropy_, lse_, logps_;
};

// Relative error of one rounding of the result, and of float32 arithmetic before it.
double gradient_tolerance(ms_dtype dtype) {
    return dtype == MS_F32 ? 2e-5 : dtype == MS_F16 ? 1.1e-3 : 8.1e-3;
}

// Gradients this far below the largest one of the case are compared absolutely: they are
// differences of larger numbers.
double absolute_tolerance(const std::vector<float> &expected) {
    double largest = 0;
    for (const float value : expected)
        largest = std::fmax(largest, std::fabs(value));
    return std::isfinite(largest) ? 2e-6 * largest : 2e-6;
}

void check_stats(DeviceCase &device, const LogprobResults &expected) {
    CHECK(difference(device.entropy(), expected.entropy, 2e-6, 2e-6) == "");
    CHECK(difference(device.lse(), expected.lse, 1e-6, 2e-6) == "");
    CHECK(difference(device.logps(), expected.logps, 1e-6, 2e-6) == "");
}

void check_gradient(const std::vector<float> &actual, const std::vector<float> &expected,
                    ms_dtype dtype) {
    CHECK(difference(actual, expected, gradient_tolerance(dtype), absolute_tolerance(expected)) ==
          "");
}

// All five operators against the reference. dlogits lie `gradient_offset` elements off the logits'
// alignment, and gradients are written apart and in place.
void check_all(const LogprobInputs &in, ms_logprob_variant variant = MS_LOGPROB_ONE_READ,
               std::int64_t gradient_offset = 0) {
    const LogprobShape &shape = in.shape;
    INFO("dtype " << shape.dtype << ", sizes " << shape.sizes[0] << " " << shape.sizes[1] << " "
                  << shape.sizes[2] << ", vocab " << shape.vocab << ", selected "
                  << shape.selected << ", scale " << shape.scale << ", gaps " << shape.row_gap
                  << " " << shape.outer_gap << " " << shape.vocab_gap << ", offset "
                  << shape.offset << ", gradient offset " << gradient_offset << ", variant "
                  << variant);
    const LogprobResults expected = reference_results(in);
    LogprobShape gradient = shape;
    gradient.offset += gradient_offset;
    DeviceCase device(in, gradient, variant);
    device.run_entropy();
    device.run_selective(false);
    check_stats(device, expected);
    device.poison();
    device.run_selective();
    device.run_entropy(false);
    check_stats(device, expected);
    device.poison();
    device.run_stats();
    check_stats(device, expected);
    for (const Output output : {Output::Apart, Output::InPlace}) {
        check_gradient(device.entropy_gradient(expected, output), expected.entropy_gradient,
                       shape.dtype);
        check_gradient(device.logps_gradient(expected, output), expected.logps_gradient,
                       shape.dtype);
    }
}

LogprobShape plain(ms_dtype dtype, std::int64_t rows, std::int64_t vocab,
                   std::int32_t selected = 1) {
    LogprobShape shape;
    shape.dtype = dtype;
    shape.sizes[2] = rows;
    shape.vocab = vocab;
    shape.selected = selected;
    return shape;
}

LogprobShape random_shape(Random &random, std::int64_t most_vocab) {
    const auto draw = [&](std::int64_t low, std::int64_t high) {
        return std::uniform_int_distribution<std::int64_t>(low, high)(random);
    };
    LogprobShape shape = plain(ms_dtype(draw(0, 2)), draw(1, 4), draw(1, most_vocab),
                               std::int32_t(draw(1, 40)));
    shape.sizes[1] = draw(1, 3);
    shape.sizes[0] = draw(1, 2);
    shape.row_gap = draw(0, 1) * draw(0, 20);
    shape.outer_gap = draw(0, 1) * draw(0, 20);
    shape.vocab_gap = draw(0, 3) == 0 ? draw(1, 2) : 0;
    shape.offset = draw(0, 1) * draw(0, 9);
    shape.scale = draw(0, 1) ? 1.0f : 0.25f * float(draw(1, 12));
    return shape;
}

} // namespace

TEST_CASE("CUDA log-probabilities match the reference at every dtype and tail",
          "[gpu][small][logprob]") {
    skip_without_gpu();
    for (const ms_dtype dtype : {MS_F32, MS_F16, MS_BF16})
        for (const std::int64_t vocab : {1, 7, 8, 9, 513, 1031, 4096 + 5})
            for (const ms_logprob_variant variant : {MS_LOGPROB_ONE_READ, MS_LOGPROB_CHUNKED})
                check_all(make_logprob_inputs(plain(dtype, 3, vocab, 3), 11), variant);
}

TEST_CASE("CUDA log-probabilities match the reference at random shapes and strides",
          "[gpu][small][logprob]") {
    skip_without_gpu();
    Random random(20261121);
    for (int round = 0; round < 30; ++round) {
        const LogprobShape shape = random_shape(random, 3000);
        check_all(make_logprob_inputs(shape, std::uint64_t(round)),
                  round % 4 == 3 ? MS_LOGPROB_CHUNKED : MS_LOGPROB_ONE_READ, round % 3 == 1);
    }
}

TEST_CASE("CUDA log-probabilities match the reference at a vocabulary's size", "[gpu][logprob]") {
    skip_without_gpu();
    // One row over many blocks, a few, and more rows than blocks at once; rows that begin anywhere.
    for (const auto &[rows, vocab] : {std::pair{1, 151936}, {2, 151937}, {9, 128256}, {601, 32003}})
        for (const ms_dtype dtype : {MS_F32, MS_F16, MS_BF16})
            check_all(make_logprob_inputs(plain(dtype, rows, vocab, 2), 3));
    for (const ms_dtype dtype : {MS_F32, MS_BF16})
        check_all(make_logprob_inputs(plain(dtype, 140, 20001, 2), 4), MS_LOGPROB_CHUNKED);
    LogprobShape apart = plain(MS_BF16, 5, 50001, 700);
    apart.vocab_gap = 2;
    check_all(make_logprob_inputs(apart, 5));
    check_all(make_logprob_inputs(plain(MS_F16, 7, 50257, 1024), 6), MS_LOGPROB_ONE_READ, 3);
}

TEST_CASE("CUDA log-probabilities take large, shifted and peaked logits", "[gpu][logprob]") {
    skip_without_gpu();
    for (const float shift : {-30000.0f, 1000.0f})
        for (const float spread : {0.0f, 0.5f, 100.0f}) {
            LogprobInputs in = make_logprob_inputs(plain(MS_F32, 4, 70001, 2), 8, spread);
            for (float &logit : in.logits)
                logit += shift;
            INFO("shift " << shift << ", spread " << spread);
            const LogprobResults expected = reference_results(in);
            DeviceCase device(in);
            device.run_stats();
            CHECK(difference(device.entropy(), expected.entropy, 4e-6, 4e-6) == "");
            CHECK(difference(device.lse(), expected.lse, 2e-7, 1e-6) == "");
            CHECK(difference(device.logps(), expected.logps, 1e-6, 4e-6) == "");
        }
}

TEST_CASE("CUDA log-probabilities of infinities and NaN are the reference's",
          "[gpu][small][logprob]") {
    skip_without_gpu();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (const ms_dtype dtype : {MS_F32, MS_F16, MS_BF16})
        for (const std::int64_t vocab : {19, 2500}) {
            LogprobInputs in = make_logprob_inputs(plain(dtype, 9, vocab, 4), 9);
            const auto at = [&](std::int64_t row, std::int64_t i) -> float & {
                return in.logits[std::size_t(in.element(row, i))];
            };
            for (std::int64_t i = 0; i < vocab; ++i) {
                if (i > 0)
                    at(0, i) = -kInfinity; // one token
                at(1, i) = -kInfinity;     // none
                if (i < vocab - 2)
                    at(2, i) = -kInfinity; // two, at the end
                if (i % 3)
                    at(3, i) = -kInfinity;
                at(8, i) = i % 2 ? -kInfinity : nan;
            }
            at(4, vocab / 2) = nan;
            at(5, vocab - 1) = kInfinity;
            at(6, 0) = kInfinity;
            at(6, 1) = nan;
            at(7, 3) = at(7, 4) = kInfinity;
            for (const ms_logprob_variant variant : {MS_LOGPROB_ONE_READ, MS_LOGPROB_CHUNKED})
                check_all(in, variant);
        }
}

TEST_CASE("CUDA log-probability operators do nothing with no rows", "[gpu][small][logprob]") {
    skip_without_gpu();
    auto args = logprob_args<ms_entropy_args>(ms_logits{MS_BF16, nullptr, {1, 0, 3}, {}, 8, 1}, 1);
    CHECK(ms_entropy(&args, nullptr) == MS_OK);
    args.logits.sizes[1] = 1;
    CHECK(ms_entropy(&args, nullptr) == MS_INVALID_ARGUMENT);
}

TEST_CASE("CUDA log-probability operators ask for their workspace", "[gpu][small][logprob]") {
    skip_without_gpu();
    DeviceArray<float> logits(8), entropy(1);
    auto args = logprob_args<ms_entropy_args>(
        ms_logits{MS_F32, logits.data(), {1, 1, 1}, {}, 8, 1}, 1);
    args.entropy = entropy.data();
    CHECK(ms_entropy(&args, nullptr) == MS_INVALID_ARGUMENT);
    CHECK(std::string(ms_last_error()) == "ms_entropy: workspace is null; it must be an array");
}

TEST_CASE("log-probability operators give the same bits in 100 runs", "[gpu][logprob][determinism]") {
    skip_without_gpu();
    for (const auto &[rows, vocab] : {std::pair{1, 151936}, {5, 40003}, {500, 5000}}) {
        const LogprobInputs in = make_logprob_inputs(plain(MS_BF16, rows, vocab, 7), 12);
        const LogprobResults saved = reference_results(in);
        DeviceCase device(in);
        const auto bits_equal = [](const std::vector<float> &a, const std::vector<float> &b) {
            return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
        };
        device.run_stats();
        const std::vector<float> entropy = device.entropy(), lse = device.lse(),
                                 logps = device.logps();
        std::vector<float> gradients[2];
        int different = 0;
        for (int run = 0; run < 100; ++run) {
            device.poison();
            device.run_stats();
            different += !bits_equal(device.entropy(), entropy) || !bits_equal(device.lse(), lse) ||
                         !bits_equal(device.logps(), logps);
            if (rows * vocab > 1'000'000 && run % 10 != 0)
                continue; // brought back and compared on the host: ten runs of the large one
            const std::vector<float> now[] = {device.entropy_gradient(saved, Output::Apart),
                                              device.logps_gradient(saved, Output::Apart)};
            for (int i = 0; i < 2; ++i) {
                if (gradients[i].empty())
                    gradients[i] = now[i];
                different += !bits_equal(now[i], gradients[i]);
            }
        }
        CHECK(different == 0);
    }
}

// 16,500 x 131,072 bf16 logits: 4.3 GB. All rows hold the same values but the last, which lies past
// element 2^31.
TEST_CASE("log-probabilities of more than 2^31 logits", "[gpu][logprob]") {
    skip_without_gpu();
    const std::int64_t rows = 16500, vocab = 131072;
    std::size_t free_bytes = 0, total = 0;
    require_cuda(cudaMemGetInfo(&free_bytes, &total));
    if (free_bytes < std::size_t(rows * vocab) * 2 + (1u << 28))
        SKIP("less than 4.6 GB of device memory free");
    const LogprobInputs row = make_logprob_inputs(plain(MS_BF16, 1, vocab), 21);
    const LogprobResults expected = reference_results(row);
    const std::vector<std::uint8_t> bytes = encode_logits(row);
    DeviceArray<std::uint8_t> logits(std::size_t(rows) * bytes.size());
    require_cuda(cudaMemset(logits.data(), 0, logits.bytes()));
    std::uint8_t *last = logits.data() + std::size_t(rows - 1) * bytes.size();
    require_cuda(cudaMemcpy(last, bytes.data(), bytes.size(), cudaMemcpyHostToDevice));

    const auto n = std::size_t(rows);
    std::vector<std::int64_t> index(n, 0);
    index.back() = row.indices[0];
    DeviceArray<std::int64_t> indices(index);
    DeviceArray<float> entropy(n), lse(n), logps(n), gradient(std::vector<float>(n, row.dlogps[0]));
    auto stats = logprob_args<ms_logprob_stats_args>(
        ms_logits{MS_BF16, logits.data(), {1, 1, rows}, {0, 0, vocab}, vocab, 1}, 1);
    stats.indices = indices.data();
    stats.selected = 1;
    stats.entropy = entropy.data();
    stats.lse = lse.data();
    stats.logps = logps.data();
    DeviceArray<std::uint8_t> workspace(ms_logprob_stats_workspace_bytes(&stats));
    stats.workspace = workspace.data();
    stats.workspace_bytes = workspace.bytes();
    REQUIRE(ms_logprob_stats(&stats, nullptr) == MS_OK);
    const std::vector<float> h = entropy.download();
    CHECK(difference({h.front(), h.back()}, {float(std::log(double(vocab))), expected.entropy[0]},
                     2e-6) == "");
    CHECK(difference({logps.download().back()}, expected.logps, 2e-6) == "");

    auto backward = logprob_args<ms_selective_log_softmax_backward_args>(stats.logits, 1);
    backward.indices = indices.data();
    backward.selected = 1;
    backward.dlogps = gradient.data();
    backward.lse = lse.data();
    backward.dlogits = logits.data();
    backward.dlogits_strides[2] = vocab;
    backward.dlogits_vocab_stride = 1;
    REQUIRE(ms_selective_log_softmax_backward(&backward, nullptr) == MS_OK);
    synchronize();
    std::vector<std::uint8_t> got(bytes.size());
    require_cuda(cudaMemcpy(got.data(), last, got.size(), cudaMemcpyDeviceToHost));
    check_gradient(decode(got, MS_BF16), expected.logps_gradient, MS_BF16);
}
