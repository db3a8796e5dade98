#include "app/report/report_style.h"

#include "app/theme.h"
#include "profiler/base/assets.h"

#include <fmt/format.h>

namespace moescope::report {

namespace {

std::string hex(const ImVec4 &colour) {
    const auto byte = [](float value) { return int(value * 255 + 0.5f); };
    return fmt::format("#{:02x}{:02x}{:02x}", byte(colour.x), byte(colour.y), byte(colour.z));
}

std::string colours(const Theme &theme) {
    std::string text = fmt::format(
        "--background:{};--surface:{};--raised:{};--line:{};--text:{};--muted:{};--accent:{};"
        "--failure:{};--warning:{};",
        hex(theme.background), hex(theme.surface), hex(theme.raised), hex(theme.line),
        hex(theme.text), hex(theme.muted), hex(theme.accent), hex(theme.failure),
        hex(theme.warning));
    for (std::size_t at = 0; at < theme.series.size(); ++at)
        text += fmt::format("--s{}:{};", at, hex(theme.series[at]));
    return text;
}

// s: filled, o: its outline, l: a line, in the colour of a variant.
std::string series() {
    std::string text;
    for (std::size_t at = 0; at < std::tuple_size_v<decltype(Theme::series)>; ++at)
        text += fmt::format(".s{0}{{fill:var(--s{0})}}"
                            ".o{0}{{fill:var(--surface);stroke:var(--s{0});stroke-width:1.5}}"
                            ".l{0}{{fill:none;stroke:var(--s{0});stroke-width:2}}\n",
                            at);
    return text;
}

constexpr const char *kRules = R"css(
*{box-sizing:border-box}
body{margin:0;background:var(--background);color:var(--text);
 font:14px/1.5 system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}
main{max-width:1240px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:26px;line-height:1.25;margin:0 0 4px}
h2{font-size:18px;margin:40px 0 4px}
h3{font-size:14px;margin:20px 0 8px;font-weight:600}
section{background:var(--surface);border-radius:8px;padding:16px 24px 20px;margin:24px 0}
section h2{margin-top:0}
p{margin:4px 0 12px;max-width:80ch}
.muted{color:var(--muted)}
.failure{color:var(--failure)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(260px,1fr));gap:4px 24px;margin:12px 0}
.facts div{display:flex;justify-content:space-between;gap:12px;border-bottom:1px solid var(--raised)}
.facts dt{color:var(--muted);white-space:nowrap}
.facts dd{margin:0;text-align:right;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:12.5px;font-variant-numeric:tabular-nums}
th,td{padding:3px 6px;text-align:left;white-space:nowrap;border-bottom:1px solid var(--raised)}
th{color:var(--muted);font-weight:500}
.n{text-align:right}
.plots{display:flex;flex-wrap:wrap;gap:8px 40px}
svg{max-width:100%;height:auto;display:block;margin:8px 0;
 font:12px system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}
.t{fill:var(--text)}.m{fill:var(--muted)}.b{font-weight:600}
.grid{stroke:var(--line);stroke-opacity:.6}.axis{stroke:var(--line)}
.whisker{stroke:var(--text);stroke-width:1.2}
.floor{stroke:var(--text);stroke-width:2}
.gap{fill:var(--raised)}
.roof{fill:none;stroke:var(--muted);stroke-width:2}
.winner{stroke:var(--text);stroke-width:2.5}
details summary{cursor:pointer;color:var(--muted);padding:6px 0}
details[open]>summary{color:var(--text)}
.drawn text{white-space:pre}
.drawn polyline{fill:none;stroke-linejoin:round}
.drawn .bold{font-weight:bold}
.drawn .code{font-family:monospace}
.in-dark{display:none}
@media(prefers-color-scheme:dark){.in-light{display:none}.in-dark{display:block}}
@media print{body{background:#fff}section{break-inside:avoid;padding:0}}
)css";

} // namespace

Theme theme_of(bool dark) {
    auto theme = load_theme(find_asset(dark ? "themes/dark.json" : "themes/light.json"));
    return theme ? *theme : built_in_theme(dark);
}

std::string style() {
    return fmt::format(":root{{color-scheme:light dark;{}}}\n"
                       "@media(prefers-color-scheme:dark){{:root{{{}}}}}\n{}{}",
                       colours(theme_of(false)), colours(theme_of(true)), kRules, series());
}

} // namespace moescope::report
