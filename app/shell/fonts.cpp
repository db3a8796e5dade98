#include "app/shell/fonts.h"

#include "profiler/base/assets.h"

#include <fontconfig/fontconfig.h>
#include <ft2build.h>
#include FT_FREETYPE_H
#include <imgui_freetype.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

namespace moescope {

namespace {

// Size of an em in pixels at 1x.
constexpr float kBodyPixels = 14, kSmallPixels = 12;

constexpr const char *kFamilies[] = {
    "Inter",  "Noto Sans", "DejaVu Sans",     "Liberation Sans", "Open Sans", "Roboto",
    "Ubuntu", "Cantarell", "Source Sans Pro", "Arimo",           "FreeSans",  "Nimbus Sans"};

constexpr const char *kFixedFamilies[] = {"JetBrains Mono",  "Noto Sans Mono", "DejaVu Sans Mono",
                                          "Liberation Mono", "Ubuntu Mono",    "FreeMono"};

// Latin, Greek's micro and friends, dashes, ellipsis, superscripts, arrows, mathematical signs.
constexpr ImWchar kGlyphs[] = {
    0x0020, 0x00ff, 0x0100, 0x017f, 0x0391, 0x03c9, 0x2010, 0x2027, 0x2030, 0x203a, 0x2070, 0x209c,
    0x20ac, 0x20ac, 0x2190, 0x2199, 0x21b5, 0x21b5, 0x2202, 0x2202, 0x2206, 0x2206, 0x2211, 0x221e,
    0x2248, 0x2248, 0x2260, 0x2265, 0x25a0, 0x25cf, 0x2713, 0x2717, 0xfffd, 0xfffd, 0};

using Pattern = std::unique_ptr<FcPattern, decltype(&FcPatternDestroy)>;

std::string string_of(const FcPattern *pattern, const char *what) {
    FcChar8 *value = nullptr;
    if (FcPatternGetString(pattern, what, 0, &value) != FcResultMatch)
        return {};
    return reinterpret_cast<const char *>(value);
}

// The file of exactly this family, or "" (fontconfig would offer its nearest relative).
std::string file_of(FcConfig *config, const char *family, int weight) {
    Pattern wanted(FcPatternCreate(), FcPatternDestroy);
    FcPatternAddString(wanted.get(), FC_FAMILY, reinterpret_cast<const FcChar8 *>(family));
    FcPatternAddInteger(wanted.get(), FC_WEIGHT, weight);
    FcPatternAddInteger(wanted.get(), FC_SLANT, FC_SLANT_ROMAN);
    FcPatternAddInteger(wanted.get(), FC_WIDTH, FC_WIDTH_NORMAL);
    FcConfigSubstitute(config, wanted.get(), FcMatchPattern);
    FcDefaultSubstitute(wanted.get());
    FcResult result = FcResultNoMatch;
    Pattern found(FcFontMatch(config, wanted.get(), &result), FcPatternDestroy);
    if (!found || string_of(found.get(), FC_FAMILY).rfind(family, 0) != 0)
        return {};
    const std::string file = string_of(found.get(), FC_FILE);
    const auto ends = [&](const char *suffix) {
        return file.size() > 4 && file.compare(file.size() - 4, 4, suffix) == 0;
    };
    return ends(".ttf") || ends(".otf") || ends(".ttc") ? file : std::string();
}

// Height from ascender to descender of a font whose em is one pixel; 0 for a file that is no font.
// (ImGui asks for that height, people think in ems.)
float height_of_em(const std::string &file) {
    FT_Library library = nullptr;
    if (FT_Init_FreeType(&library) != 0)
        return 0;
    float height = 0;
    FT_Face face = nullptr;
    if (FT_New_Face(library, file.c_str(), 0, &face) == 0) {
        if (FT_IS_SCALABLE(face) && face->units_per_EM > 0)
            height = float(face->ascender - face->descender) / float(face->units_per_EM);
        FT_Done_Face(face);
    }
    FT_Done_FreeType(library);
    return height;
}

void level_digits(ImFont &font) {
    float widest = 0;
    for (ImWchar digit = '0'; digit <= '9'; ++digit)
        widest = std::max(widest, font.GetCharAdvance(digit));
    for (ImWchar digit = '0'; digit <= '9'; ++digit) {
        auto *glyph = const_cast<ImFontGlyph *>(font.FindGlyphNoFallback(digit));
        if (!glyph)
            continue;
        const float shift = std::floor((widest - glyph->AdvanceX) * 0.5f);
        glyph->X0 += shift;
        glyph->X1 += shift;
        glyph->AdvanceX = widest;
        font.IndexAdvanceX[int(digit)] = widest;
    }
}

void add_font(ImFontAtlas &atlas, const std::string &file, float em_pixels) {
    const float height = file.empty() ? 0 : height_of_em(file);
    ImFontConfig config;
    config.FontBuilderFlags = ImGuiFreeTypeBuilderFlags_LightHinting;
    config.OversampleH = config.OversampleV = 1;
    config.PixelSnapH = true;
    config.GlyphRanges = kGlyphs;
    if (height > 0 &&
        atlas.AddFontFromFileTTF(file.c_str(), std::round(em_pixels * height), &config, kGlyphs))
        return;
    // The built-in font is a bitmap of 13 pixels: only whole multiples of it are crisp.
    ImFontConfig built_in;
    built_in.SizePixels = 13.0f * std::max(1.0f, std::round(em_pixels / 13.0f));
    atlas.AddFontDefault(&built_in);
}

// Signs the built-in font lacks, as their nearest ASCII relatives.
void stand_in(ImFont &font) {
    constexpr std::pair<ImWchar, ImWchar> kRelatives[] = {
        {0x2192, '>'}, {0x2190, '<'}, {0x2013, '-'}, {0x2014, '-'}, {0x2212, '-'},
        {0x2026, '.'}, {0x2022, '*'}, {0x2248, '~'}, {0x2264, '<'}, {0x2265, '>'}};
    for (const auto &[sign, relative] : kRelatives)
        if (!font.FindGlyphNoFallback(sign))
            font.AddRemapChar(sign, relative);
}

} // namespace

FontFiles find_fonts() {
    FcChar8 *settings = FcConfigFilename(nullptr);
    // A machine without fontconfig's settings has no fonts to look for, and would be told so.
    FcConfig *config = settings ? FcInitLoadConfigAndFonts() : FcConfigCreate();
    FcStrFree(settings);
    FontFiles files;
    files.family = "built-in";
    if (!config)
        return files;
    const std::string own = find_asset("fonts").string(); // those that an archive brings along
    FcConfigAppFontAddDir(config, reinterpret_cast<const FcChar8 *>(own.c_str()));
    for (const char *family : kFamilies) {
        files.regular = file_of(config, family, FC_WEIGHT_REGULAR);
        if (files.regular.empty())
            continue;
        files.bold = file_of(config, family, FC_WEIGHT_BOLD);
        files.family = family;
        break;
    }
    for (const char *family : kFixedFamilies) {
        files.fixed = file_of(config, family, FC_WEIGHT_REGULAR);
        if (!files.fixed.empty())
            break;
    }
    FcConfigDestroy(config);
    return files;
}

const ImWchar *glyph_ranges() { return kGlyphs; }

float em_pixels(int font) { return font == kSmallFont || font == kCodeFont ? kSmallPixels : kBodyPixels; }

void build_fonts(ImFontAtlas &atlas, const FontFiles &files, float scale) {
    atlas.Clear();
    const std::string &bold = files.bold.empty() ? files.regular : files.bold;
    add_font(atlas, files.regular, kBodyPixels * scale);
    add_font(atlas, files.regular, kSmallPixels * scale);
    add_font(atlas, bold, kBodyPixels * scale);
    add_font(atlas, files.fixed, kSmallPixels * scale);
    atlas.Build();
    for (ImFont *font : atlas.Fonts) {
        level_digits(*font);
        stand_in(*font);
    }
}

} // namespace moescope
