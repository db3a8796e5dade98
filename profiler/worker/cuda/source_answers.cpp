#include "profiler/worker/source_answers.h"

#include "kernels/jit/compiler.h"
#include "kernels/jit/embedded_sources.h"
#include "kernels/lora_grad/lora_grad_checks.h"
#include "kernels/lora_grad/lora_grad_plan.h"
#include "kernels/scatter2scatter/kernel_plan.h"
#include "kernels/scatter2scatter/scatter2scatter_checks.h"
#include "kernels/scatter2scatter/tile_configs.h"
#include "profiler/base/try.h"
#include "profiler/worker/cuda/disassemble.h"
#include "profiler/worker/operators/kernel_call.h"
#include "profiler/worker/operators/tile_args.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string_view>

namespace moescope {

namespace {

struct Kernel {
    jit::Request request;
    int dynamic_smem_bytes = 0;
};
struct Kernels {
    TileConfig config;
    std::vector<Kernel> all;
};

Result<Kernels> grouped_kernels(const SourceRequest &request) {
    namespace s2s = scatter2scatter;
    if (request.item.variant == kTunedVariant)
        return Error{"the source of the variant tuned", "it stands for another, which a run names", "choose that one"};
    ms_scatter2scatter_args args = grouped_args(request.workload, request.item.op), full;
    choose_variant(args, request.workload, request.item.variant);
    MOESCOPE_TRY(kernel_status(s2s::check_shape(&args, full), "the kernel"));
    MOESCOPE_TRY(kernel_status(s2s::check_kernels(full), "the kernel"));
    const ms_tile_config config = request.item.config.is_default() ? s2s::default_config(full, request.arch)
                                                                   : kernel_config(request.item.config);
    if (const std::string problem = s2s::config_problem(full, config, request.arch); !problem.empty())
        return Error{"tile " + request.item.config.text(), problem, "choose another tile"};
    Kernels kernels{tile_config(config), {}};
    for (const s2s::KernelShape &shape : s2s::plan_kernels(full, config))
        kernels.all.push_back({{s2s::kernel_source(shape), s2s::kernel_name(shape), s2s::kernel_defines(shape), request.arch},
                               s2s::dynamic_smem_bytes(shape)});
    return kernels;
}

Result<Kernels> lora_grad_kernels(const SourceRequest &request) {
    ms_lora_grad_args args = lora_grad_args(request.workload, request.item.op), full;
    choose_variant(args, request.item.variant);
    MOESCOPE_TRY(kernel_status(lora_grad::check_shape(&args, full), "the kernel"));
    std::vector<lora_grad::Launch> launches;
    MOESCOPE_TRY(kernel_status(lora_grad::plan_launches(full, lora_grad::chosen_config(full), launches), "the kernel"));
    Kernels kernels;
    for (const lora_grad::Launch &launch : launches)
        kernels.all.push_back({{"lora_grad.jit.cu", lora_grad::kernel_name(launch.shape),
                                lora_grad::kernel_defines(launch.shape), request.arch},
                               lora_grad::dynamic_smem_bytes(launch.shape)});
    return kernels;
}

Result<Kernels> kernels_of(const SourceRequest &request) {
    switch (request.item.op) {
    case OperatorId::GateUp:
    case OperatorId::Down:
    case OperatorId::GateUpDx:
    case OperatorId::DownDx:
        return grouped_kernels(request);
    case OperatorId::GateUpLoraGrad:
    case OperatorId::DownLoraGrad:
        return lora_grad_kernels(request);
    default:
        return Error{fmt::format("the source of {}", info(request.item.op).name),
                     "its kernels are compiled with the program, not at run time",
                     "choose gate_up, down, their gradients or their LoRA gradients"};
    }
}

const char *embedded_text(std::string_view name) {
    for (int i = 0; i < kEmbeddedSourceCount; ++i)
        if (name == kEmbeddedSources[i].name)
            return kEmbeddedSources[i].text;
    return nullptr;
}

// The file and whatever it includes of the embedded ones, each once.
void add_with_includes(const std::string &name, std::set<std::string> &seen, std::vector<SourceFile> &files) {
    const char *text = embedded_text(name);
    if (!text || !seen.insert(name).second)
        return;
    files.push_back({name, text});
    constexpr std::string_view kInclude = "#include \"";
    const std::string_view source = text;
    for (std::size_t at = source.find(kInclude); at != source.npos; at = source.find(kInclude, at + 1)) {
        const std::size_t begin = at + kInclude.size(), end = source.find('"', begin);
        if (end != source.npos)
            add_with_includes(std::string(source.substr(begin, end - begin)), seen, files);
    }
}

KernelBuild build(const jit::Request &request, const std::vector<SourceFile> &edits) {
    std::vector<jit::Edit> texts;
    for (const SourceFile &edit : edits)
        texts.push_back({edit.name, edit.text});
    jit::Cubin cubin;
    KernelBuild made;
    const Status status = kernel_status(jit::compile_edited(request, texts, cubin, made.ptx), "compiling");
    made.ok = status.ok();
    made.diagnostics = parse_diagnostics(cubin.log);
    if (!made.ok) {
        const bool told = std::ranges::any_of(
            made.diagnostics, [](const Diagnostic &d) { return d.severity == Diagnostic::Severity::Error; });
        if (!told)
            made.diagnostics.emplace_back().message = status.error().sentence();
        return made;
    }
    made.registers = cubin.resources.registers;
    made.spill_bytes = cubin.resources.spill_bytes;
    made.stack_bytes = cubin.resources.stack_bytes;
    made.static_smem_bytes = cubin.resources.static_smem_bytes;
    if (Result<std::string> sass = disassemble(cubin.bytes))
        made.sass = std::move(*sass);
    else
        made.sass_missing = sass.error().sentence();
    return made;
}

Status check(const SourceRequest &request, const std::vector<SourceFile> &files) {
    for (const SourceFile &edit : request.edits)
        if (std::ranges::find(files, edit.name, &SourceFile::name) == files.end())
            return Error{fmt::format("the file \"{}\"", edit.name), "the kernel is not made of it", "edit one of its own files"};
    return {};
}

Status fill(const SourceRequest &request, SourceAnswer &answer) {
    MOESCOPE_TRY(can_run(request.workload, request.item.op, request.item.variant));
    Result<Kernels> kernels = kernels_of(request);
    MOESCOPE_TRY(kernels);
    answer.config = kernels->config;
    for (const Kernel &kernel : kernels->all)
        answer.kernels.push_back(kernel.request.kernel);
    const auto wanted = request.kernel.empty() ? answer.kernels.begin() : std::ranges::find(answer.kernels, request.kernel);
    if (wanted == answer.kernels.end())
        return Error{fmt::format("kernel \"{}\"", request.kernel),
                     fmt::format("the item's kernels are {}", fmt::join(answer.kernels, ", ")), "choose one of them"};
    const Kernel &kernel = kernels->all[std::size_t(wanted - answer.kernels.begin())];
    answer.kernel = *wanted;
    answer.defines = kernel.request.defines;
    answer.dynamic_smem_bytes = kernel.dynamic_smem_bytes;
    std::set<std::string> seen;
    add_with_includes(kernel.request.source, seen, answer.files);
    MOESCOPE_TRY(check(request, answer.files));
    if (request.compile)
        answer.original = build(kernel.request, {});
    if (!request.edits.empty())
        answer.edited = build(kernel.request, request.edits);
    return {};
}

} // namespace

SourceAnswer answer_source(const SourceRequest &request) {
    SourceAnswer answer;
    answer.arch = request.arch;
    if (const Status filled = fill(request, answer); !filled)
        answer.error = filled.error();
    return answer;
}

} // namespace moescope
