#include "profiler/explain/source_heat.h"

#include <algorithm>

namespace moescope {

namespace {

std::string_view without_folder(std::string_view path) { return path.substr(path.rfind('/') + 1); }

void add(LineHeat &line, std::string_view stall, std::uint64_t samples) {
    line.samples += samples;
    for (auto &[name, count] : line.stalls)
        if (name == stall) {
            count += samples;
            return;
        }
    line.stalls.emplace_back(stall, samples);
}

} // namespace

SourceHeat heat_by_line(const Session &session, MeasurementId measurement, std::string_view kernel,
                        std::string_view file) {
    SourceHeat heat;
    for (const PcSampleRecord &sample : session.pc_samples) {
        if (sample.measurement != measurement)
            continue;
        if (!kernel.empty() && session.name(sample.kernel) != kernel)
            continue;
        heat.total += sample.samples;
        if (sample.line > 0 && without_folder(session.name(sample.file)) == without_folder(file))
            add(heat.lines[sample.line], session.name(sample.stall), sample.samples);
    }
    for (auto &[number, line] : heat.lines) {
        heat.most = std::max(heat.most, line.samples);
        std::ranges::stable_sort(line.stalls, [](const auto &a, const auto &b) { return a.second > b.second; });
    }
    return heat;
}

} // namespace moescope
