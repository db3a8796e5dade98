// What the window writes, read back from its triangles and held against the pixels under it.
#include "app/colour.h"
#include "app/render/drawing.h"
#include "app/render/rasteriser.h"
#include "app/shell/view_list.h"
#include "profiler/session/session_file.h"
#include "tests/support/driven_shell.h"

#include <catch2/catch_all.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

using namespace moescope;

namespace {

SessionPtr recorded(const char *name) {
    auto session = read_session(fmt::format("{}/sessions/{}.moescope", MOESCOPE_ASSETS, name));
    REQUIRE(session.ok());
    return std::make_shared<const Session>(std::move(*session));
}

struct Word {
    std::string text;
    DrawnRect rect; // without what hangs below the line
    ImU32 colour;
    DrawnRect clip;
};

bool same(const ImVec4 &a, const ImVec4 &b) { return packed(a) == packed(b); }

// Without what is scrolled or cut away, and without a disabled control's, which are faint on purpose.
std::vector<Word> words_of_frame(const Theme &theme) {
    const ImDrawData &frame = *ImGui::GetDrawData();
    const std::vector<const ImDrawList *> lists(frame.CmdLists.begin(), frame.CmdLists.end());
    const Drawing drawing = read_drawing(lists, {{0, 0}, frame.DisplaySize}, theme.background, 1);
    std::vector<Word> words;
    for (const DrawnShape &shape : drawing.shapes) {
        if (shape.kind != DrawnShape::Kind::Text || shape.colours[0] >> IM_COL32_A_SHIFT != 255)
            continue;
        const ImVec2 low = shape.points[0], high{low.x + shape.width, low.y + shape.ascent};
        const ImVec2 middle{(low.x + high.x) / 2, (low.y + high.y) / 2};
        const DrawnRect clip = shape.clipped ? shape.clip : drawing.area;
        if (clip.contains({middle, middle}))
            words.push_back({shape.text, {low, high}, shape.colours[0], clip});
    }
    return words;
}

// The colour that most of its pixels have.
ImVec4 ground_under(const Image &image, const DrawnRect &rect) {
    std::map<std::uint32_t, int> counts;
    for (int y = std::max(0, int(rect.low.y)); y < std::min(image.height, int(rect.high.y) + 2); ++y)
        for (int x = std::max(0, int(rect.low.x) - 1); x < std::min(image.width, int(rect.high.x) + 1); ++x) {
            const std::uint8_t *p = image.pixel(x, y);
            ++counts[std::uint32_t(p[0] | p[1] << 8 | p[2] << 16)];
        }
    std::uint32_t best = 0;
    int most = -1;
    for (const auto &[colour, count] : counts)
        if (count > most)
            most = count, best = colour;
    return {float(best & 255) / 255, float(best >> 8 & 255) / 255, float(best >> 16 & 255) / 255, 1};
}

// Black or white on a mark of a chart, whose colour says which it is, has 4.5 to 1 in high contrast too.
bool can_be_read(const Theme &theme, const Word &word, const Image &image) {
    const ImVec4 ground = ground_under(image, word.rect), colour = ImGui::ColorConvertU32ToFloat4(word.colour);
    const bool on_mark = packed(text_on(ground)) == word.colour && !same(ground, theme.background);
    return contrast(colour, ground) >= (on_mark ? 4.5f : theme.least_contrast());
}

DrawnRect both(const DrawnRect &a, const DrawnRect &b) {
    return {{std::max(a.low.x, b.low.x), std::max(a.low.y, b.low.y)}, {std::min(a.high.x, b.high.x), std::min(a.high.y, b.high.y)}};
}

// Sideways: what goes on below is scrolled to.
bool is_cut(const Word &word) {
    return word.rect.high.x > word.clip.high.x + 1.5f || word.rect.low.x < word.clip.low.x - 1.5f;
}

// "…", "Th…": what it says cannot be guessed.
bool is_stub(const std::string &text) {
    const std::string_view dots = "…";
    return text.ends_with(dots) && text.size() < dots.size() + 3;
}

bool lies_over(const Word &a, const Word &b) {
    const DrawnRect shared = both(both(a.rect, a.clip), both(b.rect, b.clip));
    const bool twice = a.text == b.text && a.rect.low.x == b.rect.low.x; // the outline of one
    return !twice && shared.high.x - shared.low.x > 2 && shared.high.y - shared.low.y > 3;
}

void check_places_of(test::DrivenShell &window, const std::string &where) {
    window.frames(5);
    const PlainShapes plain;
    window.frame();
    const std::vector<Word> words = words_of_frame(window.shell.theme());
    for (std::size_t i = 0; i < words.size(); ++i) {
        INFO(where << " shows \"" << words[i].text << "\" at " << words[i].rect.low.x << ", " << words[i].rect.low.y);
        CHECK_FALSE(is_cut(words[i]));
        CHECK_FALSE(is_stub(words[i].text));
        for (std::size_t k = 0; k < i; ++k)
            if (lies_over(words[i], words[k]))
                FAIL_CHECK("over \"" << words[k].text << "\"");
    }
}

// How many words a frame of it has.
std::size_t check_words_of(test::DrivenShell &window, const std::string &where) {
    window.frames(4);
    const PlainShapes plain;
    window.frame();
    const Theme &theme = window.shell.theme();
    Image image{int(ImGui::GetIO().DisplaySize.x), int(ImGui::GetIO().DisplaySize.y)};
    clear(image, theme.background);
    rasterise(*ImGui::GetDrawData(), atlas_texture(), image);
    const std::vector<Word> words = words_of_frame(theme);
    for (const Word &word : words) {
        INFO(where << " shows \"" << word.text << "\" at " << word.rect.low.x << ", " << word.rect.low.y);
        CHECK(can_be_read(theme, word, image));
    }
    return words.size();
}

// To a lesson's next page, and from its question to the next lesson; false after the last.
bool turn_page(test::DrivenShell &window) {
    window.frames(2);
    for (const DrawnText &each : window.texts())
        if (each.text == "Next page" || each.text == "The question" || each.text.starts_with("Next lesson")) {
            window.click((each.rect.x + each.rect.z) / 2, (each.rect.y + each.rect.w) / 2);
            ImGui::GetIO().AddMousePosEvent(-FLT_MAX, -FLT_MAX); // no hover over the page
            return true;
        }
    return false;
}

} // namespace

TEST_CASE("every word of every view can be read where it stands, in every theme", "[look]") {
    std::size_t read = 0;
    for (const char *name : {"OLMoE-1B-7B", "OLMoE-1B-7B-sweeps", "OLMoE-1B-7B-2-ranks", ""})
        for (const ThemeChoice &choice : themes_in(MOESCOPE_ASSETS "/themes")) {
            test::DrivenShell window(*name ? recorded(name) : nullptr);
            window.shell.set_theme(choice.key);
            for (const View &view : views()) {
                window.shell.show_only(view.id, /*alone=*/false);
                read += check_words_of(window, fmt::format("{} of \"{}\", {}", view.key, name, choice.key));
            }
        }
    CHECK(read > 5000);
}

TEST_CASE("a word that is too faint for its ground is found", "[look]") {
    Image image{40, 20};
    clear(image, {1, 1, 1, 1});
    CHECK(ground_under(image, {{2, 2}, {30, 12}}).x == 1);
    const Theme theme = built_in_theme(false);
    CHECK_FALSE(can_be_read(theme, {"faint", {{2, 2}, {30, 12}}, IM_COL32(140, 140, 140, 255), {}}, image));
    CHECK(can_be_read(theme, {"clear", {{2, 2}, {30, 12}}, IM_COL32(100, 100, 100, 255), {}}, image));
}

TEST_CASE("no word is cut off or written over another, in small windows and at every scale", "[look]") {
    struct Place {
        float width, height, scale;
    };
    for (const Place place : {Place{1100, 800, 1}, {1440, 900, 1.25f}, {1440, 900, 1.5f}, {1440, 900, 2}, {2880, 1800, 2}})
        for (const char *name : {"OLMoE-1B-7B", "OLMoE-1B-7B-sweeps", "OLMoE-1B-7B-2-ranks"}) {
            test::DrivenShell window(recorded(name), {}, place.width, place.height);
            window.shell.use_scale(place.scale, {});
            for (const View &view : views()) {
                // Pictures of lessons shrink with the window, and the ranks' table can be scrolled sideways.
                if (view.id == ViewId::Lessons || (view.id == ViewId::Ranks && place.width < 1200))
                    continue;
                window.shell.show_only(view.id, /*alone=*/false);
                check_places_of(window, fmt::format("{} of {} in {}x{} at {}", view.key, name, place.width, place.height, place.scale));
            }
            window.shell.compare_with(recorded("OLMoE-1B-7B-mma-sync"));
            window.shell.show_only(ViewId::Compare, /*alone=*/false);
            check_places_of(window, fmt::format("{} and another in {}x{} at {}", name, place.width, place.height, place.scale));
        }
}

TEST_CASE("every page of every lesson can be read, in every theme and in a small window", "[look][lessons]") {
    int pages = 0;
    for (const ThemeChoice &choice : themes_in(MOESCOPE_ASSETS "/themes")) {
        test::DrivenShell window(recorded("OLMoE-1B-7B-every-operator"), {}, 1200, 800); // smaller, and pictures scroll
        window.shell.set_theme(choice.key);
        window.shell.show_only(ViewId::Lessons, /*alone=*/false);
        do {
            const std::string where = fmt::format("page {}, {}", ++pages, choice.key);
            check_places_of(window, where);
            check_words_of(window, where);
        } while (turn_page(window));
    }
    CHECK(pages > 30 * 2);
}

TEST_CASE("a word that is cut off is found, and one that lies over another", "[look]") {
    const DrawnRect window{{0, 0}, {100, 50}};
    const Word whole{"whole", {{10, 10}, {60, 22}}, 0, window}, cut{"cut", {{70, 10}, {120, 22}}, 0, window},
        over{"over", {{50, 15}, {80, 27}}, 0, window}, elsewhere{"elsewhere", {{50, 15}, {80, 27}}, 0, {{0, 40}, {100, 50}}};
    CHECK_FALSE(is_cut(whole));
    CHECK(is_cut(cut));
    CHECK(lies_over(whole, over));
    CHECK_FALSE(lies_over(whole, cut));
    CHECK_FALSE(lies_over(whole, elsewhere)); // scrolled away
    CHECK(is_stub("…"));
    CHECK(is_stub("Th…"));
    CHECK_FALSE(is_stub("The…"));
    CHECK_FALSE(is_stub("Th"));
}
