#include "profiler/worker/check.h"

#include "kernels/common/float_types.h"
#include "profiler/base/try.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace moescope {

namespace {

constexpr double kSampleBytes = 64 << 20;
constexpr std::int64_t kMostPieces = 16;          // of each array that is too large
constexpr std::int64_t kPieceBytes = 512 << 10; // or fewer, of this many bytes: each is a copy of its own

ms_dtype float_dtype(OutputView::Type type) {
    return type == OutputView::Type::F32 ? MS_F32 : type == OutputView::Type::F16 ? MS_F16 : MS_BF16;
}

Result<HostArray> download_view(Device &device, const OutputView &view, double share) {
    const std::int64_t element = view.count > 0 ? view.bytes() / view.count : 1;
    HostArray array{view.type, {}};
    for (const Piece &piece : pieces_of(view.count, element, share)) {
        const std::size_t at = array.bytes.size();
        array.bytes.resize(at + std::size_t(piece.count * element));
        MOESCOPE_TRY(device.download(array.bytes.data() + at,
                                     static_cast<const std::byte *>(view.data) + piece.first * element,
                                     piece.count * element));
    }
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

std::vector<Piece> pieces_of(std::int64_t count, std::int64_t element_bytes, double share) {
    const std::int64_t wanted = std::max<std::int64_t>(2, std::int64_t(std::ceil(double(count) * share)));
    if (wanted >= count)
        return {{0, count}};
    const std::int64_t pieces = std::clamp<std::int64_t>(wanted * element_bytes / kPieceBytes, 2, kMostPieces);
    const std::int64_t length = std::max<std::int64_t>(1, wanted / pieces);
    std::vector<Piece> list;
    for (std::int64_t i = 0; i < pieces; ++i)
        list.push_back({(count - length) * i / (pieces - 1), length});
    return list;
}

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
