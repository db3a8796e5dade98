#include "app/shell/plot_saver.h"

#include "profiler/export/replace_file.h"

#include <algorithm>
#include <ostream>
#include <utility>

namespace moescope {

namespace {

constexpr float kPngFactor = 2;

} // namespace

Status write_plot(const PlotPlace &plot, PlotFormat format, const ImDrawData &frame, const Theme &theme, float scale,
                  const FontFiles &fonts, const std::filesystem::path &path) {
    const auto write_text = [&](const std::string &text) {
        return replace_file(path, Compression::None, [&](std::ostream &out) { out << text; });
    };
    if (format == PlotFormat::Csv)
        return write_text(plot.csv);
    const Drawing drawing = drawing_of(plot, frame, theme, scale);
    return format == PlotFormat::Png ? write_png(to_image(drawing, kPngFactor, fonts), path)
                                     : write_text(to_svg(drawing, plot.title, fonts.family));
}

std::optional<FileQuestion> PlotSaver::question(const std::filesystem::path &folder) {
    if (!plots.wish)
        return std::nullopt;
    wish_ = *std::exchange(plots.wish, std::nullopt);
    FileQuestion question{.kind = FileQuestion::Kind::Save, .title = "Save the plot"};
    question.start = folder / (wish_.name + extension_of(wish_.format));
    question.what = wish_.format == PlotFormat::Png ? "PNG pictures" : "SVG drawings";
    question.suffixes = {extension_of(wish_.format)};
    return question;
}

void PlotSaver::save_as(std::string path) { path_ = std::move(path); }

Result<std::string> PlotSaver::take(const ImDrawData &frame, const Theme &theme, float scale, const FontFiles &fonts) {
    std::string path = std::exchange(path_, {});
    const auto plot = std::find_if(plots.drawn.begin(), plots.drawn.end(),
                                   [&](const PlotPlace &each) { return each.name == wish_.name; });
    if (plot == plots.drawn.end())
        return Error{"the plot was not saved", "it is no longer shown", "open its view again"};
    if (const Status written = write_plot(*plot, wish_.format, frame, theme, scale, fonts, path); !written.ok())
        return written.error();
    return path;
}

} // namespace moescope
