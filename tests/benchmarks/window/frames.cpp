#include "tests/benchmarks/window/frames.h"

#include "app/shell/fonts.h"
#include "profiler/base/chunked_vector.h"
#include "tests/benchmarks/window/cost.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <thread>

namespace moescope::bench {

namespace {

constexpr float kFrameSeconds = 1.0f / 60;

ImVec2 outside() { return {-FLT_MAX, -FLT_MAX}; }

} // namespace

FrameDesk::FrameDesk(int width, int height) : width_(width), height_(height), shell_(Shell::Options{}) {
    ImGuiIO &io = ImGui::GetIO();
    io.DisplaySize = {float(width), float(height)};
    io.DeltaTime = kFrameSeconds;
    shell_.use_scale(1, find_fonts());
    shell_.set_theme("dark");
    shell_.show_recorded(std::make_shared<const Session>()); // and not one of those that come along
    unsigned char *pixels = nullptr;
    int atlas_width = 0, atlas_height = 0;
    io.Fonts->GetTexDataAsRGBA32(&pixels, &atlas_width, &atlas_height);
}

FrameCost FrameDesk::frame() {
    const std::uint64_t records = elements_read;
    const double start = thread_cpu_ms();
    ImGui::NewFrame();
    shell_.draw(float(width_), float(height_));
    ImGui::Render();
    return {thread_cpu_ms() - start, ImGui::GetDrawData()->TotalVtxCount, elements_read - records};
}

void FrameDesk::settle() {
    do {
        frame();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } while (shell_.busy_with_file() || shell_.preparing());
}

FrameDesk::Opening FrameDesk::open(const std::filesystem::path &file) {
    const double start = now_ms();
    shell_.open(file);
    while (shell_.busy_with_file()) {
        frame();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const double shown = now_ms() - start;
    settle();
    frame();
    return {shown, now_ms() - start};
}

ViewCost FrameDesk::drive(std::string name, const Rect &pane, int wheel_turns) {
    ImGuiIO &io = ImGui::GetIO();
    std::vector<FrameCost> costs;
    const auto at = [&](float x, float y) {
        io.AddMousePosEvent(pane.x + x * pane.width, pane.y + y * pane.height);
        costs.push_back(frame());
    };
    const auto sweep = [&](int steps) { // all over the pane, in a zigzag
        for (int i = 0; i < steps; ++i) {
            const float share = float(i) / float(steps);
            at(std::fmod(share * 7, 1.0f), 0.1f + 0.85f * share);
        }
    };
    const auto turn = [&](float by, int turns) {
        for (int i = 0; i < turns; ++i) {
            io.AddMouseWheelEvent(0, by);
            at(0.613f, 0.4f);
        }
    };
    for (int i = 0; i < 10; ++i)
        costs.push_back(frame());
    sweep(60);
    turn(1, wheel_turns);
    sweep(60);
    turn(-1, wheel_turns + 10);
    io.AddMousePosEvent(outside().x, outside().y);

    ViewCost result{.view = std::move(name), .frames = costs.size()};
    std::vector<double> times;
    for (const FrameCost &cost : costs) {
        times.push_back(cost.cpu_ms);
        result.worst.cpu_ms = std::max(result.worst.cpu_ms, cost.cpu_ms);
        result.worst.vertices = std::max(result.worst.vertices, cost.vertices);
        result.worst.records = std::max(result.worst.records, cost.records);
    }
    std::ranges::sort(times);
    result.median_ms = times[times.size() / 2];
    result.p99_ms = times[times.size() * 99 / 100];
    return result;
}

ViewCost FrameDesk::cost_of(ViewId view) {
    constexpr int kTimelineTurns = 70; // from all of it down to a single kernel
    shell_.show_only(view, /*alone=*/false);
    const FrameCost first = frame();
    settle();
    ViewCost cost = drive(info(view).key, shell_.layout().first,
                          view == ViewId::Timeline ? kTimelineTurns : 12);
    cost.first = first;
    return cost;
}

ViewCost FrameDesk::cost_of_window() {
    ViewCost cost = drive("window", shell_.layout().second, 70);
    cost.first = cost.worst;
    return cost;
}

} // namespace moescope::bench
