#include "app/cli/source_command.h"

#include "app/cli/json_output.h"
#include "app/cli/output_file.h"
#include "app/cli/run_table.h"
#include "app/cli/say.h"
#include "app/cli/worker_run.h"
#include "profiler/base/try.h"
#include "profiler/compare/retiming.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>

namespace moescope::cli {

namespace {

constexpr const char *kUsualArch = "sm_90a";

Status check_arch(const std::string &arch) {
    const bool fits = arch.starts_with("sm_") && arch.size() >= 5 && arch.size() <= 7 &&
                      std::ranges::all_of(arch.substr(3, 2), [](unsigned char c) { return std::isdigit(c) != 0; });
    if (fits)
        return {};
    return Error{fmt::format("--arch is \"{}\"", arch), "it must be an architecture as nvcc names it", "give sm_80 or sm_90a"};
}

Result<std::string> read_text(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file.is_open() || file.bad() || text.empty())
        return Error{fmt::format("--edited is \"{}\"", path), "no text could be read from it",
                     "name a file that moescope source --out wrote and you changed"};
    return text;
}

Status check_time(const SourceOptions &options) {
    if (!options.time)
        return {};
    if (!options.compile)
        return Error{"--time", "it times an edited kernel, and none is given", "add --edited FILE"};
    if (options.arch)
        return Error{fmt::format("--arch is \"{}\"", *options.arch), "--time compiles for the device that it runs on",
                     "leave --arch out"};
    return {};
}

// The item's operator and variant; where several fit, the first.
Result<SourceRequest> wanted_request(const SourceOptions &options) {
    SourceRequest request;
    request.arch = options.arch.value_or(kUsualArch);
    MOESCOPE_TRY(check_arch(request.arch));
    MOESCOPE_TRY(check_time(options));
    if (!options.plan.ops)
        return Error{"--ops is missing", "it names the operator whose kernel is shown", "give --ops gate_up"};
    if (int(options.sass) + int(options.ptx) + int(options.compile.has_value()) > 1)
        return Error{"--sass, --ptx and --compile", "only one can be given", "leave the others out"};
    Result<Plan> plan = make_plan(options.plan, Purpose::Run);
    MOESCOPE_TRY(plan);
    request.workload = plan->workload;
    request.item = plan->items.front();
    request.kernel = options.kernel.value_or("");
    request.compile = options.sass || options.ptx || options.compile || options.json;
    return request;
}

std::string resources(const KernelBuild &build) {
    return fmt::format("{} registers, {} bytes spilled, {} bytes of stack, {} bytes of static shared memory", build.registers,
                       build.spill_bytes, build.stack_bytes, build.static_smem_bytes);
}

Result<const SourceFile *> shown_file(const SourceAnswer &answer, const std::string &name) {
    std::vector<std::string> names;
    for (const SourceFile &file : answer.files) {
        if (name.empty() || file.name == name)
            return &file;
        names.push_back(file.name);
    }
    return Error{fmt::format("--file is \"{}\"", name), fmt::format("the kernel is made of {}", fmt::join(names, ", ")),
                 "name one of them"};
}

void describe(const SourceAnswer &answer) {
    say(fmt::format("{} for {}, {} bytes of dynamic shared memory", answer.kernel, answer.arch, answer.dynamic_smem_bytes));
    if (answer.kernels.size() > 1)
        say(fmt::format("launched: {}; --kernel chooses", fmt::join(answer.kernels, ", ")));
    say(fmt::format("-D{}", fmt::join(answer.defines, " -D")));
}

int write_text(const SourceOptions &options, const std::string &text) {
    if (!options.out) {
        show(text);
        return kDone;
    }
    std::ofstream file(*options.out, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file)
        return complain({fmt::format("--out is \"{}\"", *options.out), "it could not be written", "name another file"}, kFailed);
    say(fmt::format("{} written", *options.out));
    return kDone;
}

int report_compiled(const SourceAnswer &answer) {
    for (const Diagnostic &diagnostic : answer.edited.diagnostics)
        show(sentence(diagnostic) + "\n");
    show(fmt::format("original: {}\n", resources(answer.original)));
    if (!answer.edited.ok)
        return kFailed;
    show(fmt::format("edited:   {}\n", resources(answer.edited)));
    return kDone;
}

int failed_build(const KernelBuild &build) {
    for (const Diagnostic &diagnostic : build.diagnostics)
        say(sentence(diagnostic));
    return complain({"the kernel", "it does not compile for this architecture", "choose another --arch"}, kFailed);
}

int report(const SourceOptions &options, const SourceAnswer &answer) {
    if (options.json) {
        const int written = write_text(options, source_json(answer, true, options.compile.has_value()));
        return options.compile && !answer.edited.ok ? kFailed : written;
    }
    describe(answer);
    if (options.compile)
        return report_compiled(answer);
    if (options.sass || options.ptx) {
        if (!answer.original.ok)
            return failed_build(answer.original);
        say(resources(answer.original));
        if (options.ptx)
            return write_text(options, answer.original.ptx);
        if (answer.original.sass.empty())
            return complain({"--sass", answer.original.sass_missing, "--ptx shows what comes before it"}, kFailed);
        return write_text(options, answer.original.sass);
    }
    const auto file = shown_file(answer, options.file.value_or(""));
    return file ? write_text(options, (*file)->text) : complain(file.error(), kWrongRequest);
}

// What times an edited kernel: a CUDA device, whose architecture it is compiled for.
Result<std::string> arch_to_time_on(const SourceOptions &options) {
    const std::string wanted = options.plan.device.value_or("auto");
    const Result<std::vector<DeviceInfo>> devices = ask_for_devices(options.remote.value_or(""));
    MOESCOPE_TRY(devices);
    std::vector<std::string> ids;
    for (const DeviceInfo &device : *devices) {
        ids.push_back(device.id);
        if (wanted != "auto" && device.id != wanted)
            continue;
        if (!device.is_cpu())
            return device.arch;
        return Error{fmt::format("--time on {}", device.id),
                     "it runs reference implementations that are compiled with the program",
                     "choose a CUDA device, here or with --remote; without --time the text is compiled only"};
    }
    return Error{fmt::format("--device is \"{}\"", wanted), fmt::format("the worker has {}", fmt::join(ids, ", ")),
                 "moescope devices says what is missing"};
}

// Both on the same inputs, one after the other. The session is kept where --out says.
int time_edited(const SourceOptions &options, const SourceRequest &request, const SourceAnswer &answer) {
    Result<Plan> plan = make_plan(options.plan, Purpose::Run);
    if (!plan)
        return complain(plan.error(), kWrongRequest);
    PlanItem item = request.item;
    item.config = info(item.op).tunable ? answer.config : item.config;
    const Result<Finished> finished = run_plan(retiming_plan(std::move(*plan), item, request.edits),
                                               options.remote.value_or(""), options.out.value_or(""));
    if (!finished)
        return complain(finished.error(), kFailed);
    const Session &session = *finished->session;
    const std::optional<Retiming> retiming = retiming_of(session, finished->run);
    if (options.json)
        show(run_json(session, finished->run));
    else
        show(measurement_table(session, finished->run));
    for (const std::string &problem : problems_of(session, finished->run))
        say("moescope: " + problem);
    if (!retiming)
        return complain({"the edited kernel", "it was not run", {}}, kFailed);
    options.json ? say(retiming->sentence) : show(retiming->sentence + "\n");
    return retiming->done && retiming->result != Retiming::Result::Wrong ? kDone : kFailed;
}

} // namespace

void add_source_options(CLI::App &command, SourceOptions &options) {
    add_plan_options(command, options.plan);
    command.add_option("--arch", options.arch, "Compiled for this architecture (sm_90a)")->type_name("ARCH");
    command.add_option("--kernel", options.kernel, "Which of the item's kernels (the first)")->type_name("NAME");
    command.add_option("--file", options.file, "Which of its source files (the kernel's own)")->type_name("NAME");
    command.add_option("--out", options.out, "Write it there; with --time: the session")->type_name("FILE");
    command.add_flag("--sass", options.sass, "Its machine code, with source lines");
    command.add_flag("--ptx", options.ptx, "Its PTX");
    command.add_option("--edited,--compile", options.compile, "Compile this text in the file's place; 1 if it does not compile")
        ->type_name("FILE");
    command.add_flag("--time", options.time,
                     "Also time it against the original on the same inputs and check its result; 1 if that is wrong");
    command.add_option("--remote", options.remote, "By the worker of this machine, through ssh")->type_name("USER@HOST");
    command.add_flag("--json", options.json, "Print one JSON document");
}

int source_command(const SourceOptions &options) {
    Result<SourceRequest> request = wanted_request(options);
    if (!request)
        return complain(request.error(), kWrongRequest);
    if (options.out)
        if (const Status writable = options.time ? check_session_output("--out", *options.out) : check_output("--out", *options.out);
            !writable)
            return complain(writable.error(), kWrongRequest);
    const std::string remote = options.remote.value_or("");
    if (options.time) {
        Result<std::string> arch = arch_to_time_on(options);
        if (!arch)
            return complain(arch.error(), kWrongRequest);
        request->arch = std::move(*arch);
    }
    if (options.compile) {
        Result<std::string> text = read_text(*options.compile);
        if (!text)
            return complain(text.error(), kWrongRequest);
        std::string name = options.file.value_or("");
        if (name.empty()) { // the kernel's own: its name is the worker's to tell
            SourceRequest listing = *request;
            listing.compile = false;
            const Result<SourceAnswer> answer = ask_for_source(remote, listing);
            if (!answer)
                return complain(answer.error(), kWrongRequest);
            name = answer->files.front().name;
        }
        request->edits.push_back({name, std::move(*text)});
    }
    const Result<SourceAnswer> answer = ask_for_source(remote, *request);
    if (!answer)
        return complain(answer.error(), kWrongRequest);
    if (!options.time)
        return report(options, *answer);
    if (!options.json)
        describe(*answer);
    if (const int compiled = options.json ? answer->edited.ok ? kDone : report(options, *answer) : report_compiled(*answer);
        compiled != kDone)
        return compiled;
    return time_edited(options, *request, *answer);
}

} // namespace moescope::cli
