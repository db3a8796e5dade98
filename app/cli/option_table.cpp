#include "app/cli/option_table.h"

#include "app/shell/view_list.h"
#include "profiler/base/assets.h"
#include "profiler/metrics/metric_sets.h"
#include "profiler/model/catalogue.h"
#include "profiler/sweep/axis.h"
#include "profiler/workload/operators.h"
#include "profiler/workload/workload.h"

#include <algorithm>
#include <filesystem>

namespace moescope::cli {

namespace {

using Words = std::vector<std::string>;

Words models() {
    Words names;
    if (const auto catalogue = load_catalogue(find_asset("models.json")))
        for (const ModelShape &model : *catalogue)
            names.push_back(model.name);
    return names;
}

Words operator_names() {
    Words names{"all"};
    for (const FamilyInfo &family : families())
        names.emplace_back(family.name);
    for (const OperatorInfo &each : operators())
        names.emplace_back(each.name);
    return names;
}

Words variant_names() {
    Words names;
    for (const OperatorInfo &each : operators())
        for (const VariantInfo &variant : each.variants)
            if (std::ranges::find(names, variant.name) == names.end())
                names.emplace_back(variant.name);
    return names;
}

Words view_keys() {
    Words keys;
    for (const View &view : views())
        keys.emplace_back(view.key);
    return keys;
}

Words themes() {
    Words names;
    std::error_code problem;
    for (const auto &file : std::filesystem::directory_iterator(find_asset("themes"), problem))
        if (file.path().extension() == ".json")
            names.push_back(file.path().stem().string());
    std::ranges::sort(names);
    names.emplace_back("system");
    return names;
}

Words metric_sets() {
    Words names;
    if (const Result<MetricSets> sets = load_metric_sets(find_asset("metrics.json")))
        for (const MetricSet &set : sets->sets)
            names.push_back(set.name);
    return names;
}

Words quant_formats() {
    Words names;
    for (int each = 0; each < kQuantFormatCount; ++each)
        names.emplace_back(name_of(QuantFormat(each)));
    return names;
}

Words axes() {
    Words names;
    for (const SweepParameter &each : sweep_parameters())
        names.push_back(std::string(each.name) + "=");
    return names;
}

bool has(const std::string &text, const char *part) { return text.find(part) != std::string::npos; }

// From the name that --help gives the value, where nothing better is known.
ValueKind kind_of(const std::string &value) {
    if (has(value, "FILE") || has(value, ".moescope") || has(value, "TRACE") || value.starts_with("F."))
        return ValueKind::File;
    if (value == "DIR")
        return ValueKind::Folder;
    if (has(value, "HOST"))
        return ValueKind::Host;
    return ValueKind::Text;
}

OptionRow row_of(const CLI::Option &option, const std::vector<KnownValues> &known) {
    OptionRow row;
    for (const std::string &name : option.get_lnames())
        row.names.push_back("--" + name);
    for (const std::string &name : option.get_snames())
        row.names.push_back("-" + name);
    row.help = option.get_description();
    row.group = option.get_group();
    if (option.get_items_expected_max() == 0)
        return row;
    row.value = option.get_positional() ? option.get_name() : option.get_type_name();
    row.value_optional = option.get_items_expected_min() == 0;
    row.kind = std::max(kind_of(row.value), kind_of(option.get_type_name()));
    const std::string &name = row.names.empty() ? row.value : row.names.front();
    const auto values = std::ranges::find(known, name, &KnownValues::option);
    if (values == known.end())
        return row;
    row.choices = values->values;
    row.kind = values->file ? ValueKind::File : values->list ? ValueKind::List : ValueKind::Choice;
    return row;
}

CommandRow command_row(const CLI::App &command, const std::vector<KnownValues> &known) {
    CommandRow row{command.get_name(), command.get_description(), {}, {}};
    for (const CLI::Option *option : command.get_options()) {
        if (option->get_group().empty())
            continue;
        OptionRow each = row_of(*option, known);
        (option->get_positional() ? row.positionals : row.options).push_back(std::move(each));
    }
    return row;
}

} // namespace

std::vector<KnownValues> known_values() {
    return {{"--model", models(), false, true},
            {"--ops", operator_names(), true},
            {"--variants", variant_names(), true},
            {"--device", {"auto", "cpu", "cuda:0"}},
            {"--dtype", {name_of(DType::F32), name_of(DType::F16), name_of(DType::BF16)}},
            {"--quant", quant_formats()},
            {"--skew", {"uniform", "zipf:", "hot:"}},
            {"--counters", metric_sets(), true},
            {"--sample", metric_sets(), true},
            {"--passes", metric_sets(), true},
            {"--axis", axes()},
            {"--view", view_keys()},
            {"--theme", themes()},
            {"SHELL", {"bash", "zsh", "fish"}}};
}

OptionTable option_table(const CLI::App &app) {
    const std::vector<KnownValues> known = known_values();
    OptionTable table{command_row(app, known), {}};
    table.window.name.clear();
    for (const CLI::App *command : app.get_subcommands([](const CLI::App *) { return true; }))
        if (!command->get_group().empty())
            table.commands.push_back(command_row(*command, known));
    return table;
}

} // namespace moescope::cli
