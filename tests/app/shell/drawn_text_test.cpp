// The words of a frame, read back from the glyphs that were drawn.
#include "app/render/own_context.h"
#include "app/shell/drawn_text.h"
#include "app/shell/item_record.h"
#include "tests/app/no_backend.h"

#include <catch2/catch_test_macros.hpp>
#include <imgui.h>

#include <algorithm>

using namespace moescope;

namespace {

// A screen of 320 x 120 pixels that nobody sees.
struct Stage {
    Stage() {
        test::use_no_backend({320, 120});
    }
    OwnContext context;
};

bool says(const std::vector<DrawnText> &texts, const char *words) {
    return std::any_of(texts.begin(), texts.end(), [&](const DrawnText &each) { return each.text == words; });
}

// One frame of a window of 300 x 100 pixels.
template <typename Draw> std::vector<DrawnText> frame(const Draw &draw) {
    ImGui::NewFrame();
    ImGui::SetNextWindowPos({0, 0});
    ImGui::SetNextWindowSize({300, 100});
    ImGui::Begin("pane", nullptr, ImGuiWindowFlags_NoDecoration);
    draw();
    ImGui::End();
    ImGui::Render();
    return drawn_text(*ImGui::GetDrawData(), *ImGui::GetIO().Fonts);
}

} // namespace

TEST_CASE("the words of a frame are read back, by widgets and by hand") {
    const Stage stage;
    const auto texts = frame([] {
        ImGui::TextUnformatted("two words");
        ImGui::Button("Run");
        ImGui::GetWindowDrawList()->AddText({150, 60}, IM_COL32_WHITE, "1.5 ms");
        ImGui::GetWindowDrawList()->AddRectFilled({150, 80}, {160, 90}, IM_COL32_WHITE);
    });
    CHECK(says(texts, "two words"));
    CHECK(says(texts, "Run"));
    CHECK(says(texts, "1.5 ms"));
    CHECK(texts.size() == 3);
}

TEST_CASE("words that are far apart or on other lines are texts of their own, clipped ones are none") {
    const Stage stage;
    const auto texts = frame([] {
        ImDrawList *draw = ImGui::GetWindowDrawList();
        draw->AddText({10, 10}, IM_COL32_WHITE, "left");
        draw->AddText({200, 10}, IM_COL32_WHITE, "right");
        draw->AddText({10, 40}, IM_COL32_WHITE, "below");
        draw->AddText({10, 400}, IM_COL32_WHITE, "outside");
    });
    CHECK(says(texts, "left"));
    CHECK(says(texts, "right"));
    CHECK(says(texts, "below"));
    CHECK(texts.size() == 3);
}

TEST_CASE("items are recorded with label, pane and state") {
    const Stage stage;
    ItemRecords records;
    record_items(&records);
    bool ticked = true;
    frame([&] {
        ImGui::Checkbox("Live##x", &ticked);
        ImGui::BeginDisabled();
        ImGui::Button("Stop");
        ImGui::EndDisabled();
    });
    record_items(nullptr);
    const auto find = [&](const char *label) {
        return std::find_if(records.begin(), records.end(), [&](const ItemRecord &each) { return each.label == label; });
    };
    REQUIRE(find("Live##x") != records.end());
    CHECK(find("Live##x")->checked);
    CHECK(find("Live##x")->window == "pane");
    CHECK_FALSE(find("Live##x")->disabled);
    REQUIRE(find("Stop") != records.end());
    CHECK(find("Stop")->disabled);
    const std::size_t before = records.size();
    frame([] { ImGui::Button("later"); });
    CHECK(records.size() == before);
}
