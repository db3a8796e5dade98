#include "profiler/worker/sampled_rows.h"

#include "kernels/common/float_types.h"
#include "kernels/scatter2scatter/scatter2scatter_checks.h"
#include "profiler/base/try.h"
#include "profiler/worker/operators/kernel_call.h"

#include <algorithm>

namespace moescope {

namespace {

constexpr std::int64_t kMostRows = 16;

// Reads part `index` of an array of equal parts into host memory, 16-byte aligned as the kernels ask.
struct HostPart {
    std::vector<std::max_align_t> memory;

    Status fetch(Device &device, const void *array, std::int64_t index, std::int64_t bytes) {
        memory.resize(std::size_t(bytes) / sizeof(std::max_align_t) + 1);
        return device.download(memory.data(), static_cast<const std::byte *>(array) + index * bytes, bytes);
    }
    void *data() { return memory.data(); }
};

// One expert's matrices, kept while rows of the same expert follow each other.
struct ExpertWeights {
    std::int32_t expert = -1;
    HostPart w, a, b;

    Status fetch(Device &device, const ms_scatter2scatter_args &args, std::int32_t wanted) {
        if (expert == wanted)
            return {};
        expert = wanted;
        const std::int64_t element = size_of(args.dtype), k = args.k, n = args.n, rank = args.rank;
        MOESCOPE_TRY(w.fetch(device, args.w, wanted, k * n * element));
        if (rank == 0)
            return {};
        MOESCOPE_TRY(a.fetch(device, args.lora_a, wanted, rank * k * element));
        return b.fetch(device, args.lora_b, wanted, n * rank * element);
    }
};

// The product of one row with its expert, on the CPU: one slot of one expert.
Status multiply(const ms_scatter2scatter_args &args, void *x, ExpertWeights &weights, void *y) {
    const std::int32_t offsets[] = {0, 1}, sorted_slots[] = {0};
    ms_scatter2scatter_args one = args;
    one.x = x;
    one.w = weights.w.data();
    one.lora_a = args.rank > 0 ? weights.a.data() : nullptr;
    one.lora_b = args.rank > 0 ? weights.b.data() : nullptr;
    one.y = y;
    one.offsets = offsets;
    one.sorted_slots = sorted_slots;
    one.tiles = nullptr;
    one.slots = one.experts = one.top_k = 1;
    one.config = {};
    std::vector<std::max_align_t> workspace(scatter2scatter::workspace_bytes(one) / sizeof(std::max_align_t) + 1);
    one.workspace = workspace.data();
    one.workspace_bytes = workspace.size() * sizeof(std::max_align_t);
    return kernel_status(reference::scatter2scatter(&one, nullptr), "the reference of a row");
}

} // namespace

Result<SampledRows> SampledRows::choose(Device &device, const ms_scatter2scatter_args &args,
                                        const PreparedRouting &routing, double most_flops) {
    const double flops_a_row = 2.0 * args.k * args.n;
    const auto count = std::min(routing.slots, std::clamp(std::int64_t(most_flops / flops_a_row), std::int64_t(2), kMostRows));
    SampledRows sample;
    std::int32_t expert = 0;
    std::int64_t expert_end = routing.host_counts.front();
    for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t position = i * routing.slots / count;
        while (position >= expert_end)
            expert_end += routing.host_counts[std::size_t(++expert)];
        std::int32_t slot = 0;
        MOESCOPE_TRY(device.download(&slot, routing.sorted_slots.as<std::int32_t>() + position, sizeof slot));
        sample.rows_.push_back({expert, args.x_grouped ? position : slot / args.top_k, args.y_grouped ? position : slot});
    }
    return sample;
}

Result<HostArray> SampledRows::computed(Device &device, const ms_scatter2scatter_args &args) const {
    const std::int64_t row_bytes = args.n * size_of(args.y_dtype);
    HostArray array{output_type(args.y_dtype), std::vector<std::byte>(rows_.size() * std::size_t(row_bytes))};
    for (std::size_t i = 0; i < rows_.size(); ++i)
        MOESCOPE_TRY(device.download(array.bytes.data() + i * std::size_t(row_bytes),
                                     static_cast<const std::byte *>(args.y) + rows_[i].y_row * row_bytes, row_bytes));
    return array;
}

Result<HostArray> SampledRows::expected(Device &device, const ms_scatter2scatter_args &args) const {
    const auto row_bytes = std::size_t(args.n * size_of(args.y_dtype));
    HostArray array{output_type(args.y_dtype), std::vector<std::byte>(rows_.size() * row_bytes)};
    ExpertWeights weights;
    HostPart x;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        MOESCOPE_TRY(weights.fetch(device, args, rows_[i].expert));
        MOESCOPE_TRY(x.fetch(device, args.x, rows_[i].x_row, args.k * size_of(args.dtype)));
        MOESCOPE_TRY(multiply(args, x.data(), weights, array.bytes.data() + i * row_bytes));
    }
    return array;
}

} // namespace moescope
