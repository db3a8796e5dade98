#include "app/views/workload.h"

#include "app/views/number.h"
#include "app/views/ui.h"
#include "profiler/base/units.h"
#include "profiler/model/hf_config.h"

#include <fmt/format.h>
#include <imgui_internal.h> // a box between ticked and not
#include <imgui_stdlib.h>

#include <algorithm>
#include <cmath>

namespace moescope {

namespace {

// One drawing of the pane: notes whether anything changed and which field is wrong.
class Pane {
  public:
    Pane(ViewContext &context, WorkloadState &state, const WorkloadActions &actions)
        : context_(context), theme_(context.theme), state_(state), actions_(actions),
          problem_(find_problem(state.workload)), before_(state.workload) {}

    void draw();

  private:
    void draw_fields();
    void section(const char *title, const char *explanation);
    void label(const char *title, const char *explanation);
    void problem_under(const char *field);
    template <typename T>
    void number(const char *field, const char *title, const char *explanation, T &value);
    void draw_device();
    void draw_devices_by_host();
    void draw_model();
    void draw_model_list();
    void draw_config_file();
    void draw_shape();
    void draw_router();
    void draw_tokens();
    void draw_routing_inputs();
    void draw_operators();
    void draw_family(const FamilyInfo &family);
    void draw_operator(const OperatorInfo &op);
    void draw_measuring();
    void draw_memory();
    void draw_slowness();
    void draw_buttons();
    bool too_slow() const;
    bool running() const { return context_.progress.state == WorkerClient::State::Running; }
    float label_width() const { return std::round(112 * context_.scale); }

    ViewContext &context_;
    const Theme &theme_;
    WorkloadState &state_;
    const WorkloadActions &actions_;
    std::optional<FieldProblem> problem_;
    Workload before_;
    std::array<bool, kOperatorCount> there_{}; // what applies to the workload
};

void Pane::section(const char *title, const char *explanation) {
    ImGui::Dummy({0, std::round(4 * context_.scale)});
    ui::heading(title);
    ui::explain(explanation);
}

void Pane::label(const char *title, const char *explanation) {
    ImGui::AlignTextToFramePadding();
    ui::text(title, theme_.muted);
    ui::explain(explanation);
    ImGui::SameLine(ImGui::GetStyle().WindowPadding.x + label_width());
    ImGui::SetNextItemWidth(-FLT_MIN);
}

void Pane::problem_under(const char *field) {
    if (problem_ && problem_->field == field) {
        const ui::FontScope small(ui::small_font());
        ui::wrapped(problem_->error.sentence(), theme_.failure);
    }
}

template <typename T>
void Pane::number(const char *field, const char *title, const char *explanation, T &value) {
    label(title, explanation);
    ImGui::PushID(field);
    if constexpr (std::is_same_v<T, double>)
        ImGui::InputDouble("##value", &value, 0, 0, "%.6g");
    else
        ImGui::InputScalar("##value",
                           sizeof(T) == 4        ? ImGuiDataType_S32
                           : std::is_signed_v<T> ? ImGuiDataType_S64
                                                 : ImGuiDataType_U64,
                           &value);
    ImGui::PopID();
    problem_under(field);
}

std::string device_label(const DeviceInfo &device) {
    return device.is_cpu() ? fmt::format("cpu · {}", device.name)
                           : fmt::format("{} · {}", device.id, device.name);
}

void Pane::draw_devices_by_host() {
    for (std::size_t i = 0; i < context_.hosts.size(); ++i) {
        const HostDevices &host = context_.hosts[i];
        if (host.devices.empty())
            continue;
        ImGui::PushID(int(i));
        ui::small(host.host, theme_.muted);
        for (const DeviceInfo &device : host.devices)
            if (ImGui::Selectable(device_label(device).c_str(), host.used && state_.device == device.id))
                context_.use_device(i, device.id);
        ImGui::PopID();
    }
}

void Pane::draw_device() {
    const auto &devices = context_.progress.devices;
    const DeviceInfo *chosen = chosen_device(devices, state_.device);
    const auto gpus = std::ranges::count_if(devices, [](const DeviceInfo &device) { return !device.is_cpu(); });
    std::string used;
    for (const HostDevices &host : context_.hosts)
        if (host.used && context_.hosts.size() > 1)
            used = host.host;
    const std::string every = fmt::format("all {} GPUs{}, one after the other", gpus, used.empty() ? "" : " of " + used);
    std::string shown = !chosen ? state_.device : state_.device == kEveryGpu ? every : device_label(*chosen);
    if (!used.empty() && state_.device != kEveryGpu)
        shown = used + " · " + shown;
    label("Device",
          "What runs the kernels: a CUDA GPU, or the CPU with the reference implementations, "
          "really run and really timed.");
    const bool open = ImGui::BeginCombo("##device", ui::fitted_in_combo(shown).c_str(), ImGuiComboFlags_HeightLarge);
    if (!open)
        ui::explain(shown);
    if (open) {
        if (ImGui::Selectable("auto: the first GPU, else the CPU", state_.device == "auto"))
            state_.device = "auto";
        if (gpus > 1 && ImGui::Selectable(every.c_str(), state_.device == kEveryGpu))
            state_.device = kEveryGpu;
        if (context_.hosts.size() > 1)
            draw_devices_by_host();
        for (const DeviceInfo &device : devices)
            if (context_.hosts.size() <= 1 && ImGui::Selectable(device_label(device).c_str(), state_.device == device.id))
                state_.device = device.id;
        if (context_.open_hosts) {
            ImGui::Separator();
            if (ImGui::Selectable("Another host…"))
                context_.open_hosts();
        }
        ImGui::EndCombo();
    }
    if (devices.empty()) {
        const ui::FontScope small(ui::small_font());
        ui::wrapped(context_.progress.state == WorkerClient::State::Gone
                        ? "There is no worker, so nothing can be run; the problems below say why."
                        : "The worker has not said yet which devices there are.",
                    theme_.muted);
        if (context_.open_hosts && context_.progress.state == WorkerClient::State::Gone && ImGui::SmallButton("Hosts…"))
            context_.open_hosts();
    } else if (!chosen) {
        const ui::FontScope small(ui::small_font());
        ui::wrapped(
            fmt::format("{} is not a device of this worker: choose another one.", state_.device),
            theme_.failure);
    }
}

void Pane::draw_model_list() {
    ImGui::SetNextItemWidth(-FLT_MIN);
    if (ImGui::IsWindowAppearing())
        ImGui::SetKeyboardFocusHere();
    const bool entered = ImGui::InputTextWithHint("##search", "Search", &state_.search,
                                                  ImGuiInputTextFlags_EnterReturnsTrue);
    const float unit = ImGui::GetFontSize();
    const auto matches = matching_models(state_.catalogue, state_.search);
    if (entered && !matches.empty()) {
        state_.workload.model = state_.catalogue[matches.front()];
        state_.search.clear();
        ImGui::CloseCurrentPopup();
    }
    ImGui::BeginChild("models", {unit * 26, unit * 18});
    for (const std::size_t index : matches) {
        const ModelShape &model = state_.catalogue[index];
        ImGui::PushID(int(index));
        if (ImGui::Selectable(model.name.c_str(), model == state_.workload.model)) {
            state_.workload.model = model;
            ImGui::CloseCurrentPopup();
        }
        if (!model.source.empty())
            ui::explain("Source: " + model.source);
        ImGui::SameLine(unit * 13);
        const ui::FontScope small(ui::small_font());
        ui::right_aligned(fmt::format("E {}  H {}  I {}  k {}", model.experts, model.hidden,
                                      model.intermediate, model.top_k),
                          theme_.muted);
        ImGui::PopID();
    }
    ImGui::EndChild();
    if (state_.catalogue_error) {
        const ui::FontScope small(ui::small_font());
        ui::wrapped(state_.catalogue_error->sentence(), theme_.failure);
    }
}

void Pane::draw_config_file() {
    ImGui::Separator();
    ui::small("Or the shape in a Hugging Face config.json:", theme_.muted);
    ImGui::SetNextItemWidth(-ImGui::GetFontSize() * 5);
    const bool entered =
        ImGui::InputTextWithHint("##config", "/path/to/config.json", &state_.config_path,
                                 ImGuiInputTextFlags_EnterReturnsTrue);
    ImGui::SameLine();
    if ((ImGui::Button("Read") || entered) && !state_.config_path.empty()) {
        auto shape = shape_from_hf_config_file(state_.config_path);
        state_.config_error = shape.ok() ? std::nullopt : std::optional(shape.error());
        if (shape.ok()) {
            state_.workload.model = shape.value();
            ImGui::CloseCurrentPopup();
        }
    }
    if (state_.config_error) {
        const ui::FontScope small(ui::small_font());
        ui::wrapped(state_.config_error->sentence(), theme_.failure);
    }
}

void Pane::draw_model() {
    label("Model", "The layer's shape: one of the catalogue (assets/models.json), one read from a "
                   "config.json, or any shape by changing the fields below.");
    const ModelShape &model = state_.workload.model;
    const std::string shown = model.name.empty() ? "custom" : model.name;
    ImGui::SetNextWindowSizeConstraints({0, 0}, {FLT_MAX, FLT_MAX});
    if (ImGui::BeginCombo("##model", ui::fitted_in_combo(shown).c_str(), ImGuiComboFlags_HeightLargest)) {
        draw_model_list();
        draw_config_file();
        ImGui::EndCombo();
    }
    if (!model.source.empty())
        ui::explain("Source of the numbers: " + model.source);
}

void Pane::draw_shape() {
    ModelShape &model = state_.workload.model;
    const ModelShape before = model;
    number("experts", "Experts E", "Routed experts of the layer, 1 to 4,096.", model.experts);
    number("hidden", "Hidden H", "Size of a token's hidden state, a multiple of 8.", model.hidden);
    number("intermediate", "Inner I", "Inner size of one routed expert, a multiple of 8.",
           model.intermediate);
    number("top_k", "Top-k", "Experts each token is sent to, 1 to E.", model.top_k);
    if (!(model == before)) {
        model.name = "custom";
        model.source.clear();
    }
    number("vocab", "Vocabulary V",
           "Tokens of the vocabulary, up to 16,777,216: the width of the logits that the "
           "log-probability operators read. 0 where the model does not say.",
           model.vocab);
}

void Pane::draw_router() {
    const ModelShape &model = state_.workload.model;
    label("Router",
          "How logits become weights, and how weights are normalised. Comes with the model.");
    ImGui::AlignTextToFramePadding();
    std::string words = name_of(model.router);
    if (model.groups > 1)
        words += fmt::format(", {} of {} groups", model.groups_kept, model.groups);
    words += fmt::format(", {}", name_of(model.dtype));
    if (model.activation != Activation::Silu)
        words += fmt::format(", {}", name_of(model.activation));
    ui::text(ui::fitted(words, ImGui::GetContentRegionAvail().x));
    ui::explain(fmt::format(
        "Routing by {}, renormalisation {}, routed scaling {:g}{}. The experts' activation is {}{}; "
        "weights and rows are {}.",
        name_of(model.router), name_of(model.renorm), model.routed_scaling,
        model.correction_bias ? ", with a correction bias that only selects" : "",
        name_of(model.activation), model.gated ? " of a gate, times up" : ", without a gate",
        name_of(model.dtype)));
    for (const char *field :
         {"groups", "groups_kept", "latent", "shared_experts", "shared_intermediate",
          "routed_scaling", "renorm_epsilon", "dense_first"})
        problem_under(field);
}

void Pane::draw_tokens() {
    std::int64_t &tokens = state_.workload.tokens;
    label("Tokens T",
          "Tokens of the batch that reaches the layer. The slider is logarithmic; the field "
          "takes any number from 1 to 1,048,576.");
    const std::int64_t least = 1, most = 131072;
    const float field = std::round(76 * context_.scale), gap = ImGui::GetStyle().ItemInnerSpacing.x;
    std::int64_t slid = std::clamp(tokens, least, most);
    ImGui::SetNextItemWidth(std::max(40.0f, ImGui::GetContentRegionAvail().x - field - gap));
    if (ImGui::SliderScalar("##slider", ImGuiDataType_S64, &slid, &least, &most, "",
                            ImGuiSliderFlags_Logarithmic | ImGuiSliderFlags_NoInput))
        tokens = slid;
    ImGui::SameLine(0, gap);
    ImGui::SetNextItemWidth(field);
    ImGui::InputScalar("##tokens", ImGuiDataType_S64, &tokens);
    problem_under("tokens");
}

void Pane::draw_routing_inputs() {
    Workload &workload = state_.workload;
    label("LoRA rank R",
          "Rank of the LoRA adapters beside every expert and the router; 0 for none, at most 256.");
    ImGui::SliderInt("##rank", &workload.lora_rank, 0, 256);
    problem_under("lora_rank");

    label("Skew",
          "How unevenly tokens choose experts. Zipf: popularity falls with rank to the power S. "
          "Hot: a share of the tokens has expert 0 as its first choice.");
    int kind = int(workload.skew.kind);
    ImGui::SetNextItemWidth(
        workload.skew.kind == Skew::Kind::Uniform ? -FLT_MIN : std::round(84 * context_.scale));
    if (ImGui::Combo("##skew", &kind, "uniform\0zipf\0hot\0")) {
        workload.skew.kind = Skew::Kind(kind);
        workload.skew.value = kind == 0 ? 0.0 : kind == 1 ? 1.0 : 0.5;
    }
    if (workload.skew.kind != Skew::Kind::Uniform) {
        const bool zipf = workload.skew.kind == Skew::Kind::Zipf;
        const double least = 0.01, most = zipf ? 4.0 : 1.0;
        ImGui::SameLine(0, ImGui::GetStyle().ItemInnerSpacing.x);
        ImGui::SetNextItemWidth(-FLT_MIN);
        ImGui::SliderScalar("##amount", ImGuiDataType_Double, &workload.skew.value, &least, &most,
                            zipf ? "S %.2f" : "%.2f of tokens");
    }
    problem_under("skew");
    label("Quantised as",
          "How the weights that selective dequantisation expands are kept: 4 bits with a scale a "
          "block (nf4, fp4, mxfp4), or 8 with one a matrix, a row or a block of 128 x 128.");
    if (ImGui::BeginCombo("##quant", name_of(workload.quant_format))) {
        for (int each = 0; each < kQuantFormatCount; ++each)
            if (ImGui::Selectable(name_of(QuantFormat(each)), int(workload.quant_format) == each))
                workload.quant_format = QuantFormat(each);
        ImGui::EndCombo();
    }
    if (workload.quant_format == QuantFormat::NF4 || workload.quant_format == QuantFormat::FP4) {
        number("quant_block", "Block size", "Values that share a scale: a power of two from 32 to 4096.",
               workload.quant_block);
        number("nested_block", "Nested block",
               "Scales that share a scale where they are quantised themselves.", workload.nested_block);
    }
    number("seed", "Seed", "The same seed gives the same input bits on every run and machine.",
           workload.seed);
}

void Pane::draw_operator(const OperatorInfo &op) {
    const auto applies = plan_items(state_.workload, {std::string(op.name)}, {});
    const bool there = there_[std::size_t(op.id)];
    bool &wanted = state_.wanted[std::size_t(op.id)];
    const ImGuiStyle &style = ImGui::GetStyle();
    const float width = ImGui::CalcTextSize("Tune").x + 2 * style.FramePadding.x;
    const float room = ImGui::GetContentRegionAvail().x - ImGui::GetFrameHeight() -
                       style.ItemInnerSpacing.x - (op.tunable ? width + style.ItemSpacing.x : 0);
    ImGui::BeginDisabled(!there);
    bool shown = wanted && there;
    if (ImGui::Checkbox((ui::fitted(op.title, room) + "###wanted").c_str(), &shown))
        wanted = shown;
    ImGui::EndDisabled();
    ui::explain(there ? fmt::format("{}. {}", op.title, op.explain)
                      : fmt::format("{}. {}\n\nNot with this workload: {}", op.title, op.explain,
                                    applies.ok() ? "the model's own layer does not use it."
                                                 : applies.error().sentence()));
    if (!op.tunable || !there)
        return;
    ImGui::SameLine(ImGui::GetWindowContentRegionMax().x - width);
    const DeviceInfo *device = chosen_device(context_.progress.devices, state_.device);
    const bool tiles = !device || !device->is_cpu();
    ImGui::BeginDisabled(problem_.has_value() || running() || !tiles);
    if (ImGui::SmallButton("Tune"))
        actions_.tune(applies.value());
    ImGui::EndDisabled();
    ui::explain(
        !tiles ? kNoTilesOnCpu
               : "Compiles and times every tile configuration of this operator, and keeps the best one for "
        "this shape and device. The Autotune view fills in as it goes.");
}

// A box that ticks the whole family: a dash where some of it is ticked.
void Pane::draw_family(const FamilyInfo &family) {
    const std::vector<OperatorId> members = operators_in(family.id);
    if (members.empty())
        return;
    const FamilyTick tick = family_tick(state_.wanted, there_, members);
    ImGui::PushID(family.name.data());
    ImGui::BeginDisabled(tick == FamilyTick::Absent);
    ImGui::PushItemFlag(ImGuiItemFlags_MixedValue, tick == FamilyTick::Some);
    bool ticked = tick == FamilyTick::All;
    if (ImGui::Checkbox(std::string(family.title).c_str(), &ticked))
        for (const OperatorId op : members)
            state_.wanted[std::size_t(op)] = ticked;
    ImGui::PopItemFlag();
    ImGui::EndDisabled();
    ui::explain(std::string(family.explain) +
                (family.forward ? ""
                                : " Not part of the forward pass: measured when it is ticked."));
    ImGui::Indent();
    for (const OperatorId op : members) {
        ImGui::PushID(int(op));
        draw_operator(info(op));
        ImGui::PopID();
    }
    ImGui::Unindent();
    ImGui::PopID();
}

void Pane::draw_operators() {
    section(
        "Operators",
        "What a run measures: every variant of each operator that is ticked, on the same inputs.");
    ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing,
                        {ImGui::GetStyle().ItemSpacing.x, std::round(4 * context_.scale)});
    if (!problem_) {
        there_ = operators_of(state_.workload);
        for (const FamilyInfo &family : families())
            if (family.id != OperatorFamily::Parallel) // launchers start it, not this button
                draw_family(family);
    } else {
        ui::wrapped("Which operators apply is known once the fields above are right.",
                    theme_.muted);
    }
    ImGui::PopStyleVar();
}

void Pane::draw_measuring() {
    label("Cache",
          "Cold: the L2 cache is flushed before every repetition. Warm: it keeps what the last "
          "repetition left in it.");
    int cache = int(state_.cache);
    if (ImGui::Combo("##cache", &cache, "cold L2\0warm L2\0"))
        state_.cache = CacheState(cache);
    label("Counters",
          "Hardware counters, read after each operator's timing in passes of their own: memory traffic, how busy the "
          "units were, where warps waited. Live runs read none.");
    const DeviceInfo *device = chosen_device(context_.progress.devices, state_.device);
    draw_metric_picker(context_, state_.counters, device ? device->id : state_.device, counters_refusal(device),
                       actions_.metrics);
    label("Sample",
          "After everything was timed the operators are launched once more, and the GPU notes what it does: "
          "counters every 20 µs, which the timeline shows, or the instructions that warps wait at.");
    int sampled = int(state_.sample_counters) | int(state_.sample_instructions) << 1;
    if (ImGui::Combo("##sample", &sampled, "nothing\0counters over time\0instructions\0both\0")) {
        state_.sample_counters = (sampled & 1) != 0;
        state_.sample_instructions = (sampled & 2) != 0;
    }
}

void Pane::draw_memory() {
    const auto items = wanted_items(state_);
    if (!items.ok())
        return ImGui::Dummy({0, ImGui::GetTextLineHeight()}); // the buttons stay where they are
    const double needed = bytes_needed(state_.workload, items.value());
    const DeviceInfo *device = chosen_device(context_.progress.devices, state_.device);
    const double there = device ? double(device->memory_bytes) : 0;
    const bool fits = !device || there <= 0 || needed <= there;
    ui::text("Memory", theme_.muted);
    ImGui::SameLine();
    ui::right_aligned(there > 0 ? fmt::format("{} of {}", format_bytes(needed), format_bytes(there))
                                : format_bytes(needed),
                      fits ? theme_.text : theme_.failure);
    ui::explain(theme_, Evidence::Modelled, "Device memory that the largest of the chosen operators takes: inputs, outputs and "
                "workspace, an "
                "upper bound computed from the shape. A run that does not fit is refused before "
                "anything is "
                "allocated.");
    if (!fits) {
        const ui::FontScope small(ui::small_font());
        ui::wrapped(
            fmt::format(
                "This needs {} and {} has {}: fewer tokens, a lower rank or fewer operators.",
                format_bytes(needed), device->id, format_bytes(there)),
            theme_.failure);
    }
}

bool Pane::too_slow() const {
    const DeviceInfo *device = chosen_device(context_.progress.devices, state_.device);
    if (!device || !device->is_cpu())
        return false;
    const auto items = wanted_items(state_);
    return items.ok() && slow_on_cpu(state_.workload, items.value());
}

void Pane::draw_slowness() {
    const ui::FontScope small(ui::small_font());
    ui::wrapped("The CPU's references take minutes to hours for this batch.", theme_.warning);
    if (ImGui::SmallButton(fmt::format("Use {} tokens", kCpuTokens).c_str()))
        state_.workload.tokens = kCpuTokens;
    ui::explain("They are there to check results and to explore, not to be fast. Stop works at any "
                "time, and keeps what is measured.");
}

void Pane::draw_buttons() {
    ImGui::Dummy({0, std::round(2 * context_.scale)});
    if (problem_ && problem_->field.empty())
        ui::wrapped(problem_->error.sentence(), theme_.failure);
    const float gap = ImGui::GetStyle().ItemSpacing.x;
    const float live = ImGui::CalcTextSize("Live").x + ImGui::GetFrameHeight() +
                       ImGui::GetStyle().ItemInnerSpacing.x;
    const float width = std::floor((ImGui::GetContentRegionAvail().x - live - 2 * gap) / 2);
    const auto items = wanted_items(state_);
    const std::string refused = problem_      ? problem_->error.sentence()
                                : !items.ok() ? items.error().sentence()
                                : context_.progress.state == WorkerClient::State::Gone
                                    ? "There is no worker to run it: see the problems at the bottom right."
                                    : "";
    ImGui::BeginGroup();
    ImGui::BeginDisabled(!refused.empty());
    if (ui::primary_button(theme_, "Run", {width, 0}))
        context_.run_plan();
    ImGui::EndDisabled();
    ui::explain(refused.empty() ? "Runs every ticked operator and variant on the chosen device." : refused);
    ImGui::SameLine();
    ImGui::BeginDisabled(!running());
    if (ImGui::Button("Stop", {width, 0}))
        actions_.stop();
    ImGui::EndDisabled();
    ui::explain("Cancels the run. What is already measured stays.");
    ImGui::SameLine();
    if (ImGui::Checkbox("Live", &state_.live) && state_.live)
        state_.changed_at = ImGui::GetTime();
    ui::explain("Runs again as soon as anything above changes, with few repetitions.");
    ImGui::EndGroup();
    ui::landmark("run");
}

void Pane::draw_fields() {
    draw_device();
    draw_model();
    draw_shape();
    draw_router();
    section("Batch", "What the layer is given.");
    draw_tokens();
    draw_routing_inputs();
    draw_measuring();
    draw_operators();
}

void Pane::draw() {
    ui::heading("Workload");
    ui::explain("What is to be run. Change anything, then press Run, or tick Live.");
    // The foot stays in sight whatever the fields above scroll to.
    const bool slow = too_slow();
    const float foot =
        ImGui::GetFrameHeight() * 2 + std::round(28 * context_.scale) +
        (problem_ && problem_->field.empty() ? ImGui::GetTextLineHeight() * 3 : 0.0f);
    const float warning = slow ? ImGui::GetTextLineHeightWithSpacing() * 3 : 0.0f;
    const float foot_top = ImGui::GetCursorPosY() + ImGui::GetContentRegionAvail().y - foot +
                           ImGui::GetStyle().ItemSpacing.y;
    ImGui::BeginChild("fields", {0, -foot - warning});
    ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing,
                        ImVec2(std::round(8 * context_.scale), std::round(6 * context_.scale)));
    draw_fields();
    ImGui::PopStyleVar();
    ImGui::EndChild();
    if (slow)
        draw_slowness();
    ImGui::SetCursorPosY(foot_top); // the buttons stay where they are
    draw_memory();
    draw_buttons();
    if (!(state_.workload == before_) && state_.changed_at < 0)
        state_.changed_at = ImGui::GetTime();
}

} // namespace

void draw_workload(ViewContext &context, WorkloadState &state, const WorkloadActions &actions) {
    Pane(context, state, actions).draw();
    if (!live_due(state, ImGui::GetTime()))
        return;
    state.changed_at = -1;
    if (auto plan = make_plan(state, /*live=*/true); plan.ok())
        actions.run(std::move(plan.value()), /*replace=*/true);
}

} // namespace moescope
