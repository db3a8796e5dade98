// What a run-time kernel is made of and what a compiler makes of it: asked of a worker, which needs
// the CUDA toolkit and no GPU.
#pragma once

#include "profiler/plan/plan.h"
#include "profiler/source/diagnostics.h"

#include <cstdint>
#include <string>
#include <vector>

namespace moescope {

struct SourceRequest {
    Workload workload;
    PlanItem item;      // a default config: the kernels' own choice on `arch`
    std::string arch;   // "sm_90a"
    std::string kernel; // one of the item's kernels, by name; "": the first
    bool compile = false;          // the original, too
    std::vector<SourceFile> edits; // texts in place of those of the same name
};

// What the compiler said and made.
struct KernelBuild {
    bool ok = false;
    std::vector<Diagnostic> diagnostics;
    std::int32_t registers = 0, spill_bytes = 0, stack_bytes = 0, static_smem_bytes = 0;
    std::string ptx;
    std::string sass;         // with "//## File" lines, as nvdisasm -g writes it
    std::string sass_missing; // why there is none
    friend bool operator==(const KernelBuild &, const KernelBuild &) = default;
};

struct SourceAnswer {
    std::string arch, kernel;
    std::vector<std::string> kernels; // all of the item, in launch order
    TileConfig config;                // as it is built
    std::vector<SourceFile> files;    // the kernel's own first, then what it includes
    std::vector<std::string> defines; // NAME=VALUE
    std::int32_t dynamic_smem_bytes = 0;
    KernelBuild original, edited;     // where asked for
    Error error;                      // why there is nothing
};

} // namespace moescope
