#include "app/shell/drawn_text.h"

#include <imgui_internal.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <utility>

namespace moescope {

namespace {

constexpr float kSameLine = 0.6f;   // pixels between two baselines that are one
constexpr float kSamePlace = 1.5f;  // pixels a glyph may stand from where the last one ended
constexpr float kWidestGap = 0.75f; // ems between two words of one text

struct Glyph {
    const ImFont *font;
    const ImFontGlyph *shape;
};

// Glyphs by the corner of their picture in the atlas, which no two share.
using GlyphsByPlace = std::map<std::pair<float, float>, Glyph>;

GlyphsByPlace glyphs_of(const ImFontAtlas &atlas) {
    GlyphsByPlace glyphs;
    for (const ImFont *font : atlas.Fonts)
        for (const ImFontGlyph &glyph : font->Glyphs)
            if (glyph.Visible)
                glyphs[{glyph.U0, glyph.V0}] = {font, &glyph};
    return glyphs;
}

std::string utf8(unsigned int code) {
    char bytes[5] = {};
    return ImTextCharToUtf8(bytes, code);
}

class Reader {
  public:
    Reader(const GlyphsByPlace &glyphs, std::vector<DrawnText> &out) : glyphs_(glyphs), out_(out) {}
    ~Reader() { end(); }

    void read(const ImDrawList &list, const ImDrawCmd &command);

  private:
    void add(const Glyph &glyph, const ImDrawVert &top_left, const ImVec4 &box);
    void end();

    const GlyphsByPlace &glyphs_;
    std::vector<DrawnText> &out_;
    DrawnText text_;
    float baseline_ = 0, next_x_ = 0; // where the next glyph of this text would stand
};

void Reader::read(const ImDrawList &list, const ImDrawCmd &command) {
    const ImDrawIdx *index = list.IdxBuffer.Data + command.IdxOffset;
    const ImDrawVert *vertex = list.VtxBuffer.Data + command.VtxOffset;
    for (unsigned i = 0; i + 6 <= command.ElemCount; i += 3) {
        // A quad: two triangles that share their first and third corner.
        if (index[i] != index[i + 3] || index[i + 2] != index[i + 4])
            continue;
        const ImDrawVert &first = vertex[index[i]], &third = vertex[index[i + 2]];
        const auto glyph = glyphs_.find({first.uv.x, first.uv.y});
        if (glyph == glyphs_.end() || third.uv.x != glyph->second.shape->U1)
            continue;
        const float x = (first.pos.x + third.pos.x) / 2, y = (first.pos.y + third.pos.y) / 2;
        const ImVec4 &clip = command.ClipRect;
        if (x < clip.x || x > clip.z || y < clip.y || y > clip.w)
            continue;
        add(glyph->second, first, {first.pos.x, first.pos.y, third.pos.x, third.pos.y});
        i += 3;
    }
}

void Reader::add(const Glyph &glyph, const ImDrawVert &top_left, const ImVec4 &box) {
    const ImFontGlyph &shape = *glyph.shape;
    const float scale = (box.z - box.x) / (shape.X1 - shape.X0);
    const float x = top_left.pos.x - shape.X0 * scale, baseline = top_left.pos.y - shape.Y0 * scale;
    const float gap = x - next_x_, em = glyph.font->FontSize * scale;
    const bool goes_on = !text_.text.empty() && std::abs(baseline - baseline_) < kSameLine &&
                         gap > -kSamePlace && gap < kWidestGap * em;
    if (!goes_on)
        end();
    else if (gap > kSamePlace)
        text_.text += ' ';
    if (text_.text.empty())
        text_.rect = box;
    text_.text += utf8(shape.Codepoint);
    text_.rect = {std::min(text_.rect.x, box.x), std::min(text_.rect.y, box.y),
                  std::max(text_.rect.z, box.z), std::max(text_.rect.w, box.w)};
    baseline_ = baseline;
    next_x_ = x + shape.AdvanceX * scale;
}

void Reader::end() {
    if (!text_.text.empty())
        out_.push_back(std::move(text_));
    text_ = {};
}

} // namespace

std::vector<DrawnText> drawn_text(const ImDrawData &frame, const ImFontAtlas &atlas) {
    const GlyphsByPlace glyphs = glyphs_of(atlas);
    std::vector<DrawnText> texts;
    for (const ImDrawList *list : std::span(frame.CmdLists.Data, std::size_t(frame.CmdLists.Size))) {
        Reader reader(glyphs, texts);
        for (const ImDrawCmd &command : list->CmdBuffer)
            if (!command.UserCallback && command.GetTexID() == atlas.TexID)
                reader.read(*list, command);
    }
    return texts;
}

} // namespace moescope
