#include "app/render/picture.h"

#include "app/render/own_context.h"
#include "app/render/rasteriser.h"
#include "app/shell/fonts.h"
#include "app/shell/shell.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

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

void begin(const PictureOptions &options) {
    ImGuiIO &io = ImGui::GetIO();
    io.DisplaySize = {float(options.width), float(options.height)};
    io.DeltaTime = 1.0f / 60;
    io.MousePos = {-FLT_MAX, -FLT_MAX};
}

Settings settings_of(const PictureOptions &options) {
    Settings settings = options.settings;
    settings.theme = options.theme;
    return settings;
}

// ImGui measures before it places.
void draw_some_frames(Shell &shell) {
    constexpr int kFrames = 4;
    for (int frame = 0; frame < kFrames || shell.preparing(); ++frame) {
        if (shell.preparing())
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        ImGui::NewFrame();
        shell.draw(ImGui::GetIO().DisplaySize.x, ImGui::GetIO().DisplaySize.y);
        ImGui::Render();
    }
}

// Draws a few frames of a window in a context of its own and gives the last one to `take`, with the shell
// that drew it. For a plot in a format, as reading it back wants it.
template <typename Take>
auto draw_frames(SessionPtr session, const PictureOptions &options, std::optional<PlotFormat> plot, const Take &take) {
    begin(options);
    Shell shell({.settings = settings_of(options)});
    shell.use_scale(options.scale, find_fonts());
    shell.show_recorded(session);
    shell.choose_run(options.run);
    shell.select(options.selection);
    if (options.other)
        shell.compare_with(options.other);
    if (options.crossover.names_any())
        shell.choose_crossover(options.crossover);
    shell.plot_saver().plots.with_data = plot == PlotFormat::Csv;
    if (options.view != "window")
        shell.show_only(find_view(options.view).value(), /*alone=*/true);
    std::optional<PlainShapes> plain;
    if (plot)
        plain.emplace();
    draw_some_frames(shell);
    return take(*ImGui::GetDrawData(), shell);
}

Error no_plot(const PictureOptions &options, const std::string &plot, const std::vector<PlotPlace> &drawn) {
    if (drawn.empty())
        return {fmt::format("the {} view shows no plot", options.view), "this session has nothing for it, or the view has none",
                "choose another view"};
    std::string names;
    for (const PlotPlace &each : drawn)
        names += (names.empty() ? "" : ", ") + each.name;
    return {fmt::format("the plot \"{}\"", plot), "the " + options.view + " view shows " + names, "choose one of them"};
}

} // namespace

Result<Image> draw_picture(SessionPtr session, const PictureOptions &options) {
    if (const Status status = check(options); !status.ok())
        return status.error();
    const OwnContext context;
    return draw_frames(std::move(session), options, std::nullopt, [&](const ImDrawData &frame, Shell &shell) {
        Image image(options.width, options.height);
        clear(image, shell.theme().background);
        rasterise(frame, atlas_texture(), image);
        return image;
    });
}

Status save_plot(SessionPtr session, const std::filesystem::path &path, const PictureOptions &options,
                 const std::string &plot, PlotFormat format) {
    if (const Status status = check(options); !status.ok())
        return status;
    const OwnContext context;
    return draw_frames(std::move(session), options, format, [&](const ImDrawData &frame, Shell &shell) -> Status {
        const std::vector<PlotPlace> &drawn = shell.plot_saver().plots.drawn;
        for (const PlotPlace &each : drawn)
            if (plot.empty() || each.name == plot)
                return write_plot(each, format, frame, shell.theme(), options.scale, find_fonts(), path);
        return no_plot(options, plot, drawn);
    });
}

Result<std::vector<std::vector<DrawnPlot>>> draw_plots(SessionPtr session, const PictureOptions &options,
                                                       const std::vector<PlotWish> &wishes) {
    if (const Status status = check(options); !status.ok())
        return status.error();
    const OwnContext context;
    begin(options);
    Shell shell({.settings = settings_of(options)});
    shell.use_scale(options.scale, find_fonts());
    shell.show_recorded(std::move(session));
    shell.select_nothing();
    const PlainShapes plain;
    std::vector<std::vector<DrawnPlot>> all;
    for (const PlotWish &wish : wishes) {
        const Result<ViewId> view = find_view(wish.view);
        if (!view)
            return view.error();
        shell.choose_run(wish.run);
        if (wish.crossover.names_any())
            shell.choose_crossover(wish.crossover);
        shell.show_only(*view, /*alone=*/true);
        draw_some_frames(shell);
        std::vector<DrawnPlot> &drawn = all.emplace_back();
        for (const PlotPlace &place : shell.plot_saver().plots.drawn)
            drawn.push_back({place.name, place.title,
                             drawing_of(place, *ImGui::GetDrawData(), shell.theme(), options.scale)});
    }
    return all;
}

Status render_picture(SessionPtr session, const std::filesystem::path &path,
                      const PictureOptions &options) {
    auto image = draw_picture(std::move(session), options);
    if (!image.ok())
        return image.error();
    return write_png(image.value(), path);
}

} // namespace moescope
