#include "profiler/explain/repetition.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

namespace moescope {

void KernelsByMeasurement::update(const Session &session) {
    const bool continues =
        session.kernels.size() >= seen_ && (seen_ == 0 || session.kernels[seen_ - 1] == last_);
    if (!continues) {
        kernels_ = std::make_shared<Lists>();
        seen_ = 0;
    }
    if (seen_ == session.kernels.size() && kernels_->size() == session.measurements.size())
        return;
    if (kernels_.use_count() > 1)
        kernels_ = std::make_shared<Lists>(*kernels_);
    kernels_->resize(session.measurements.size());
    for (; seen_ < session.kernels.size(); ++seen_) {
        const MeasurementId id = session.kernels[seen_].tag.measurement;
        if (id.valid() && id.value < kernels_->size())
            (*kernels_)[id.value].push_back(std::uint32_t(seen_));
    }
    if (seen_ > 0)
        last_ = session.kernels[seen_ - 1];
}

std::span<const std::uint32_t> KernelsByMeasurement::of(MeasurementId measurement) const {
    if (!measurement.valid() || measurement.value >= kernels_->size())
        return {};
    return (*kernels_)[measurement.value];
}

Breakdown breakdown_of(const Session &session, std::span<const std::uint32_t> kernels,
                       std::int32_t repetition) {
    std::vector<std::uint32_t> mine;
    for (const std::uint32_t kernel : kernels)
        if (session.kernels[kernel].tag.repetition == repetition)
            mine.push_back(kernel);
    std::sort(mine.begin(), mine.end(), [&](std::uint32_t a, std::uint32_t b) {
        return session.kernels[a].start_ns < session.kernels[b].start_ns;
    });
    Breakdown result;
    if (mine.empty())
        return result;
    result.repetition = repetition;
    const std::int64_t origin = session.kernels[mine.front()].start_ns;
    double busy_until = 0;
    for (const std::uint32_t index : mine) {
        const KernelRecord &kernel = session.kernels[index];
        const double start = double(kernel.start_ns - origin);
        const double end = std::max(start, double(kernel.end_ns - origin));
        KernelPart part{.kernel = index, .duration_ns = end - start};
        part.gap_before_ns = std::max(0.0, start - busy_until);
        part.overlap_ns = std::clamp(busy_until - start, 0.0, end - start);
        part.from_ns = std::max(start, busy_until);
        part.to_ns = busy_until = std::max(end, busy_until);
        result.kernel_ns += part.duration_ns;
        result.gap_ns += part.gap_before_ns;
        result.parts.push_back(part);
    }
    result.span_ns = busy_until;
    return result;
}

Breakdown median_breakdown(const Session &session, std::span<const std::uint32_t> kernels) {
    struct Ends {
        std::int64_t start, end;
    };
    std::map<std::int32_t, Ends> repetitions;
    for (const std::uint32_t index : kernels) {
        const KernelRecord &kernel = session.kernels[index];
        if (kernel.tag.repetition < 0)
            continue;
        auto [at, added] =
            repetitions.try_emplace(kernel.tag.repetition, Ends{kernel.start_ns, kernel.end_ns});
        if (!added) {
            at->second.start = std::min(at->second.start, kernel.start_ns);
            at->second.end = std::max(at->second.end, kernel.end_ns);
        }
    }
    if (repetitions.empty())
        return {};
    std::vector<std::pair<std::int64_t, std::int32_t>> spans; // (span, repetition)
    for (const auto &[repetition, ends] : repetitions)
        spans.emplace_back(ends.end - ends.start, repetition);
    const auto middle = spans.begin() + std::ptrdiff_t((spans.size() - 1) / 2);
    std::nth_element(spans.begin(), middle, spans.end());
    return breakdown_of(session, kernels, middle->second);
}

RepetitionCopies repetition_copies(const Session &session, MeasurementId id) {
    RepetitionCopies copies;
    std::set<std::int32_t> repetitions;
    for (const CopyRecord &copy : session.copies) {
        if (copy.tag.measurement != id || copy.tag.repetition < 0)
            continue;
        repetitions.insert(copy.tag.repetition);
        copies.count += 1;
        copies.duration_ns += double(copy.end_ns - copy.start_ns);
    }
    const double seen = double(std::max<std::size_t>(1, repetitions.size()));
    return {copies.count / seen, copies.duration_ns / seen};
}

} // namespace moescope
