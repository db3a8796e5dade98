#include "profiler/protocol/codec.h"

namespace moescope {

namespace {

void to_wire(const KernelBuild &from, wire::KernelBuild *to) {
    to->set_ok(from.ok);
    for (const Diagnostic &diagnostic : from.diagnostics) {
        wire::Diagnostic *out = to->add_diagnostics();
        out->set_file(diagnostic.file);
        out->set_line(diagnostic.line);
        out->set_column(diagnostic.column);
        out->set_severity(std::uint32_t(diagnostic.severity));
        out->set_message(diagnostic.message);
    }
    to->set_registers(from.registers);
    to->set_spill_bytes(from.spill_bytes);
    to->set_stack_bytes(from.stack_bytes);
    to->set_static_smem_bytes(from.static_smem_bytes);
    to->set_ptx(from.ptx);
    to->set_sass(from.sass);
    to->set_sass_missing(from.sass_missing);
}

KernelBuild from_wire(const wire::KernelBuild &from, Decoding &decoding) {
    KernelBuild to;
    to.ok = from.ok();
    for (const wire::Diagnostic &d : from.diagnostics()) {
        if (d.severity() > std::uint32_t(Diagnostic::Severity::Error))
            decoding.reject("severity", std::to_string(d.severity()));
        to.diagnostics.push_back({d.file(), d.line(), d.column(), Diagnostic::Severity(d.severity()), d.message()});
    }
    to.registers = from.registers();
    to.spill_bytes = from.spill_bytes();
    to.stack_bytes = from.stack_bytes();
    to.static_smem_bytes = from.static_smem_bytes();
    to.ptx = from.ptx();
    to.sass = from.sass();
    to.sass_missing = from.sass_missing();
    return to;
}

} // namespace

void to_wire(const std::vector<SourceFile> &from, google::protobuf::RepeatedPtrField<wire::SourceFile> *to) {
    for (const SourceFile &file : from) {
        wire::SourceFile *out = to->Add();
        out->set_name(file.name);
        out->set_text(file.text);
    }
}

std::vector<SourceFile> from_wire(const google::protobuf::RepeatedPtrField<wire::SourceFile> &from) {
    std::vector<SourceFile> to;
    for (const wire::SourceFile &file : from)
        to.push_back({file.name(), file.text()});
    return to;
}

void to_wire(const SourceRequest &from, wire::SourceRequest *to) {
    to_wire(from.workload, to->mutable_workload());
    to_wire(from.item, to->mutable_item());
    to->set_arch(from.arch);
    to->set_kernel(from.kernel);
    to->set_compile(from.compile);
    to_wire(from.edits, to->mutable_edits());
}

SourceRequest from_wire(const wire::SourceRequest &from, Decoding &decoding) {
    return {from_wire(from.workload(), decoding), from_wire(from.item(), decoding), from.arch(), from.kernel(),
            from.compile(), from_wire(from.edits())};
}

void to_wire(const SourceAnswer &from, wire::Source *to) {
    to->set_arch(from.arch);
    to->set_kernel(from.kernel);
    to->mutable_kernels()->Assign(from.kernels.begin(), from.kernels.end());
    to_wire(from.config, to->mutable_config());
    to_wire(from.files, to->mutable_files());
    to->mutable_defines()->Assign(from.defines.begin(), from.defines.end());
    to->set_dynamic_smem_bytes(from.dynamic_smem_bytes);
    to_wire(from.original, to->mutable_original());
    to_wire(from.edited, to->mutable_edited());
    to_wire(from.error, to->mutable_error());
}

SourceAnswer from_wire(const wire::Source &from, Decoding &decoding) {
    SourceAnswer to;
    to.arch = from.arch();
    to.kernel = from.kernel();
    to.kernels.assign(from.kernels().begin(), from.kernels().end());
    to.config = from_wire(from.config());
    to.files = from_wire(from.files());
    to.defines.assign(from.defines().begin(), from.defines().end());
    to.dynamic_smem_bytes = from.dynamic_smem_bytes();
    to.original = from_wire(from.original(), decoding);
    to.edited = from_wire(from.edited(), decoding);
    to.error = from_wire(from.error());
    return to;
}

} // namespace moescope
