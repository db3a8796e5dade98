// Everything the references say about a case, packed.
#pragma once

#include "tests/kernels/logprob/logprob_case.h"

#include <catch2/catch_all.hpp>

namespace moescope::test {

inline std::vector<std::uint8_t> encode_logits(const LogprobInputs &in) {
    std::vector<std::uint8_t> bytes(in.logits.size() * std::size_t(size_of(in.shape.dtype)));
    for (std::size_t i = 0; i < in.logits.size(); ++i)
        store_from_float(bytes.data(), in.shape.dtype, std::int64_t(i), in.logits[i]);
    return bytes;
}

// entropy, lse and logps by logprob_stats; the gradients from them, in the logits' dtype.
inline LogprobResults reference_results(const LogprobInputs &in) {
    const LogprobShape &shape = in.shape;
    const std::vector<std::uint8_t> logits = encode_logits(in);
    ms_logits view = logits_of(shape, in.layout);
    view.data = logits.data() + shape.offset * size_of(shape.dtype);
    const auto rows = std::size_t(shape.rows()), selected = std::size_t(shape.selected);
    LogprobResults out{std::vector<float>(rows), std::vector<float>(rows),
                       std::vector<float>(rows * selected), {}, {}};
    auto stats = logprob_args<ms_logprob_stats_args>(view, shape.scale);
    stats.indices = in.indices.data();
    stats.selected = shape.selected;
    stats.entropy = out.entropy.data();
    stats.lse = out.lse.data();
    stats.logps = out.logps.data();
    REQUIRE(reference::logprob_stats(&stats, nullptr) == MS_OK);

    const Layout packed(Layout::packed(shape));
    const std::size_t elements = rows * std::size_t(shape.vocab);
    std::vector<std::uint8_t> gradient(elements * std::size_t(size_of(shape.dtype)));
    const auto widened = [&] {
        std::vector<float> values(elements);
        for (std::size_t i = 0; i < elements; ++i)
            values[i] = load_as_float(gradient.data(), shape.dtype, std::int64_t(i));
        return values;
    };
    auto entropy = logprob_args<ms_entropy_backward_args>(view, shape.scale);
    entropy.dentropy = in.dentropy.data();
    entropy.entropy = out.entropy.data();
    entropy.lse = out.lse.data();
    set_gradient(entropy, packed, gradient.data());
    REQUIRE(reference::entropy_backward(&entropy, nullptr) == MS_OK);
    out.entropy_gradient = widened();

    auto selective = logprob_args<ms_selective_log_softmax_backward_args>(view, shape.scale);
    selective.indices = in.indices.data();
    selective.selected = shape.selected;
    selective.dlogps = in.dlogps.data();
    selective.lse = out.lse.data();
    set_gradient(selective, packed, gradient.data());
    REQUIRE(reference::selective_log_softmax_backward(&selective, nullptr) == MS_OK);
    out.logps_gradient = widened();
    return out;
}

} // namespace moescope::test
