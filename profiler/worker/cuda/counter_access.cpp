#include "profiler/worker/cuda/counter_access.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace moescope {

namespace {

// The rest of the line that begins with `key`; "" where there is none.
std::string_view line_after(std::string_view text, std::string_view key) {
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view line = text.substr(begin, end - begin);
        if (line.starts_with(key)) {
            const std::string_view rest = line.substr(key.size());
            return rest.substr(std::min(rest.find_first_not_of(" \t"), rest.size()));
        }
        begin = end + 1;
    }
    return "";
}

std::string contents(const char *path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

bool is_container() {
    std::error_code ignored;
    for (const char *mark : {"/.dockerenv", "/run/.containerenv"})
        if (std::filesystem::exists(mark, ignored))
            return true;
    const std::string groups = contents("/proc/1/cgroup");
    for (const char *word : {"docker", "kubepods", "containerd", "lxc"})
        if (groups.find(word) != groups.npos)
            return true;
    return std::getenv("KUBERNETES_SERVICE_HOST") != nullptr || std::getenv("container") != nullptr;
}

} // namespace

bool profiling_is_admin_only(std::string_view driver_params) {
    return line_after(driver_params, "RmProfilingAdminOnly:") == "1";
}

bool has_profiling_capability(std::string_view process_status) {
    constexpr int kSysAdmin = 21, kPerfmon = 38; // bits of linux/capability.h
    const std::string_view hex = line_after(process_status, "CapEff:");
    std::uint64_t bits = 0;
    std::from_chars(hex.data(), hex.data() + hex.size(), bits, 16);
    return (bits >> kSysAdmin & 1) != 0 || (bits >> kPerfmon & 1) != 0;
}

CounterAccess counter_access() {
    return {profiling_is_admin_only(contents("/proc/driver/nvidia/params")),
            has_profiling_capability(contents("/proc/self/status")), is_container(),
            std::getenv("MOESCOPE_NO_CUPTI") == nullptr};
}

std::string counter_remedy(const CounterAccess &access) {
    const std::string setting = "\"options nvidia NVreg_RestrictProfilingToAdminUsers=0\" in a file of /etc/modprobe.d";
    if (access.in_container)
        return "nothing inside the container helps: on its host put " + setting +
               " and reboot, or start it with --cap-add=SYS_ADMIN (--cap-add=PERFMON from driver 565 on)";
    return "run as root, or once: put " + setting +
           " and reboot, or from driver 565 on: sudo setcap cap_perfmon=ep moescope-worker";
}

DeviceInfo::Capability counter_capability(const CounterAccess &access, const char *collector) {
    if (!access.cupti)
        return {collector, "absent", "MOESCOPE_NO_CUPTI is set", "unset it"};
    if (access.admin_only && !access.privileged)
        return {collector, "refused",
                "the driver lets only administrators read counters (RmProfilingAdminOnly is 1)", counter_remedy(access)};
    return {collector, "ok", ""};
}

} // namespace moescope
