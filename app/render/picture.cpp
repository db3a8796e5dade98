#include "app/render/picture.h"

#include "app/render/own_context.h"
#include "app/render/rasteriser.h"
#include "app/shell/fonts.h"
#include "app/shell/shell.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <thread>

namespace moescope {

namespace {

Status check(const PictureOptions &options) {
    for (const auto &[name, pixels] :
         {std::pair{"width", options.width}, std::pair{"height", options.height}})
        if (pixels < 64 || pixels > 16384)
            return Error{fmt::format("picture {} is {}", name, pixels),
                         "it must be 64 to 16384 pixels", ""};
    if (!(options.scale >= 0.5f && options.scale <= 4.0f))
        return Error{fmt::format("picture scale is {}", options.scale), "it must be 0.5 to 4", ""};
    if (const Status status = check_theme(options.theme); !status.ok())
        return status.error();
    if (options.view != "window" && !find_view(options.view).ok())
        return find_view(options.view).error();
    return {};
}

Texture atlas_texture() {
    unsigned char *pixels = nullptr;
    Texture texture;
    ImGui::GetIO().Fonts->GetTexDataAsRGBA32(&pixels, &texture.width, &texture.height);
    texture.rgba = pixels;
    return texture;
}

} // namespace

Result<Image> draw_picture(SessionPtr session, const PictureOptions &options) {
    if (const Status status = check(options); !status.ok())
        return status.error();
    const OwnContext context;
    ImGuiIO &io = ImGui::GetIO();
    io.DisplaySize = {float(options.width), float(options.height)};
    io.DeltaTime = 1.0f / 60;
    io.MousePos = {-FLT_MAX, -FLT_MAX};

    Settings settings = options.settings;
    settings.theme = options.theme;
    Shell shell({.settings = settings});
    shell.use_scale(options.scale, find_fonts());
    shell.show_recorded(session);
    shell.choose_run(options.run);
    shell.select(options.selection);
    if (options.other)
        shell.compare_with(options.other);
    if (options.view != "window")
        shell.show_only(find_view(options.view).value(), /*alone=*/true);
    constexpr int kFrames = 4;
    for (int frame = 0; frame < kFrames || shell.preparing(); ++frame) {
        if (shell.preparing())
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        ImGui::NewFrame();
        shell.draw(io.DisplaySize.x, io.DisplaySize.y);
        ImGui::Render();
    }
    Image image(options.width, options.height);
    clear(image, shell.theme().background);
    rasterise(*ImGui::GetDrawData(), atlas_texture(), image);
    return image;
}

Status render_picture(SessionPtr session, const std::filesystem::path &path,
                      const PictureOptions &options) {
    auto image = draw_picture(std::move(session), options);
    if (!image.ok())
        return image.error();
    return write_png(image.value(), path);
}

} // namespace moescope
