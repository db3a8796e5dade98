#include "app/cli/list_commands.h"

#include "app/cli/json_output.h"
#include "app/cli/say.h"
#include "app/cli/text_table.h"
#include "app/cli/worker_run.h"
#include "profiler/base/assets.h"
#include "profiler/base/units.h"
#include "profiler/model/catalogue.h"
#include "profiler/session/schema.h"
#include "profiler/workload/cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace moescope::cli {

namespace {

std::string groups_text(const ModelShape &m) {
    return m.groups > 1 ? fmt::format("{} of {}", m.groups_kept, m.groups) : "";
}

std::vector<std::string> row_of(const ModelShape &m) {
    return {m.name,
            fmt::format("{}", m.experts),
            m.latent > 0 ? fmt::format("{} ({})", m.hidden, m.latent) : fmt::format("{}", m.hidden),
            fmt::format("{}", m.intermediate),
            fmt::format("{}", m.top_k),
            m.shared_intermediate > 0 ? fmt::format("{}", m.shared_intermediate) : "",
            name_of(m.router),
            groups_text(m),
            m.routed_scaling != 1 ? fmt::format("{:g}", m.routed_scaling) : "",
            name_of(m.activation),
            m.source};
}

std::string models_table(const std::vector<ModelShape> &models) {
    std::vector<std::vector<std::string>> rows;
    for (const ModelShape &model : models)
        rows.push_back(row_of(model));
    return text_table({{"model"},
                       {"experts", Align::Right},
                       {"hidden (latent)", Align::Right},
                       {"intermediate", Align::Right},
                       {"top-k", Align::Right},
                       {"shared", Align::Right},
                       {"router"},
                       {"groups", Align::Right},
                       {"scaling", Align::Right},
                       {"activation"},
                       {"source"}},
                      rows);
}

std::string origin_text(bool measured, std::int64_t when_ns) {
    return std::string(ceiling_origin(measured)) + (measured && when_ns > 0 ? " " + format_date(when_ns) : "");
}

std::string device_text(const DeviceInfo &device) {
    std::string text = fmt::format("{}  {}\n", device.id, device.name);
    if (!device.arch.empty())
        text += fmt::format(
            "    {}, {} multiprocessors, {}, {} L2, driver {}, runtime {}\n", device.arch,
            device.multiprocessors, format_bytes(double(device.memory_bytes)),
            format_bytes(double(device.l2_bytes)), device.driver, device.runtime);
    if (device.ceilings.bytes_per_second > 0)
        text += fmt::format("    ceilings {} ({}) and {} ({})\n",
                            format_bandwidth(device.ceilings.bytes_per_second),
                            origin_text(device.ceilings.bytes_measured, device.ceilings.bytes_measured_ns),
                            format_flops(device.ceilings.flops_per_second),
                            origin_text(device.ceilings.flops_measured, device.ceilings.flops_measured_ns));
    if (device.ceilings.l2_bytes_per_second > 0)
        text += fmt::format("    {} from the L2 ({})\n", format_bandwidth(device.ceilings.l2_bytes_per_second),
                            origin_text(true, device.ceilings.l2_measured_ns));
    if (device.ceilings.launch_ns > 0)
        text += fmt::format("    {} a launch ({})\n", format_duration_ns(device.ceilings.launch_ns),
                            origin_text(true, device.ceilings.launch_measured_ns));
    for (const DeviceInfo::Capability &each : device.capabilities)
        text += fmt::format("    {}: {}{}\n{}", each.collector, each.state,
                            each.reason.empty() ? "" : " (" + each.reason + ")",
                            each.remedy.empty() ? "" : "        " + each.remedy + "\n");
    return text;
}

void show_family(const FamilyInfo &family) {
    std::size_t width = 0; // of all variants' names
    for (const OperatorInfo &each : operators())
        for (const VariantInfo &variant : each.variants)
            width = std::max(width, variant.name.size());
    bool first = true;
    for (const OperatorInfo &each : operators()) {
        if (each.family != family.id)
            continue;
        if (first)
            show(fmt::format("{}: {}{}\n", family.name, family.explain,
                             family.forward ? "" : " Planned when named."));
        first = false;
        show(fmt::format("  {}\n    {}\n", each.name, each.explain));
        for (const VariantInfo &variant : each.variants)
            show(fmt::format("    {:<{}}  {}\n", variant.name, width, variant.explain));
    }
}

} // namespace

int devices_command(const std::string &remote, bool measure, bool json) {
    std::vector<Error> problems;
    const Result<std::vector<DeviceInfo>> devices =
        measure ? measure_devices(remote, problems) : ask_for_devices(remote);
    if (!devices)
        return complain(devices.error(),
                        devices.error().what.starts_with("--") ? kWrongRequest : kFailed);
    if (json)
        show(devices_json(*devices));
    for (std::size_t i = 0; i < devices->size() && !json; ++i)
        show(device_text((*devices)[i]));
    for (const Error &problem : problems)
        complain(problem, kFailed);
    return problems.empty() ? kDone : kFailed;
}

int models_command(bool json) {
    const auto models = load_catalogue(find_asset("models.json"));
    if (!models)
        return complain(models.error(), kFailed);
    show(json ? models_json(*models) : models_table(*models));
    return kDone;
}

int operators_command(bool json) {
    if (json) {
        show(operators_json());
        return kDone;
    }
    for (const FamilyInfo &family : families())
        show_family(family);
    return kDone;
}

// As sqlite3 takes it.
int schema_command() {
    show(fmt::format("PRAGMA application_id = {:#x};\nPRAGMA user_version = {};\n",
                     kSessionApplicationId, kSessionSchemaVersion));
    show(kSessionSchema);
    return kDone;
}

} // namespace moescope::cli
