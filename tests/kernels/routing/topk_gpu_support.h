// Running a top-k routing on the GPU with poisoned outputs.
#pragma once

#include "tests/kernels/gpu_test_support.h"
#include "tests/kernels/routing/topk_support.h"

#include <cstdint>
#include <vector>

namespace moescope::test {

template <class Args>
Selection run_on_device_logits(ms_status (*routing)(const Args *, ms_stream), Args args,
                               const void *logits) {
    const auto outputs = std::size_t(args.tokens * args.top_k);
    DeviceArray<float> weights(outputs);
    DeviceArray<std::int32_t> ids(outputs);
    args.logits = logits;
    args.weights = weights.data();
    args.ids = ids.data();
    const ms_status status = routing(&args, nullptr);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    return {weights.download(), ids.download()};
}

// `logits` holds elements of args.logits_dtype.
template <class Args>
Selection run_on_gpu(ms_status (*routing)(const Args *, ms_stream), const Args &args,
                     const std::vector<std::uint8_t> &logits) {
    DeviceArray<std::uint8_t> device_logits(logits);
    return run_on_device_logits(routing, args, device_logits.data());
}

} // namespace moescope::test
