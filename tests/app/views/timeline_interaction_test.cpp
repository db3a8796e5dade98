#include "app/views/plot_area.h"
#include "app/views/timeline.h"
#include "app/views/timeline_parts.h"
#include "profiler/base/units.h"
#include "tests/app/views/desk.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <cmath>

using namespace moescope;
using Catch::Approx;
using test::Desk;

namespace {

// A timeline with the pointer on it and its first frames drawn.
struct Timeline {
    Timeline() {
        desk.view = [this](const ViewContext &context) { draw_timeline(context, state); };
        desk.move(600, 300);
        desk.frame();
    }
    void press(ImGuiKey key) {
        ImGui::GetIO().AddKeyEvent(key, true);
        desk.frame();
        ImGui::GetIO().AddKeyEvent(key, false);
        desk.frame();
    }
    void drag(float x, float y, float to_x, float to_y) {
        desk.move(x, y);
        desk.button(0, true);
        desk.move((x + to_x) / 2, (y + to_y) / 2);
        desk.move(to_x, to_y);
        desk.button(0, false);
    }
    void drag_with_shift(float x, float y, float to_x, float to_y) {
        ImGui::GetIO().AddKeyEvent(ImGuiMod_Shift, true);
        drag(x, y, to_x, to_y);
        ImGui::GetIO().AddKeyEvent(ImGuiMod_Shift, false);
        desk.frame();
    }
    void show_kernel(std::size_t index) {
        const KernelRecord &kernel = session->kernels[index];
        const std::int64_t origin = state.model().origin_ns();
        state.range = {double(kernel.start_ns - origin) - 100, double(kernel.end_ns - origin) + 100};
        desk.frame();
    }

    SessionPtr session = test::sample_session();
    Desk desk{session};
    TimelineState state;
};

} // namespace

TEST_CASE("a drag with Shift measures a stretch and counts what begins in it", "[timeline][input]") {
    Timeline timeline;
    TimelineState &state = timeline.state;
    const TimeRange before = state.range;
    timeline.drag_with_shift(300, 180, 800, 400);
    REQUIRE(state.stretch);
    CHECK(state.range == before); // it does not pan
    CHECK_FALSE(timeline.desk.selection.kernel);
    CHECK(double(state.stretch->end_ns - state.stretch->start_ns) == Approx(before.span() * 500 / (test::kWidth - state.gutter)).epsilon(0.05));
    REQUIRE(state.answer.known);
    CHECK(state.answer.statistics.time.samples == items_in(state.model(), *state.answer.question));
    CHECK(state.answer.statistics.time.samples > 10);

    timeline.press(ImGuiKey_F); // fits what is measured
    CHECK(state.range.span() == Approx(fitted_to({0, double(state.stretch->end_ns - state.stretch->start_ns)}).span()));
    timeline.press(ImGuiKey_F); // and then all of it
    CHECK(state.range.span() == Approx(before.span()));
    timeline.press(ImGuiKey_Escape);
    CHECK_FALSE(state.stretch);
}

TEST_CASE("a measured end snaps to the edge of an item", "[timeline][input]") {
    Timeline timeline;
    TimelineState &state = timeline.state;
    const auto &kernels = timeline.session->kernels;
    std::size_t wanted = kernels.size() / 2; // no other begins while it runs
    while (kernels[wanted + 1].start_ns < kernels[wanted].end_ns)
        ++wanted;
    timeline.show_kernel(wanted);
    const KernelRecord &kernel = timeline.session->kernels[wanted];
    const auto on_it = [&] { // the kernel's row
        for (float y = 100; y < 500; y += 6) {
            timeline.desk.move(560, y);
            if (state.hovered && state.hovered->track.kind == TrackKind::Kernels && state.hovered->ref == wanted)
                return y;
        }
        return -1.0f;
    }();
    REQUIRE(on_it > 0);
    const std::int64_t origin = state.model().origin_ns();
    const auto x_of = [&](std::int64_t time) { // labels and the padding
        const float pad = ImGui::GetStyle().WindowPadding.x;
        const float share = float((double(time - origin) - state.range.start_ns) / state.range.span());
        return state.gutter + pad + share * (test::kWidth - state.gutter - 2 * pad);
    };
    timeline.drag_with_shift(x_of(kernel.start_ns) + 3, on_it, x_of(kernel.end_ns) - 3, on_it);
    REQUIRE(state.stretch);
    CHECK(state.stretch->start_ns == kernel.start_ns);
    CHECK(state.stretch->end_ns == kernel.end_ns);
    REQUIRE(state.stretch->tracks.size() == 1);
    CHECK(state.stretch->tracks[0].kind == TrackKind::Kernels);
    CHECK(state.answer.statistics.time.samples == 1);
    CHECK(state.answer.statistics.total_ns == double(kernel.end_ns - kernel.start_ns));
}

TEST_CASE("B sets bookmarks, the brackets go from one to the next, and another session has its own", "[timeline][input]") {
    Timeline timeline;
    TimelineState &state = timeline.state;
    timeline.show_kernel(20);
    const TimeRange first = state.range;
    timeline.press(ImGuiKey_B);
    timeline.show_kernel(timeline.session->kernels.size() - 20);
    const TimeRange second = state.range;
    timeline.press(ImGuiKey_B);
    REQUIRE(state.notes.bookmarks.size() == 2);
    CHECK(state.all_notes.size() == 1);
    timeline.press(ImGuiKey_LeftBracket);
    CHECK(state.range.start_ns == Approx(first.start_ns).margin(2));
    CHECK(state.range.span() == Approx(first.span()).margin(2));
    timeline.press(ImGuiKey_RightBracket);
    CHECK(state.range.start_ns == Approx(second.start_ns).margin(2));

    Desk other(test::small_session());
    other.view = timeline.desk.view;
    other.frame();
    CHECK(state.notes.bookmarks.empty());
    CHECK(state.all_notes.size() == 1); // kept for when the first one comes back
}

TEST_CASE("a kept tooltip stays until it is closed", "[timeline][input]") {
    Timeline timeline;
    TimelineState &state = timeline.state;
    timeline.show_kernel(40);
    for (float y = 100; y < 500 && !state.hovered; y += 6)
        timeline.desk.move(560, y);
    REQUIRE(state.hovered);
    const TimelineHit hit = *state.hovered;
    timeline.press(ImGuiKey_T);
    REQUIRE(state.cards.size() == 1);
    CHECK(state.cards[0].hit == hit);
    timeline.desk.move(5, 5);
    timeline.desk.move(600, 300);
    CHECK(state.cards.size() == 1);
    timeline.press(ImGuiKey_Escape);
    CHECK(state.cards.empty());
}

TEST_CASE("launch arrows are drawn while few launches are in sight", "[timeline][input]") {
    Timeline timeline;
    TimelineState &state = timeline.state;
    timeline.press(ImGuiKey_L);
    CHECK(state.arrows);
    CHECK(state.all_arrows.too_many);
    CHECK(state.all_arrows.ends.empty());
    timeline.show_kernel(40);
    CHECK_FALSE(state.all_arrows.too_many);
    REQUIRE_FALSE(state.all_arrows.ends.empty());
    for (const auto &[call, kernel] : state.all_arrows.ends)
        CHECK(timeline.session->api_calls[call.ref].correlation == timeline.session->kernels[kernel.ref].correlation);
    timeline.press(ImGuiKey_L);
    CHECK_FALSE(state.arrows);
}

TEST_CASE("the minimap takes the timeline elsewhere", "[timeline][input]") {
    Timeline timeline;
    TimelineState &state = timeline.state;
    timeline.show_kernel(5);
    const TimeRange before = state.range;
    // The strip lies somewhere under the toolbar.
    for (float y = 30; y < 140 && state.range == before; y += 8)
        timeline.desk.click(900, y);
    CHECK(state.range.span() == Approx(before.span()));
    CHECK(state.range.start_ns > before.start_ns);
    const double all = double(state.model().span_of(*timeline.session, {0}).end_ns - state.model().origin_ns());
    CHECK(state.range.start_ns == Approx(all * (900 - state.gutter - 8) / (984 - state.gutter)).epsilon(0.06));
}

TEST_CASE("a drag on the minimap of all zooms to what was dragged over", "[timeline][input]") {
    Timeline timeline;
    TimelineState &state = timeline.state;
    const TimeRange before = state.range;
    for (float y = 30; y < 140 && state.range == before; y += 8)
        timeline.drag(500, y, 700, y);
    CHECK(state.range.span() == Approx(before.span() * 200 / (test::kWidth - state.gutter)).epsilon(0.05));
}

TEST_CASE("a track is hidden and pinned by the marks of its label", "[timeline][input]") {
    Timeline timeline;
    TimelineState &state = timeline.state;
    const auto click_marks = [&](const std::vector<std::string> &into) {
        for (float y = 100; y < 400; y += 4)
            for (float x = state.gutter - 38; x < state.gutter + 12; x += 4) {
                timeline.desk.click(x, y);
                if (!into.empty())
                    return true;
            }
        return false;
    };
    CHECK(click_marks(state.notes.hidden));
    CHECK(state.all_notes.size() == 1);
    timeline.desk.move(600, 300);
    timeline.press(ImGuiKey_H);
    CHECK(state.notes.hidden.empty());
    state.notes.pinned.clear();
    CHECK(click_marks(state.notes.pinned));
}

TEST_CASE("a right drag within one frame zooms and opens no menu, a right click opens it", "[timeline][input]") {
    Timeline timeline;
    Plots plots;
    timeline.desk.view = [&](const ViewContext &context) {
        ViewContext with = context;
        with.plots = &plots;
        draw_timeline(with, timeline.state);
    };
    const auto menu_open = [] { return ImGui::IsPopupOpen(nullptr, ImGuiPopupFlags_AnyPopupId); };
    const TimeRange before = timeline.state.range;
    timeline.desk.move(400, 300);
    timeline.desk.button(1, true);
    for (const float x : {450.0f, 520.0f, 600.0f})
        ImGui::GetIO().AddMousePosEvent(x, 310);
    ImGui::GetIO().AddMouseButtonEvent(1, false);
    for (int i = 0; i < 3; ++i)
        timeline.desk.frame();
    CHECK(timeline.state.range.span() < before.span() * 0.5);
    CHECK_FALSE(menu_open());
    timeline.desk.button(1, true);
    timeline.desk.button(1, false);
    timeline.desk.frame();
    CHECK(menu_open());
}

TEST_CASE("Enter leaves the search, brings the match to a readable size, and N goes on", "[timeline][input]") {
    Timeline timeline;
    TimelineState &state = timeline.state;
    const KernelRecord &wanted = timeline.session->kernels[timeline.session->kernels.size() / 2];
    const std::string name(timeline.session->name(wanted.name));
    timeline.press(ImGuiKey_Slash);
    for (int i = 0; i < 4; ++i)
        timeline.desk.frame();
    ImGui::GetIO().AddInputCharactersUTF8(name.c_str());
    for (int i = 0; i < 3; ++i)
        timeline.desk.frame();
    REQUIRE(state.query == name);
    const std::size_t matches = state.model().matches();
    REQUIRE(matches > 1);
    timeline.press(ImGuiKey_Enter);
    REQUIRE(state.selected);
    const auto place = state.model().find(*state.selected);
    REQUIRE(place);
    const TimelineItem item = state.model().tracks().at(state.selected->track).rows()[place->row][place->index];
    CHECK(item.match);
    CHECK(double(item.end_ns - item.start_ns) > state.range.span() * 0.05);
    CHECK(double(item.start_ns - state.model().origin_ns()) >= state.range.start_ns);
    CHECK(double(item.end_ns - state.model().origin_ns()) <= state.range.end_ns);
    CHECK_FALSE(ImGui::GetIO().WantTextInput);
    CHECK(timeline.desk.says("1 of "));
    timeline.press(ImGuiKey_N);
    ImGui::GetIO().AddInputCharacter('n');
    timeline.desk.frame();
    CHECK(state.query == name);
    CHECK(state.selected->start_ns > item.start_ns);
    CHECK(state.model().matches() == matches);
}

TEST_CASE("a stretch within one long call says that the call runs into it, and on which track", "[timeline][input]") {
    Timeline timeline;
    TimelineState &state = timeline.state;
    const auto &tracks = state.model().tracks();
    const auto track = std::ranges::find_if(tracks, [](const auto &each) { return each.first.kind == TrackKind::Measurements; });
    REQUIRE(track != tracks.end());
    const TimelineItem item = track->second.rows().front()[0];
    const std::int64_t third = (item.end_ns - item.start_ns) / 3;
    state.stretch = {item.start_ns + third, item.end_ns - third, {track->first}};
    timeline.desk.frame();
    REQUIRE(state.answer.known);
    CHECK(state.answer.statistics.time.samples == 0);
    CHECK(state.answer.statistics.begun_before == 1);
    CHECK(timeline.desk.says("0 items begin on " + label_of(*timeline.session, track->first)));
    CHECK(timeline.desk.says("1 more runs into it"));
}

TEST_CASE("a moment has the digits that its neighbourhood asks for", "[timeline]") {
    CHECK(format_moment(34'577'123'456, 15'500) == "34.57712 s");
    CHECK(format_moment(34'577'123'456, 1) == "34.577123456 s");
    CHECK(format_moment(34'577'123'456, 1e9) == "34.6 s");
    CHECK(format_moment(1'234'567, 10) == "1.23457 ms");
    CHECK(format_moment(512, 1) == "512 ns");
}

TEST_CASE("a kernel's words say its name once", "[timeline]") {
    Timeline timeline;
    const Session &session = *timeline.session;
    for (std::size_t i = 0; i < std::min<std::size_t>(session.kernels.size(), 50); ++i) {
        const auto hit = timeline.state.model().hit_of_kernel(session, i);
        REQUIRE(hit);
        const std::string words = explain(session, timeline.state.model(), *hit), title = title_of(session, *hit) + "\n";
        INFO(words);
        CHECK(words.find(title) == 0);
        CHECK(words.find("\n" + title) == std::string::npos);
    }
}

TEST_CASE("the ruler's labels and what is measured keep clear of bookmarks", "[timeline][input]") {
    Timeline timeline;
    TimelineState &state = timeline.state;
    const std::int64_t origin = state.model().origin_ns();
    const auto texts = [] { return drawn_text(*ImGui::GetDrawData(), *ImGui::GetIO().Fonts); };
    const auto flag_at = [&](std::int64_t time, const char *label) {
        state.notes.bookmarks.clear();
        add_bookmark(state.notes, {time, time, time + 1000, label});
        timeline.desk.frame();
        const auto all = texts();
        const auto found = std::ranges::find(all, label, &DrawnText::text);
        REQUIRE(found != all.end()); // alone: nothing else is on it
        return found->rect;
    };
    const ImVec4 first = flag_at(origin + std::int64_t(state.range.start_ns + state.range.span() / 2), "WWWW");
    state.notes.bookmarks.clear();
    timeline.desk.frame();
    const auto before = texts();
    const auto label = std::ranges::find_if(before, [&](const DrawnText &text) {
        return std::abs(text.rect.y - first.y) < 4 && text.rect.x > first.x + 40;
    });
    REQUIRE(label != before.end());
    const double middle = (label->rect.x + label->rect.z) / 2 - 8 - state.gutter; // under the tick's label
    const double time = state.range.start_ns + state.range.span() * middle / (test::kWidth - 16 - state.gutter);
    flag_at(origin + std::int64_t(time), "WWWW");
    CHECK(std::ranges::none_of(texts(), [&](const DrawnText &text) {
        return text.text == label->text && std::abs(text.rect.y - label->rect.y) < 1;
    }));

    const std::int64_t half = std::int64_t(state.range.span() / 10);
    state.stretch = {origin + std::int64_t(time) - half, origin + std::int64_t(time) + half, {}};
    timeline.desk.frame();
    CHECK(timeline.desk.says("WWWW"));
    CHECK(timeline.desk.says(format_duration_ns(double(2 * half)))); // the chip, beside the flag
}

TEST_CASE("Escape drops what the mouse is drawing, then takes back one thing after the other", "[timeline][input]") {
    Timeline timeline;
    TimelineState &state = timeline.state;
    const TimeRange before = state.range;
    timeline.desk.move(300, 300);
    timeline.desk.button(1, true);
    timeline.desk.move(700, 300);
    timeline.press(ImGuiKey_Escape);
    timeline.desk.button(1, false);
    CHECK(state.range == before); // no zoom on what was drawn so far

    ImGui::GetIO().AddKeyEvent(ImGuiMod_Shift, true);
    timeline.desk.move(300, 180);
    timeline.desk.button(0, true);
    timeline.desk.move(700, 400);
    REQUIRE(state.stretch);
    timeline.press(ImGuiKey_Escape);
    timeline.desk.move(720, 400);
    timeline.desk.button(0, false);
    ImGui::GetIO().AddKeyEvent(ImGuiMod_Shift, false);
    timeline.desk.frame();
    CHECK_FALSE(state.stretch);

    state.query = "gate";
    state.selected = state.model().hit_of_kernel(*timeline.session, 40);
    state.cards.push_back({*state.selected, {24, 28}});
    timeline.press(ImGuiKey_Escape);
    CHECK(state.cards.empty());
    CHECK(state.selected);
    timeline.press(ImGuiKey_Escape);
    CHECK_FALSE(state.selected);
    CHECK_FALSE(state.query.empty());
    timeline.press(ImGuiKey_Escape);
    CHECK(state.query.empty());
}

TEST_CASE("Escape and the keys are a popup's own while one is open", "[timeline][input]") {
    Timeline timeline;
    TimelineState &state = timeline.state;
    bool open = false;
    timeline.desk.view = [&](const ViewContext &context) {
        draw_timeline(context, state);
        if (std::exchange(open, false))
            ImGui::OpenPopup("a menu");
        if (ImGui::BeginPopup("a menu")) {
            ImGui::TextUnformatted("words");
            ImGui::EndPopup();
        }
    };
    ImGui::GetIO().ConfigFlags |= ImGuiConfigFlags_NavEnableKeyboard; // Escape closes a popup
    const auto menu_open = [] { return ImGui::IsPopupOpen(nullptr, ImGuiPopupFlags_AnyPopup); };
    timeline.desk.frame();
    state.cards.push_back({*state.model().hit_of_kernel(*timeline.session, 40), {24, 28}});
    open = true;
    for (int i = 0; i < 3; ++i)
        timeline.desk.frame();
    REQUIRE(menu_open());
    const TimeRange before = state.range;
    timeline.press(ImGuiKey_W);
    CHECK(state.range == before);
    timeline.press(ImGuiKey_Escape);
    CHECK_FALSE(menu_open());
    CHECK(state.cards.size() == 1);
    timeline.press(ImGuiKey_Escape);
    CHECK(state.cards.empty());
}

TEST_CASE("the pointer is on one item of a row, however many lie within a pixel", "[timeline][input]") {
    Timeline timeline;
    int told = 0;
    for (float y = 150; y < 420; y += 9)
        for (float x = 300; x < 900; x += 37) {
            timeline.desk.move(x, y);
            const std::string words = timeline.desk.words();
            constexpr std::string_view kSentence = "too short to draw apart";
            int sentences = 0;
            for (auto at = words.find(kSentence); at != std::string::npos; at = words.find(kSentence, at + 1))
                ++sentences;
            CHECK(sentences <= 1);
            told += sentences;
        }
    CHECK(told > 5);
}

TEST_CASE("the timeline's words name the keys that its commands have", "[timeline]") {
    Timeline timeline;
    timeline.desk.view = [&](const ViewContext &context) {
        ViewContext with = context;
        with.with_keys = [](std::string_view text) {
            std::string out(text);
            for (std::size_t at = out.find("{timeline.fit}"); at != std::string::npos; at = out.find("{timeline.fit}"))
                out.replace(at, 14, "Ctrl+Alt+G");
            return out;
        };
        draw_timeline(with, timeline.state);
    };
    timeline.desk.frame();
    CHECK(timeline.desk.says("Ctrl+Alt+G"));
}

TEST_CASE("a tap of a key moves a step, however long the window slept before, and a held one goes on", "[timeline][input]") {
    Timeline timeline;
    TimelineState &state = timeline.state;
    timeline.show_kernel(timeline.session->kernels.size() / 2);
    const TimeRange before = state.range;
    const auto slept = [&](ImGuiKey key, bool down) { // frames of 20 s: Desk's own are of 0.4 s
        ImGui::GetIO().AddKeyEvent(key, down);
        for (int i = 0; i < 2; ++i)
            timeline.desk.frame(20);
    };
    slept(ImGuiKey_D, true);
    slept(ImGuiKey_D, false);
    CHECK(state.range.start_ns > before.start_ns);
    CHECK(state.range.start_ns < before.start_ns + before.span() / 2);
    CHECK(state.range.span() == Approx(before.span()));
    slept(ImGuiKey_A, true);
    slept(ImGuiKey_A, false);
    CHECK(state.range.start_ns == Approx(before.start_ns).margin(before.span() * 0.01));
    slept(ImGuiKey_W, true);
    slept(ImGuiKey_W, false);
    CHECK(state.range.span() < before.span());
    CHECK(state.range.span() > before.span() / 3);

    state.keys.right = {.key = ImGuiKey_RightArrow, .ctrl = true};
    const double at = state.range.start_ns;
    ImGui::GetIO().AddKeyEvent(ImGuiKey_RightArrow, true);
    for (int i = 0; i < 4; ++i)
        timeline.desk.frame();
    CHECK(state.range.start_ns == at);
    ImGui::GetIO().AddKeyEvent(ImGuiMod_Ctrl, true);
    for (int i = 0; i < 4; ++i)
        timeline.desk.frame();
    CHECK(state.range.start_ns > at);
}

TEST_CASE("on the CPU, which has no launches to record, the empty timeline offers a recording and no run", "[timeline]") {
    int shown = 0;
    const auto words = [&](bool on_cpu) {
        Desk desk(std::make_shared<Session>(), {});
        TimelineState state;
        desk.view = [&](const ViewContext &context) {
            ViewContext with = context;
            with.on_cpu = on_cpu;
            with.recording_of = [&](ViewId view) { return [&, view] { shown += view == ViewId::Timeline; }; };
            draw_timeline(with, state);
        };
        for (int i = 0; i < 3; ++i)
            desk.frame();
        if (on_cpu) {
            CHECK(desk.click_until([&] { return shown > 0; }));
            CHECK(desk.runs == 0);
        }
        return desk.words();
    };
    CHECK(words(true).find("Run\n") == std::string::npos);
    CHECK(shown == 1);
    CHECK(words(false).find("Run") != std::string::npos);
}
