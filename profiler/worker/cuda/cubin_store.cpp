#include "profiler/worker/cuda/cubin_store.h"

#include <cupti.h>
#include <cupti_pcsampling.h>

#include <cstdlib>
#include <memory>
#include <new>

namespace moescope {

std::string source_path(std::string_view folder, std::string_view file) {
    std::string path = folder.empty() || file.starts_with('/') ? std::string(file) : std::string(folder) + "/" + std::string(file);
    const std::size_t ours = path.rfind("/kernels/");
    return ours == path.npos ? path : path.substr(ours + 1);
}

CubinStore &CubinStore::of_process() {
    static CubinStore store;
    return store;
}

void CubinStore::add(const char *cubin, std::size_t bytes) noexcept {
    try {
        const std::lock_guard lock(mutex_);
        cubins_.push_back({{cubin, cubin + bytes}, {}});
    } catch (const std::bad_alloc &) {
        return; // its instructions have no lines
    }
}

const CubinStore::Cubin *CubinStore::find(std::uint64_t crc) {
    for (Cubin &cubin : cubins_) {
        if (!cubin.crc) {
            CUpti_GetCubinCrcParams params{};
            params.size = CUpti_GetCubinCrcParamsSize;
            params.cubin = cubin.bytes.data();
            params.cubinSize = cubin.bytes.size();
            cubin.crc = cuptiGetCubinCrc(&params) == CUPTI_SUCCESS ? params.cubinCrc : 0;
        }
        if (*cubin.crc == crc)
            return &cubin;
    }
    return nullptr;
}

std::optional<SourceLine> CubinStore::line_of(std::uint64_t crc, const char *function, std::uint64_t pc_offset) {
    const std::lock_guard lock(mutex_);
    const Cubin *cubin = find(crc);
    if (!cubin)
        return std::nullopt;
    CUpti_GetSassToSourceCorrelationParams params{};
    params.size = CUpti_GetSassToSourceCorrelationParamsSize;
    params.cubin = cubin->bytes.data();
    params.cubinSize = cubin->bytes.size();
    params.functionName = function;
    params.pcOffset = pc_offset;
    const CUptiResult found = cuptiGetSassToSourceCorrelation(&params);
    const std::unique_ptr<char, void (*)(void *)> file(params.fileName, std::free), folder(params.dirName, std::free);
    if (found != CUPTI_SUCCESS || !file || params.lineNumber == 0)
        return std::nullopt;
    return SourceLine{source_path(folder ? folder.get() : "", file.get()), std::int32_t(params.lineNumber)};
}

} // namespace moescope
