#include "app/render/own_context.h"
#include "app/render/rasteriser.h"
#include "app/shell/fonts.h"
#include "app/shell/shell.h"
#include "app/views/timeline.h"
#include "tests/support/sample_session.h"

#include <catch2/catch_all.hpp>

#include <cstdlib>
#include <functional>

using namespace moescope;

namespace {

// A timeline drawn into an image, with a state of the test's making.
class Easel {
  public:
    Easel(const std::string &theme, float scale)
        : scale_(scale), theme_(theme_or_built_in(theme, problems_)), session_(test::sample_session()) {
        ImGuiIO &io = ImGui::GetIO();
        io.DisplaySize = {1100 * scale, 640 * scale};
        io.DeltaTime = 1.0f / 60;
        io.MousePos = {-FLT_MAX, -FLT_MAX};
        build_fonts(*io.Fonts, find_fonts(), scale);
        io.Fonts->GetTexDataAsRGBA32(&texture_.pixels, &texture_.width, &texture_.height);
        apply(theme_, scale);
    }

    Image draw(const std::function<void(TimelineState &)> &prepare) {
        TimelineState state;
        for (int frame = 0; frame < 5; ++frame) {
            ImGui::NewFrame();
            ImGui::SetNextWindowPos({0, 0});
            ImGui::SetNextWindowSize(ImGui::GetIO().DisplaySize);
            ImGui::Begin("timeline", nullptr, ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoBringToFrontOnFocus);
            draw_timeline(context(), state);
            ImGui::End();
            ImGui::Render();
            if (frame == 1)
                prepare(state);
        }
        const ImVec2 size = ImGui::GetIO().DisplaySize;
        Image image(int(size.x), int(size.y));
        clear(image, theme_.background);
        Texture texture;
        texture.width = texture_.width;
        texture.height = texture_.height;
        texture.rgba = texture_.pixels;
        rasterise(*ImGui::GetDrawData(), texture, image);
        return image;
    }

    const Session &session() const { return *session_; }
    const Theme &theme() const { return theme_; }

  private:
    ViewContext context() {
        return {.session = session_, .theme = theme_, .scale = scale_, .selection = selection_, .run = RunId{0},
                .show = [](ViewId) {}, .run_plan = [] {}, .copy_text = [](std::string) {}};
    }

    OwnContext imgui_;
    float scale_;
    std::vector<Error> problems_;
    Theme theme_;
    SessionPtr session_;
    Selection selection_;
    struct {
        unsigned char *pixels = nullptr;
        int width = 0, height = 0;
    } texture_;
};

std::size_t pixels_like(const Image &image, const ImVec4 &colour) {
    std::size_t count = 0;
    const float wanted[] = {colour.x * 255, colour.y * 255, colour.z * 255};
    for (int y = 0; y < image.height; ++y)
        for (int x = 0; x < image.width; ++x) {
            const std::uint8_t *pixel = image.pixel(x, y);
            bool same = true;
            for (int i = 0; i < 3; ++i)
                same = same && std::abs(float(pixel[i]) - wanted[i]) < 3;
            count += same;
        }
    return count;
}

// Kept for a person to look at, where MOESCOPE_PICTURES names a folder.
void keep(const Image &image, const std::string &name) {
    if (const char *folder = std::getenv("MOESCOPE_PICTURES"))
        REQUIRE(write_png(image, std::filesystem::path(folder) / (name + ".png")).ok());
}

void measure_some(TimelineState &state, const Session &session) {
    const auto first = session.kernels[60], last = session.kernels[180];
    state.stretch = {first.start_ns, last.end_ns, {{TrackKind::Kernels, first.device, first.stream}}};
}

void mark_all(TimelineState &state, const Session &session) {
    const std::int64_t origin = state.model().origin_ns();
    const KernelRecord &kernel = session.kernels[100];
    state.range = {double(kernel.start_ns - origin) - 400'000, double(kernel.end_ns - origin) + 500'000};
    state.selected = state.model().hit_of_kernel(session, 100);
    state.arrows = true;
    state.cards.push_back({*state.model().hit_of_kernel(session, 102), {40, 60}});
    add_bookmark(state.notes, {kernel.start_ns - 150'000, kernel.start_ns, kernel.end_ns, "slow start"});
    state.notes.pinned = {track_id({TrackKind::Kernels, kernel.device, kernel.stream})};
    state.notes.hidden = {track_id({TrackKind::Overhead, 0, 0})};
}

} // namespace

TEST_CASE("the timeline's marks are drawn in every theme and at every scale", "[timeline]") {
    for (const char *name : {"dark", "light"})
        for (const float scale : {1.0f, 2.0f}) {
            INFO(name << " " << scale);
            Easel easel(name, scale);
            const std::string end = std::string("-") + name + "-" + std::to_string(int(scale)) + "x";
            const Image plain = easel.draw([](TimelineState &) {});
            const Image measured = easel.draw([&](TimelineState &state) { measure_some(state, easel.session()); });
            const Image marked = easel.draw([&](TimelineState &state) { mark_all(state, easel.session()); });
            keep(plain, "timeline-plain" + end);
            keep(measured, "timeline-measured" + end);
            keep(marked, "timeline-marked" + end);
            // The ruler and the histogram are in the accent's colour, and so is a bookmark's flag.
            const ImVec4 &accent = easel.theme().accent;
            CHECK(pixels_like(measured, accent) > pixels_like(plain, accent) + std::size_t(400 * scale));
            CHECK(pixels_like(marked, accent) > pixels_like(plain, accent) + std::size_t(400 * scale));
            // The card covers what is behind it.
            CHECK(pixels_like(marked, easel.theme().raised) > pixels_like(plain, easel.theme().raised) + std::size_t(8000 * scale));
        }
}
