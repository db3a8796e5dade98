#include "profiler/worker/check.h"

#include "kernels/common/float_types.h"
#include "profiler/base/try.h"

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

constexpr double kSampleBytes = 64 << 20;
constexpr std::int64_t kPieces = 16; // of each array that is too large

ms_dtype float_dtype(OutputView::Type type) {
    return type == OutputView::Type::F32 ? MS_F32 : type == OutputView::Type::F16 ? MS_F16 : MS_BF16;
}

Result<HostArray> download_view(Device &device, const OutputView &view, double share) {
    const std::int64_t element = view.count > 0 ? view.bytes() / view.count : 1;
    const std::int64_t pieces = share < 1 ? kPieces : 1;
    const std::int64_t spacing = view.count / pieces;
    const auto length = std::min(spacing, std::int64_t(std::ceil(double(spacing) * share)));
    HostArray array{view.type, std::vector<std::byte>(std::size_t(pieces * length * element))};
    for (std::int64_t piece = 0; piece < pieces; ++piece)
        MOESCOPE_TRY(device.download(array.bytes.data() + piece * length * element,
                                     static_cast<const std::byte *>(view.data) + piece * spacing * element,
                                     length * element));
    return array;
}

struct Norms {
    double difference = 0, reference = 0; // squared
    bool meaningful = true;
};

void add_floats(const HostArray &y, const HostArray &reference, Norms &norms) {
    const ms_dtype dtype = float_dtype(y.type);
    const auto count = std::int64_t(y.bytes.size()) / size_of(dtype);
    for (std::int64_t i = 0; i < count; ++i) {
        const double a = load_as_float(y.bytes.data(), dtype, i), b = load_as_float(reference.bytes.data(), dtype, i);
        if (a == b || (std::isnan(a) && std::isnan(b))) {
            norms.reference += std::isfinite(b) ? b * b : 0;
            continue;
        }
        norms.meaningful = norms.meaningful && std::isfinite(a) && std::isfinite(b);
        norms.difference += (a - b) * (a - b);
        norms.reference += b * b;
    }
}

} // namespace

Result<std::vector<HostArray>> download_outputs(Device &device, const Operator &op) {
    const std::vector<OutputView> views = op.outputs();
    double total = 0;
    for (const OutputView &view : views)
        total += double(view.bytes());
    const double share = total > kSampleBytes ? kSampleBytes / total : 1;
    std::vector<HostArray> arrays;
    for (const OutputView &view : views) {
        Result<HostArray> array = download_view(device, view, share);
        MOESCOPE_TRY(array);
        arrays.push_back(std::move(*array));
    }
    return arrays;
}

double relative_error(const std::vector<HostArray> &y, const std::vector<HostArray> &reference) {
    if (y.size() != reference.size())
        return 1;
    Norms norms;
    for (std::size_t i = 0; i < y.size(); ++i) {
        if (y[i].type != reference[i].type || y[i].bytes.size() != reference[i].bytes.size())
            return 1;
        if (y[i].type != OutputView::Type::I32)
            add_floats(y[i], reference[i], norms);
        else if (y[i].bytes != reference[i].bytes)
            return 1;
    }
    if (!norms.meaningful || (norms.reference == 0 && norms.difference > 0))
        return 1;
    return norms.reference > 0 ? std::sqrt(norms.difference / norms.reference) : 0;
}

} // namespace moescope
