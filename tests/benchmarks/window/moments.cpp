#include "tests/benchmarks/window/moments.h"

#include "profiler/base/assets.h"

#include <stdexcept>
#include <string_view>

namespace moescope::bench {

namespace {

ImGuiIO &io() { return ImGui::GetIO(); }

void press(ImGuiKey key) {
    io().AddKeyEvent(key, true);
    io().AddKeyEvent(key, false);
}

ViewCost resized(FrameDesk &desk) {
    constexpr int kFrames = 60;
    const int width = desk.width(), height = desk.height();
    ViewCost cost = desk.watch("the window is resized", [&](int i) {
        desk.resize(width - 12 * i, height - 6 * i);
        return i + 1 < kFrames;
    });
    desk.resize(width, height);
    return cost;
}

ViewCost themed(FrameDesk &desk) {
    const std::vector<ThemeChoice> themes = themes_in(find_asset("themes"));
    ViewCost cost = desk.watch("another theme", [&](int i) {
        if (i % 4 == 0)
            desk.shell().set_theme(themes[std::size_t(i / 4)].key);
        return i < 4 * int(themes.size()) - 1;
    });
    desk.shell().set_theme("dark");
    return cost;
}

ViewCost searched(FrameDesk &desk) {
    constexpr std::string_view kWord = "scatter";
    desk.shell().show_only(ViewId::Timeline, /*alone=*/false);
    desk.frame();
    press(ImGuiKey_Slash);
    desk.frame();
    ViewCost cost = desk.watch("a name is typed into the timeline's search", [&](int i) {
        if (i % 4 == 0)
            io().AddInputCharacter(static_cast<unsigned char>(kWord[std::size_t(i / 4)]));
        return i < 4 * int(kWord.size()) - 1;
    });
    press(ImGuiKey_Escape);
    desk.watch("", [](int i) { return i < 8; });
    return cost;
}

// A drag with Shift over the timeline's tracks, from one end to the other.
ViewCost measured(FrameDesk &desk) {
    constexpr int kFrames = 60;
    const Rect pane = desk.shell().layout().first;
    const auto move = [&](float x, float y) {
        io().AddMousePosEvent(pane.x + x * pane.width, pane.y + y * pane.height);
    };
    move(0.2f, 0.2f);
    desk.frame();
    io().AddKeyEvent(ImGuiMod_Shift, true);
    io().AddMouseButtonEvent(0, true);
    ViewCost cost = desk.watch("all of the timeline is measured", [&](int i) {
        const float share = float(i) / kFrames;
        move(0.2f + 0.78f * share, 0.2f + 0.7f * share);
        if (i == kFrames - 1)
            io().AddMouseButtonEvent(0, false);
        return i < kFrames;
    });
    io().AddKeyEvent(ImGuiMod_Shift, false);
    press(ImGuiKey_Escape);
    desk.frame();
    return cost;
}

ViewCost taught(FrameDesk &desk) {
    constexpr int kFrames = 120;
    desk.shell().show_only(ViewId::Lessons, /*alone=*/false);
    desk.watch("", [](int i) { return i < 4; });
    const Rect pane = desk.shell().layout().first;
    io().AddMousePosEvent(pane.x + 0.6f * pane.width, pane.y + 0.4f * pane.height);
    desk.frame();
    press(ImGuiKey_Space);
    bool moved = false;
    ViewCost cost = desk.watch("a lesson's picture moves", [&](int i) {
        moved = moved || desk.shell().may_sleep() == 0;
        return i + 1 < kFrames;
    });
    if (!moved)
        throw std::runtime_error("the lesson's picture did not move");
    return cost;
}

ViewCost compared(FrameDesk &desk, const std::filesystem::path &file) {
    desk.shell().show_only(ViewId::Compare, /*alone=*/false);
    desk.frame();
    return desk.watch("a second session is opened to compare", [&](int i) {
        if (i == 0)
            desk.shell().open_dropped({file.string()});
        return false;
    });
}

ViewCost replaced(FrameDesk &desk, const std::filesystem::path &file) {
    desk.shell().show_only(ViewId::Timeline, /*alone=*/false);
    desk.frame();
    return desk.watch("another session takes the place of the first", [&](int i) {
        if (i == 0)
            desk.shell().open(file);
        return false;
    });
}

// The last of a column's records go, and come back bit by bit.
template <typename Column> void keep(Column &column, const Column &whole, std::size_t size) {
    if (size < column.size())
        column.truncate(size);
    while (column.size() < size)
        column.push_back(whole[column.size()]);
}

// As while something runs: each frame has a hundredth of the session more.
ViewCost grown(FrameDesk &desk) {
    constexpr std::size_t kSteps = 20, kParts = 100;
    const SessionPtr whole = desk.shell().shown();
    Session growing = *whole;
    std::vector<SessionPtr> snapshots;
    for (std::size_t step = 0; step <= kSteps; ++step) {
        const auto size = [&](const auto &column) { return column.size() * (kParts - kSteps + step) / kParts; };
        keep(growing.kernels, whole->kernels, size(whole->kernels));
        keep(growing.api_calls, whole->api_calls, size(whole->api_calls));
        keep(growing.copies, whole->copies, size(whole->copies));
        ++growing.version;
        snapshots.push_back(std::make_shared<const Session>(growing));
    }
    desk.shell().show_only(ViewId::Timeline, /*alone=*/false);
    desk.shell().show_recorded(snapshots.front());
    desk.watch("", [](int i) { return i < 4; });
    return desk.watch("records come in, a hundredth of them at a time", [&](int i) {
        desk.shell().show_recorded(snapshots[std::size_t(i) + 1]);
        return i + 1 < int(kSteps);
    });
}

} // namespace

std::vector<ViewCost> moments_of(FrameDesk &desk, const std::filesystem::path &file) {
    std::vector<ViewCost> costs{resized(desk),  themed(desk), searched(desk),
                                measured(desk), taught(desk), grown(desk)};
    costs.push_back(compared(desk, file));
    costs.push_back(replaced(desk, file));
    return costs;
}

} // namespace moescope::bench
