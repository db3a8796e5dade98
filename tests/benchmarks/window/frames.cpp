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

ViewCost cost_from(std::string name, const std::vector<FrameCost> &costs) {
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

} // namespace

FrameDesk::FrameDesk(int width, int height)
    : width_(width), height_(height), shell_({.wake = [this] { woken_ = true; }}) {
    ImGui::GetIO().DeltaTime = kFrameSeconds;
    resize(width, height);
    rescale(1);
    shell_.set_theme("dark");
    shell_.show_recorded(std::make_shared<const Session>()); // and not one of those that come along
}

void FrameDesk::resize(int width, int height) {
    width_ = width;
    height_ = height;
    ImGui::GetIO().DisplaySize = {float(width), float(height)};
}

void FrameDesk::rescale(float scale) {
    shell_.use_scale(scale, find_fonts());
    unsigned char *pixels = nullptr;
    int atlas_width = 0, atlas_height = 0;
    ImGui::GetIO().Fonts->GetTexDataAsRGBA32(&pixels, &atlas_width, &atlas_height);
}

FrameCost FrameDesk::frame() {
    return frame_after([] {});
}

FrameCost FrameDesk::frame_after(const std::function<void()> &act) {
    const std::uint64_t records = elements_read;
    const double start = thread_cpu_ms();
    act();
    ImGui::NewFrame();
    shell_.draw(float(width_), float(height_));
    ImGui::Render();
    return {thread_cpu_ms() - start, ImGui::GetDrawData()->TotalVtxCount, elements_read - records};
}

// As a window at 60 Hz does between two frames, or until it is woken.
void FrameDesk::rest() {
    const double until = now_ms() + 1e3 * kFrameSeconds;
    while (!woken_.exchange(false) && now_ms() < until)
        std::this_thread::sleep_for(std::chrono::microseconds(500));
}

void FrameDesk::settle() {
    frame();
    while (working()) {
        rest();
        frame();
    }
}

FrameDesk::Opening FrameDesk::open(const std::filesystem::path &file) {
    const double start = now_ms();
    shell_.open(file);
    while (shell_.busy_with_file()) {
        rest();
        frame();
    }
    const double shown = now_ms() - start;
    settle();
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
    return cost_from(std::move(name), costs);
}

ViewCost FrameDesk::watch(std::string name, const std::function<bool(int)> &act) {
    std::vector<FrameCost> costs;
    bool more = true;
    for (int i = 0; more || working(); ++i) {
        costs.push_back(frame_after([&] { more = more && act(i); }));
        rest();
    }
    for (int i = 0; i < 4; ++i) // ImGui settles
        costs.push_back(frame());
    return cost_from(std::move(name), costs);
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
