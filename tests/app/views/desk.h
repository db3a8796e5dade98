// A view without a window: ImGui with no backend, driven by made-up mouse events.
#pragma once

#include "app/shell/drawn_text.h"
#include "app/views/view_context.h"
#include "tests/app/no_backend.h"

#include <imgui.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace moescope::test {

inline constexpr float kWidth = 1000, kHeight = 700;

class Desk {
  public:
    explicit Desk(SessionPtr session, RunId run = {0})
        : theme_(built_in_theme(true)), context_{.session = std::move(session),
                                                 .theme = theme_,
                                                 .selection = selection,
                                                 .run = run,
                                                 .show = [](ViewId) {},
                                                 .run_plan = [this] { ++runs; },
                                                 .tune = [this](PlanItem item) { tuned = item; },
                                                 .copy_text = [](std::string) {},
                                                 .run_items =
                                                     [this](std::vector<PlanItem> items) {
                                                         wanted = std::move(items);
                                                     }} {
        imgui_ = ImGui::CreateContext();
        ImGui::GetIO().IniFilename = nullptr;
        use_no_backend({kWidth, kHeight});
        apply(theme_, 1);
    }
    ~Desk() { ImGui::DestroyContext(imgui_); }
    Desk(const Desk &) = delete;
    Desk &operator=(const Desk &) = delete;

    std::function<void(const ViewContext &)> view;
    Selection selection;
    int runs = 0;
    PlanItem tuned;
    std::vector<PlanItem> wanted;

    void frame(float seconds = 0.4f) { // no two clicks make a double click
        ImGui::GetIO().DeltaTime = seconds;
        ImGui::NewFrame();
        ImGui::SetNextWindowPos({0, 0});
        ImGui::SetNextWindowSize({kWidth, kHeight});
        ImGui::Begin("view", nullptr, ImGuiWindowFlags_NoDecoration);
        view(context_);
        ImGui::End();
        ImGui::Render();
    }
    // What the last frame shows, a line a text.
    std::string words() const {
        std::string all;
        for (const DrawnText &text : drawn_text(*ImGui::GetDrawData(), *ImGui::GetIO().Fonts))
            all += text.text + "\n";
        return all;
    }
    bool says(const std::string &text) const { return words().find(text) != std::string::npos; }
    void move(float x, float y) {
        ImGui::GetIO().AddMousePosEvent(x, y);
        frame();
    }
    void button(int which, bool down) {
        ImGui::GetIO().AddMouseButtonEvent(which, down);
        frame();
    }
    void click(float x, float y) {
        move(x, y);
        button(0, true);
        button(0, false);
    }
    void wheel(float turns) {
        ImGui::GetIO().AddMouseWheelEvent(0, turns);
        frame();
    }
    // Clicks all over the window until something has happened.
    bool click_until(const std::function<bool()> &happened, float step = 16) {
        for (float y = step; y < kHeight; y += step)
            for (float x = step; x < kWidth; x += step * 2) {
                click(x, y);
                if (happened())
                    return true;
            }
        return false;
    }

  private:
    Theme theme_;
    ViewContext context_;
    ImGuiContext *imgui_ = nullptr;
};

} // namespace moescope::test
