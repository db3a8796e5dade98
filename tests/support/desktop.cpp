#include "tests/support/desktop.h"

#include "tests/support/temporary_folder.h"

#include <chrono>
#include <sstream>
#include <thread>
#include <unistd.h>

namespace moescope::test {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr int kNobody = 65534;

// "123 (name of it) S ...": user and system time are fields 14 and 15, those of ended children 16 and 17.
double seconds_of(const std::string &stat) {
    std::istringstream fields(stat.substr(stat.rfind(')') + 2));
    std::string field;
    double ticks = 0, value = 0;
    for (int i = 3; i <= 17 && fields; ++i) {
        if (i < 14) {
            fields >> field;
            continue;
        }
        fields >> value;
        ticks += value;
    }
    return ticks / double(sysconf(_SC_CLK_TCK));
}

} // namespace

std::vector<std::string> window_environment(const fs::path &home, const std::string &display) {
    return {"HOME=" + home.string(),
            "XDG_CONFIG_HOME=" + (home / "config").string(),
            "XDG_DATA_HOME=" + (home / "data").string(),
            "WAYLAND_DISPLAY",
            "DBUS_SESSION_BUS_ADDRESS",
            "MOESCOPE_ASSETS=" MOESCOPE_ASSETS,
            "MOESCOPE_WORKER=" MOESCOPE_WORKER_PATH,
            display.empty() ? "DISPLAY" : "DISPLAY=" + display};
}

double cpu_seconds(int pid) {
    const fs::path process = fs::path("/proc") / std::to_string(pid);
    double seconds = seconds_of(read_bytes(process / "stat"));
    std::error_code problem;
    for (const auto &task : fs::directory_iterator(process / "task", problem)) {
        std::istringstream children(read_bytes(task.path() / "children"));
        for (int child = 0; children >> child;)
            seconds += cpu_seconds(child);
    }
    return seconds;
}

std::unique_ptr<WaylandDesktop> WaylandDesktop::open(const std::string &configuration) {
    std::unique_ptr<WaylandDesktop> desktop(new WaylandDesktop());
    std::string folder = (fs::temp_directory_path() / "moescope-wayland-XXXXXX").string();
    if (!mkdtemp(folder.data()))
        return nullptr;
    desktop->folder_ = folder;
    const fs::path file = desktop->folder_ / "config";
    write_bytes(file, configuration);
    std::vector<std::string> argv = {"sway", "-c", file.string()};
    if (::geteuid() == 0) { // sway refuses to run as root
        if (::chown(folder.c_str(), kNobody, kNobody) != 0 || ::chown(file.c_str(), kNobody, kNobody) != 0)
            return nullptr;
        const std::string nobody = std::to_string(kNobody);
        argv.insert(argv.begin(), {"setpriv", "--reuid", nobody, "--regid", nobody, "--clear-groups"});
    }
    desktop->sway_ = std::make_unique<Program>(
        argv, std::vector<std::string>{"DISPLAY", "WAYLAND_DISPLAY", "HOME=" + folder, "XDG_RUNTIME_DIR=" + folder,
                                       "WLR_BACKENDS=headless", "WLR_RENDERER=pixman", "WLR_HEADLESS_OUTPUTS=2",
                                       "WLR_LIBINPUT_NO_DEVICES=1"});
    for (int i = 0; i < 100 && desktop->sway_->running(); ++i) {
        if (fs::exists(desktop->folder_ / "wayland-1") && !desktop->socket().empty() && desktop->command("nop"))
            return desktop;
        std::this_thread::sleep_for(100ms);
    }
    return nullptr;
}

WaylandDesktop::~WaylandDesktop() {
    sway_.reset();
    std::error_code problem;
    fs::remove_all(folder_, problem);
}

std::vector<std::string> WaylandDesktop::environment() const {
    return {"XDG_RUNTIME_DIR=" + folder_.string(), "WAYLAND_DISPLAY=wayland-1", "DISPLAY"};
}

fs::path WaylandDesktop::socket() const {
    std::error_code problem;
    for (const auto &entry : fs::directory_iterator(folder_, problem))
        if (entry.path().filename().string().starts_with("sway-ipc"))
            return entry.path();
    return {};
}

bool WaylandDesktop::command(const std::string &words) {
    Program told({"swaymsg", "-s", socket().string(), words});
    return told.wait(10s).code == 0;
}

} // namespace moescope::test
