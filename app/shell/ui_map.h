// For tests that drive the real window: with MOESCOPE_UI_MAP=FILE every frame is described in FILE as
// JSON, its items with their labels and places and the words that it shows.
#pragma once

#include "app/shell/item_record.h"

#include <filesystem>
#include <memory>

namespace moescope {

class UiMap {
  public:
    // Null where the environment does not ask for it. Needs the ImGui context.
    static std::unique_ptr<UiMap> if_asked_for();
    ~UiMap();

    void begin_frame(); // after ImGui::NewFrame()
    void end_frame(); // after ImGui::Render(); replaces the file at once, so that a reader sees a whole frame

  private:
    explicit UiMap(std::filesystem::path file);

    std::filesystem::path file_;
    ItemRecords items_;
    int clicks_ = 0;   // mouse buttons let go, and turns of the wheel, since the window opened: by them a test
    float wheel_ = 0;  // knows that what it did has arrived
};

} // namespace moescope
