#include "app/views/source.h"

#include "app/views/source_colours.h"
#include "app/views/number.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"
#include "profiler/plan/plan.h"

#include <imgui_stdlib.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

constexpr const char *kUsualArch = "sm_90a";

ImVec4 code_colour(const Theme &theme, CodePiece::Kind kind) {
    switch (kind) {
    case CodePiece::Kind::Keyword:
        return mix(theme.text, theme.series[0], 0.75f);
    case CodePiece::Kind::Comment:
        return theme.muted;
    case CodePiece::Kind::String:
        return mix(theme.text, theme.good, 0.7f);
    case CodePiece::Kind::Number:
        return mix(theme.text, theme.warning, 0.6f);
    case CodePiece::Kind::Directive:
        return mix(theme.text, theme.series[3], 0.7f);
    case CodePiece::Kind::Plain:
        break;
    }
    return theme.text;
}

// "168", or "168 → 172" where the edited kernel differs.
std::string change(std::int32_t before, std::int32_t after, bool edited, std::string (*format)(double)) {
    return edited && before != after ? fmt::format("{} → {}", format(before), format(after)) : format(before);
}

class SourceView {
  public:
    SourceView(const ViewContext &context, SourceState &state) : context_(context), state_(state) {}

    void draw(const Measurement &measurement) {
        ask_for(source_request(*context_.session, measurement));
        draw_choice();
        if (!state_.answer)
            return draw_waiting();
        if (state_.answer->error != Error{}) {
            ui::empty_state(context_.theme, "No source to show", state_.answer->error.sentence());
            return;
        }
        update_heat();
        draw_head();
        draw_code_and_machine();
    }

  private:
    float px(float size) const { return std::round(size * context_.scale); }
    const SourceFile &file() const { return state_.answer->files[std::min(state_.file, state_.answer->files.size() - 1)]; }
    // What is compiled now: the edited kernel where it compiles.
    const KernelBuild &build() const { return state_.answer->edited.ok ? state_.answer->edited : state_.answer->original; }

    void ask_for(SourceRequest wanted) {
        if (!(wanted.item == state_.asked.item && wanted.workload == state_.asked.workload && wanted.arch == state_.asked.arch)) {
            state_ = SourceState{.ptx = state_.ptx};
            ask(std::move(wanted));
        }
        if (state_.question == 0 || !context_.take_source)
            return;
        if (auto answer = context_.take_source(state_.question)) {
            state_.question = 0;
            state_.answer = std::move(answer);
            state_.sass = parse_sass(build().sass);
            set_machine_text();
        }
    }

    void ask(SourceRequest request) {
        state_.asked = std::move(request);
        state_.question = context_.ask_source ? context_.ask_source(state_.asked) : 0;
    }

    void set_machine_text() {
        state_.machine.clear();
        if (state_.ptx)
            for (const std::string_view line : lines_of(build().ptx))
                state_.machine.emplace_back(line);
    }

    void update_heat() {
        const MeasurementId measurement = context_.selection.measurement;
        if (state_.heat_session == context_.session && state_.heat_file == file().name && state_.heat_measurement == measurement)
            return;
        state_.heat_session = context_.session;
        state_.heat_file = file().name;
        state_.heat_measurement = measurement;
        state_.heat = heat_by_line(*context_.session, measurement, state_.answer->kernel, file().name);
        if (state_.line == 0)
            show_busiest_line();
    }

    // Of the file shown; the first of equal ones.
    void show_busiest_line() {
        const auto &lines = state_.heat.lines;
        const auto busiest = std::ranges::max_element(lines, {}, [](const auto &line) { return line.second.samples; });
        if (busiest == lines.end() || state_.heat.most == 0)
            return;
        choose(file().name, busiest->first, true);
        state_.show_code_line = true;
    }

    void draw_choice() {
        const Session &session = *context_.session;
        const auto name = [&](MeasurementId id) {
            const Measurement &m = session.measurements[id.value];
            return fmt::format("{} / {} · {}", info(m.op).name, m.variant, m.config.text());
        };
        ImGui::SetNextItemWidth(std::min(px(380), ImGui::GetContentRegionAvail().x));
        if (ImGui::BeginCombo("##kernel", ui::fitted_in_combo(name(context_.selection.measurement)).c_str())) {
            for (std::uint32_t i = 0; i < session.measurements.size(); ++i) {
                const Measurement &m = session.measurements[i];
                if (m.run == context_.run && has_tile_kernel(m.op) && ImGui::Selectable(name({i}).c_str(), context_.selection.measurement == MeasurementId{i}))
                    context_.selection.measurement = {i};
            }
            ImGui::EndCombo();
        }
        ImGui::SameLine();
        ui::badge(context_.theme, state_.asked.arch, context_.theme.muted);
    }

    void draw_waiting() {
        if (state_.question != 0)
            ui::empty_state(context_.theme, "Asking for the source", "The worker compiles the kernel and reads its machine code.");
        else if (ui::empty_state(context_.theme, "No worker to ask",
                                 "The source comes from the worker that compiles it: one with CUDA, on any machine with the "
                                 "toolkit; a GPU is not needed.",
                                 context_.ask_source ? "Ask" : nullptr))
            ask(state_.asked);
    }

    void draw_head() {
        const SourceAnswer &answer = *state_.answer;
        const KernelBuild &before = answer.original, &after = answer.edited;
        ImGui::SetNextItemWidth(px(250));
        if (ImGui::BeginCombo("##file", file().name.c_str())) {
            for (std::size_t i = 0; i < answer.files.size(); ++i)
                if (ImGui::Selectable(answer.files[i].name.c_str(), i == state_.file) && i != state_.file) {
                    state_.file = i;
                    state_.editing = false;
                }
            ImGui::EndCombo();
        }
        draw_kernel_choice();
        draw_buttons();
        std::string words = fmt::format("{} registers · {} spilled · shared memory: {} static, {} dynamic",
                                        change(before.registers, after.registers, after.ok, format_count),
                                        change(before.spill_bytes, after.spill_bytes, after.ok, format_bytes),
                                        change(before.static_smem_bytes, after.static_smem_bytes, after.ok, format_bytes),
                                        format_bytes(double(answer.dynamic_smem_bytes)));
        if (state_.heat.total > 0)
            words += fmt::format(" · {} samples of its warps", format_count(double(state_.heat.total)));
        if (!state_.asked.edits.empty() && state_.question == 0 && !after.ok)
            words += " · of the original: the edited text does not compile";
        ui::small_wrapped(before.ok ? words : "The kernel does not compile for this architecture",
                          before.ok ? context_.theme.muted : context_.theme.failure);
        std::string defines;
        for (const std::string &define : answer.defines)
            defines += "-D" + define + "\n";
        ui::explain(context_.theme, state_.heat.total > 0 ? Evidence::Measured : Evidence::Reported,
                    fmt::format("Registers and spilled bytes are a thread's, shared memory a block's, as the compiler and the launch "
                                "state them.{}\n{}\n{}",
                                state_.heat.total > 0 ? " The samples say at which instruction the kernel's warps were seen, in a "
                                                        "pass of its own after the timing."
                                                      : "",
                                answer.kernel, defines));
        draw_retiming();
    }

    void draw_kernel_choice() {
        const SourceAnswer &answer = *state_.answer;
        if (answer.kernels.size() < 2)
            return;
        ImGui::SameLine();
        ImGui::SetNextItemWidth(px(250));
        if (!ImGui::BeginCombo("##pass", answer.kernel.c_str()))
            return;
        for (const std::string &kernel : answer.kernels)
            if (ImGui::Selectable(kernel.c_str(), kernel == answer.kernel) && kernel != answer.kernel) {
                SourceRequest request = state_.asked;
                request.kernel = kernel;
                request.edits.clear();
                ask(std::move(request));
                state_.editing = false;
            }
        ImGui::EndCombo();
    }

    void draw_buttons() {
        ImGui::SameLine();
        if (!state_.editing) {
            if (ImGui::Button("Edit")) {
                state_.editing = true;
                state_.edited = text();
            }
        } else {
            if (ui::primary_button(context_.theme, "Compile")) {
                SourceRequest request = state_.asked;
                std::erase_if(request.edits, [&](const SourceFile &each) { return each.name == file().name; });
                request.edits.push_back({file().name, state_.edited});
                ask(std::move(request));
                state_.editing = false;
            }
            ImGui::SameLine();
            if (ImGui::Button("Leave"))
                state_.editing = false;
        }
        if (!state_.asked.edits.empty()) {
            ImGui::SameLine();
            draw_time_button();
            ImGui::SameLine();
            if (ImGui::Button("Original")) {
                SourceRequest request = state_.asked;
                request.edits.clear();
                ask(std::move(request));
                state_.editing = false;
            }
            ui::explain("Forgets the edited texts.");
        }
        ImGui::SameLine();
        if (ImGui::Checkbox("PTX", &state_.ptx))
            set_machine_text();
        ui::explain("Beside the source: the compiler's intermediate code instead of the machine's.");
        if (state_.heat.most > 0 && !is_edited() && !state_.editing) {
            ImGui::SameLine();
            if (ImGui::Button("Busiest line"))
                show_busiest_line();
            ui::explain("Goes to the line of this file where the kernel's warps were seen most often.");
        }
        if (state_.question != 0) {
            ImGui::SameLine();
            ui::small("compiling …", context_.theme.muted);
        }
    }

    void draw_time_button() {
        const Result<std::string> device = device_to_time_on(context_.progress, state_.asked.arch);
        const bool compiled = state_.question == 0 && state_.answer->edited.ok;
        const bool busy = context_.progress.state != WorkerClient::State::Ready;
        ImGui::BeginDisabled(!device || !compiled || busy || !context_.run_this);
        if (ImGui::Button("Time it"))
            time_on(*device);
        ImGui::EndDisabled();
        ui::explain(!device    ? "It cannot be timed: " + device.error().sentence()
                    : !compiled ? std::string("It cannot be timed: it does not compile.")
                    : busy      ? std::string("It can be timed once the worker is idle.")
                                : "Runs the original and the edited kernel on the same inputs, one after the other, and "
                                  "compares their results. Nothing of it enters the tuner's database.");
    }

    void time_on(const std::string &device) {
        Plan plan = context_.session->runs[context_.run.value].plan;
        plan.workload = state_.asked.workload;
        plan.device = device;
        plan.counters.clear();
        PlanItem item = state_.asked.item;
        if (item.config.is_default() && info(item.op).tunable)
            item.config = state_.answer->config;
        context_.run_this(retiming_plan(std::move(plan), item, state_.asked.edits));
    }

    void draw_retiming() {
        if (state_.retiming_session != context_.session || state_.retiming_run != context_.run) {
            state_.retiming_session = context_.session;
            state_.retiming_run = context_.run;
            state_.retiming = retiming_of(*context_.session, context_.run);
        }
        if (!state_.retiming || context_.session->measurements[state_.retiming->edited.value].op != state_.asked.item.op)
            return;
        const Retiming &retiming = *state_.retiming;
        const Measurement &b = context_.session->measurements[retiming.edited.value];
        const bool running = b.state == Measurement::State::Queued || b.state == Measurement::State::Running;
        const bool bad = !running && (!retiming.done || retiming.result == Retiming::Result::Wrong);
        std::string words = running ? "The edited kernel is being timed." : retiming.sentence;
        if (!running && retiming.done)
            words = fmt::format("{} → {}. {}", format_duration_ns(retiming.time.a_ns), format_duration_ns(retiming.time.b_ns), words);
        ui::badge(context_.theme, "edited", context_.theme.warning);
        ImGui::SameLine();
        ui::wrapped(words, bad ? context_.theme.failure : context_.theme.text);
    }

    // Samples are those of the original's lines.
    bool is_edited() const {
        return std::ranges::find(state_.asked.edits, file().name, &SourceFile::name) != state_.asked.edits.end();
    }

    // Of the file shown: the edited one where there is one.
    const std::string &text() const {
        for (const SourceFile &edit : state_.asked.edits)
            if (edit.name == file().name)
                return edit.text;
        return file().text;
    }

    void draw_code_and_machine() {
        const auto &diagnostics = state_.asked.edits.empty() ? state_.answer->original.diagnostics : state_.answer->edited.diagnostics;
        const float list = diagnostics.empty() ? 0 : std::min(px(120), ImGui::GetTextLineHeightWithSpacing() * (float(diagnostics.size()) + 0.5f));
        const ImVec2 room = ImGui::GetContentRegionAvail();
        const float height = room.y - list - (list > 0 ? px(8) : 0), left = std::floor(room.x * 0.58f);
        {
            const ui::FontScope font(ui::code_font());
            ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, ImVec2(px(8), 0)); // rows touch
            if (state_.editing)
                ImGui::InputTextMultiline("##text", &state_.edited, {left, height}, ImGuiInputTextFlags_AllowTabInput);
            else
                draw_code({left, height}, diagnostics);
            ImGui::SameLine(0, px(8));
            draw_machine({0, height});
            ImGui::PopStyleVar();
        }
        if (list > 0)
            draw_diagnostics(diagnostics, list);
    }

    void draw_code(ImVec2 size, const std::vector<Diagnostic> &diagnostics) {
        ImGui::BeginChild("code", size, ImGuiChildFlags_None, ImGuiWindowFlags_HorizontalScrollbar);
        const std::vector<std::string_view> lines = lines_of(text());
        std::vector<char> commented(lines.size() + 1); // whether a line begins inside a comment
        for (std::size_t i = 0; i < lines.size(); ++i) {
            bool open = commented[i] != 0;
            code_pieces(lines[i], open);
            commented[i + 1] = open;
        }
        const float row = ImGui::GetTextLineHeight() + px(2);
        if (state_.show_code_line && state_.line > 0) {
            ImGui::SetScrollY(std::max(0.0f, row * float(state_.line) - size.y / 2));
            state_.show_code_line = false;
        }
        ImGuiListClipper clipper;
        clipper.Begin(int(lines.size()), row);
        while (clipper.Step())
            for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i)
                draw_line(i + 1, lines[std::size_t(i)], commented[std::size_t(i)] != 0, row, diagnostics);
        ImGui::EndChild();
    }

    void draw_line(int number, std::string_view line, bool in_comment, float row, const std::vector<Diagnostic> &diagnostics) {
        const Theme &theme = context_.theme;
        ImDrawList &draw = *ImGui::GetWindowDrawList();
        const ImVec2 at = ImGui::GetCursorScreenPos();
        const float digit = ImGui::CalcTextSize("0").x, bar = px(34), gutter = bar + digit * 6;
        const float width = std::max(gutter + digit * float(line.size() + 2), ImGui::GetContentRegionAvail().x);
        const bool chosen = state_.line == number && state_.line_file == file().name;
        if (chosen)
            draw.AddRectFilled(at, {at.x + width, at.y + row}, packed(theme.accent, 0.18f));
        draw_heat(number, at, bar, row);
        const Diagnostic *told = nullptr;
        for (const Diagnostic &each : diagnostics)
            if (each.line == number && each.file.ends_with(file().name) && (!told || each.severity > told->severity))
                told = &each;
        if (told)
            draw.AddRectFilled({at.x + bar, at.y}, {at.x + gutter - digit * 0.5f, at.y + row}, packed(colour_of(*told), 0.35f));
        const std::string name = fmt::format("{:>5}", number);
        draw.AddText({at.x + bar, at.y}, packed(theme.muted), name.c_str());
        float x = at.x + gutter;
        for (const CodePiece &piece : code_pieces(line, in_comment)) {
            const char *begin = piece.text.data(), *end = begin + piece.text.size();
            draw.AddText({x, at.y}, packed(code_colour(theme, piece.kind)), begin, end);
            x += ImGui::CalcTextSize(begin, end).x;
        }
        ImGui::PushID(number);
        if (ImGui::InvisibleButton("line", {width, row}))
            choose(file().name, number, true);
        if (told)
            ui::explain(sentence(*told));
        else
            explain_heat(number);
        ImGui::PopID();
    }

    ImVec4 colour_of(const Diagnostic &diagnostic) const {
        return diagnostic.severity == Diagnostic::Severity::Error ? context_.theme.failure : context_.theme.warning;
    }

    void draw_heat(int number, ImVec2 at, float bar, float row) {
        const auto found = state_.heat.lines.find(number);
        if (is_edited() || found == state_.heat.lines.end() || state_.heat.most == 0)
            return;
        const float share = float(found->second.samples) / float(state_.heat.most);
        const float width = std::max(px(2), (bar - px(4)) * share);
        ImGui::GetWindowDrawList()->AddRectFilled({at.x + bar - px(2) - width, at.y + px(2)}, {at.x + bar - px(2), at.y + row - px(2)},
                                                  packed(context_.theme.warning, 0.35f + 0.65f * share));
    }

    void explain_heat(int number) {
        const auto found = state_.heat.lines.find(number);
        if (is_edited() || found == state_.heat.lines.end() || !ImGui::IsItemHovered())
            return;
        std::string words = fmt::format("{} of the kernel's {} samples ({:.1f} %)", format_count(double(found->second.samples)),
                                        format_count(double(state_.heat.total)),
                                        100 * double(found->second.samples) / double(std::max<std::uint64_t>(1, state_.heat.total)));
        for (const auto &[stall, samples] : found->second.stalls)
            words += fmt::format("\n{}: {}", stall, format_count(double(samples)));
        ui::tooltip(context_.theme, Evidence::Measured, words + "\nInstruction samples of the warps, taken in a pass of their own.");
    }

    void choose(const std::string &name, std::int32_t line, bool from_code) {
        state_.line_file = name;
        state_.line = line;
        (from_code ? state_.show_machine_line : state_.show_code_line) = true;
        const auto &files = state_.answer->files;
        const auto found = std::ranges::find(files, name, &SourceFile::name);
        if (!from_code && found != files.end())
            state_.file = std::size_t(found - files.begin());
    }

    void draw_machine(ImVec2 size) {
        ImGui::BeginChild("machine", size, ImGuiChildFlags_None, ImGuiWindowFlags_HorizontalScrollbar);
        if (state_.ptx)
            draw_ptx();
        else if (state_.sass.empty())
            ui::wrapped(build().sass_missing.empty() ? "No machine code: the kernel did not compile." : build().sass_missing, context_.theme.muted);
        else
            draw_sass(size.y);
        ImGui::EndChild();
    }

    void draw_ptx() {
        ImGuiListClipper clipper;
        clipper.Begin(int(state_.machine.size()));
        while (clipper.Step())
            for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i)
                ui::text(state_.machine[std::size_t(i)]);
    }

    bool chosen(const SassLine &line) const { return !line.label && line.line == state_.line && line.file == state_.line_file && line.line > 0; }

    void draw_sass(float height) {
        const float row = ImGui::GetTextLineHeight() + px(2);
        if (state_.show_machine_line) {
            const auto first = std::ranges::find_if(state_.sass, [&](const SassLine &line) { return chosen(line); });
            if (first != state_.sass.end())
                ImGui::SetScrollY(std::max(0.0f, row * float(first - state_.sass.begin()) - height / 3));
            state_.show_machine_line = false;
        }
        ImGuiListClipper clipper;
        clipper.Begin(int(state_.sass.size()), row);
        while (clipper.Step())
            for (int i = clipper.DisplayStart; i < clipper.DisplayEnd; ++i)
                draw_instruction(i, row);
    }

    void draw_instruction(int index, float row) {
        const Theme &theme = context_.theme;
        const SassLine &line = state_.sass[std::size_t(index)];
        ImDrawList &draw = *ImGui::GetWindowDrawList();
        const ImVec2 at = ImGui::GetCursorScreenPos();
        const float digit = ImGui::CalcTextSize("0").x;
        const float width = std::max(digit * float(line.text.size() + 16), ImGui::GetContentRegionAvail().x);
        if (chosen(line))
            draw.AddRectFilled(at, {at.x + width, at.y + row}, packed(theme.accent, 0.18f));
        if (!line.label) {
            const std::string place = fmt::format("{:05x} {:>5}", line.offset, line.line > 0 ? std::to_string(line.line) : "");
            draw.AddText(at, packed(theme.muted), place.c_str());
        }
        draw.AddText({at.x + digit * (line.label ? 10 : 13), at.y}, packed(line.label ? theme.accent : theme.text), line.text.c_str());
        ImGui::PushID(index);
        if (ImGui::InvisibleButton("instruction", {width, row}) && line.line > 0)
            choose(line.file, line.line, false);
        if (line.line > 0)
            ui::explain(fmt::format("{}:{}", line.file, line.line));
        ImGui::PopID();
    }

    void draw_diagnostics(const std::vector<Diagnostic> &diagnostics, float height) {
        ImGui::BeginChild("diagnostics", {0, height});
        for (std::size_t i = 0; i < diagnostics.size(); ++i) {
            ImGui::PushID(int(i));
            ImGui::PushStyleColor(ImGuiCol_Text, colour_of(diagnostics[i]));
            const std::string words = sentence(diagnostics[i]);
            if (ImGui::Selectable(ui::fitted(words, ImGui::GetContentRegionAvail().x).c_str()) && diagnostics[i].line > 0)
                choose(diagnostics[i].file, diagnostics[i].line, false);
            ImGui::PopStyleColor();
            ui::explain(words);
            ImGui::PopID();
        }
        ImGui::EndChild();
    }

    const ViewContext &context_;
    SourceState &state_;
};

// The selected measurement, or the run's first with a tile kernel.
MeasurementId shown_measurement(const ViewContext &context) {
    const Session &session = *context.session;
    const auto fits = [&](const Measurement &m) { return m.run == context.run && has_tile_kernel(m.op); };
    const MeasurementId selected = context.selection.measurement;
    if (selected.valid() && selected.value < session.measurements.size() && fits(session.measurements[selected.value]))
        return selected;
    for (std::uint32_t i = 0; i < session.measurements.size(); ++i)
        if (fits(session.measurements[i]))
            return {i};
    return {};
}

} // namespace

SourceRequest source_request(const Session &session, const Measurement &measurement) {
    const RunRecord &run = session.runs[measurement.run.value];
    SourceRequest request;
    request.workload = run.plan.workload;
    request.item = {measurement.op, std::string(plain_variant(measurement.variant)), measurement.config};
    if (is_edited(measurement.variant))
        request.edits = run.plan.edits;
    request.arch = run.device.arch.empty() ? kUsualArch : run.device.arch;
    request.compile = true;
    return request;
}

Result<std::string> device_to_time_on(const WorkerClient::Progress &progress, const std::string &arch) {
    if (progress.state == WorkerClient::State::Gone || progress.devices.empty())
        return Error{"there is no worker", "what is shown was recorded", "start one on a machine with such a GPU"};
    std::string others;
    for (const DeviceInfo &device : progress.devices) {
        if (!device.is_cpu() && device.arch == arch)
            return device.id;
        others += (others.empty() ? "" : ", ") + device.id;
    }
    return Error{fmt::format("the worker has no {} device", arch),
                 fmt::format("it has {}, and cpu runs reference implementations that are compiled with the program", others),
                 "use a machine with such a GPU, here or through ssh"};
}

void draw_source(const ViewContext &context, SourceState &state) {
    const MeasurementId shown = shown_measurement(context);
    if (!shown.valid()) {
        ui::empty_state(context.theme, "No tile kernel yet",
                        "Kernels of the expert products are compiled at run time for each tile: once one was measured, "
                        "its source is shown here, can be edited and compiled, beside its machine code.",
                        {{"Run", context.on_cpu ? nullptr : context.run_plan},
                         {"Show a recording", context.recording(ViewId::Source)}});
        return;
    }
    context.selection.measurement = shown;
    SourceView(context, state).draw(context.session->measurements[shown.value]);
}

} // namespace moescope
