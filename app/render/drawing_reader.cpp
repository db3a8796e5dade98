// From triangles back to shapes. Without anti-aliasing ImGui writes each fill as a fan of triangles round
// its first corner, each piece of a line as a fan of four, each letter as a fan of four with a place in the
// font atlas.
#include "app/render/drawing.h"

#include "app/charts/distance.h"

#include <imgui_internal.h> // ImTextCharToUtf8

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

namespace moescope {

namespace {

constexpr float kThinnestFill = 4; // pixels at 1x: what is thinner is a line
constexpr float kSlack = 0.75f;    // pixels a letter may lie off the end of the one before

struct Letter {
    int font = 0;
    const ImFontGlyph *glyph = nullptr;
};

using Fan = std::vector<ImDrawVert>;

class Reader {
  public:
    Reader(const DrawnRect &area, const ImVec4 &background, float scale) : thin_(kThinnestFill * scale) {
        drawing_.area = area;
        drawing_.background = background;
        drawing_.scale = scale;
        const ImFontAtlas &atlas = *ImGui::GetIO().Fonts;
        white_ = atlas.TexUvWhitePixel;
        for (int font = 0; font < atlas.Fonts.Size; ++font)
            for (const ImFontGlyph &glyph : atlas.Fonts[font]->Glyphs)
                letters_.try_emplace({glyph.U0, glyph.V0}, Letter{font, &glyph});
    }

    void read(const ImDrawList &list) {
        for (const ImDrawCmd &command : list.CmdBuffer)
            if (!command.UserCallback)
                read(list, command);
    }

    Drawing finish() {
        end_text();
        return std::move(drawing_);
    }

  private:
    void read(const ImDrawList &list, const ImDrawCmd &command) {
        clip_ = {{std::max(command.ClipRect.x, drawing_.area.low.x), std::max(command.ClipRect.y, drawing_.area.low.y)},
                 {std::min(command.ClipRect.z, drawing_.area.high.x), std::min(command.ClipRect.w, drawing_.area.high.y)}};
        if (clip_.low.x >= clip_.high.x || clip_.low.y >= clip_.high.y)
            return;
        const auto index = [&](unsigned i) { return list.IdxBuffer[int(command.IdxOffset + i)]; };
        const auto vertex = [&](unsigned i) { return list.VtxBuffer[int(command.VtxOffset + index(i))]; };
        for (unsigned i = 0; i + 2 < command.ElemCount;) {
            Fan fan{vertex(i), vertex(i + 1), vertex(i + 2)};
            const auto first = index(i);
            auto last = index(i + 2);
            for (i += 3; i + 2 < command.ElemCount && index(i) == first && index(i + 1) == last; i += 3) {
                fan.push_back(vertex(i + 2));
                last = index(i + 2);
            }
            add(fan);
        }
    }

    bool is_letter(const Fan &fan) const {
        return fan.size() == 4 && (fan[0].uv.x != white_.x || fan[0].uv.y != white_.y) && fan[0].uv.x != fan[2].uv.x;
    }

    void add(const Fan &fan) {
        DrawnRect box{fan[0].pos, fan[0].pos};
        for (const ImDrawVert &v : fan) {
            box.low = {std::min(box.low.x, v.pos.x), std::min(box.low.y, v.pos.y)};
            box.high = {std::max(box.high.x, v.pos.x), std::max(box.high.y, v.pos.y)};
        }
        if (!clip_.meets(box))
            return;
        if (is_letter(fan))
            return add_letter(fan);
        end_text();
        if ((fan[0].col & IM_COL32_A_MASK) == 0 && same_colour(fan))
            return;
        const bool clipped = !clip_.contains(box); // else it needs none
        if (fan.size() == 4 && same_colour(fan) && add_line(fan, clipped))
            return;
        add_polygon(fan, clipped);
    }

    static bool same_colour(const Fan &fan) {
        return std::all_of(fan.begin(), fan.end(), [&](const ImDrawVert &v) { return v.col == fan[0].col; });
    }

    // A rectangle that is thin, whichever way it lies, and the next piece of the line before it.
    bool add_line(const Fan &fan, bool clipped) {
        const auto middle = [](ImVec2 a, ImVec2 b) { return ImVec2((a.x + b.x) / 2, (a.y + b.y) / 2); };
        const ImVec2 a = fan[0].pos, b = fan[1].pos, c = fan[2].pos, d = fan[3].pos;
        const bool parallel = std::fabs(a.x + c.x - b.x - d.x) < 0.01f && std::fabs(a.y + c.y - b.y - d.y) < 0.01f;
        const float across = charts::distance(a, d), along = charts::distance(a, b);
        const float skew = std::fabs((b.x - a.x) * (d.x - a.x) + (b.y - a.y) * (d.y - a.y));
        if (!parallel || skew > 0.01f * std::max(1.0f, across * along) || std::min(across, along) > thin_)
            return false;
        const bool lies = along >= across;
        const ImVec2 from = lies ? middle(a, d) : middle(a, b), to = lies ? middle(b, c) : middle(d, c);
        const float thickness = lies ? across : along;
        if (!drawing_.shapes.empty()) {
            DrawnShape &before = drawing_.shapes.back();
            const bool goes_on = before.kind == DrawnShape::Kind::Line && before.colours[0] == fan[0].col &&
                                 std::fabs(before.thickness - thickness) < 0.01f &&
                                 charts::distance(before.points.back(), from) < 0.05f &&
                                 before.clipped == clipped && (!clipped || same(before.clip, clip_));
            if (goes_on) {
                before.points.push_back(to);
                return true;
            }
        }
        DrawnShape shape;
        shape.kind = DrawnShape::Kind::Line;
        shape.points = {from, to};
        shape.colours = {fan[0].col};
        shape.thickness = thickness;
        shape.clipped = clipped;
        shape.clip = clip_;
        drawing_.shapes.push_back(std::move(shape));
        return true;
    }

    static bool same(const DrawnRect &a, const DrawnRect &b) {
        return a.low.x == b.low.x && a.low.y == b.low.y && a.high.x == b.high.x && a.high.y == b.high.y;
    }

    void add_polygon(const Fan &fan, bool clipped) {
        DrawnShape shape;
        shape.clipped = clipped;
        shape.clip = clip_;
        for (const ImDrawVert &v : fan)
            shape.points.push_back(v.pos);
        if (same_colour(fan))
            shape.colours = {fan[0].col};
        else
            for (const ImDrawVert &v : fan)
                shape.colours.push_back(v.col);
        drawing_.shapes.push_back(std::move(shape));
    }

    void add_letter(const Fan &fan) {
        const auto found = letters_.find({fan[0].uv.x, fan[0].uv.y});
        if (found == letters_.end())
            return;
        const auto &[font_index, glyph] = found->second;
        const ImFont &font = *ImGui::GetIO().Fonts->Fonts[font_index];
        const float size = (fan[2].pos.x - fan[0].pos.x) / std::max(0.01f, glyph->X1 - glyph->X0);
        const ImVec2 origin{fan[0].pos.x - glyph->X0 * size, fan[0].pos.y - glyph->Y0 * size};
        if (text_) {
            const float gap = origin.x - pen_, space = font.GetCharAdvance(' ') * size;
            const float spaces = std::round(gap / std::max(1.0f, space));
            const bool goes_on = text_->font == font_index && text_->colours[0] == fan[0].col &&
                                 std::fabs(text_->points[0].y - origin.y) < kSlack && spaces >= 0 && spaces <= kMostSpaces &&
                                 std::fabs(gap - spaces * space) < kSlack && same(text_clip_, clip_);
            if (!goes_on)
                end_text();
            else
                text_->text.append(std::size_t(spaces), ' ');
        }
        if (!text_) {
            text_.emplace();
            text_->kind = DrawnShape::Kind::Text;
            text_->points = {origin};
            text_->colours = {fan[0].col};
            text_->font = font_index;
            text_->ascent = std::round(font.Ascent) * size;
            text_height_ = font.FontSize * size;
            text_clip_ = clip_;
        }
        char letter[5] = {};
        ImTextCharToUtf8(letter, glyph->Codepoint);
        text_->text += letter;
        pen_ = origin.x + glyph->AdvanceX * size;
        text_->width = pen_ - text_->points[0].x;
    }

    void end_text() {
        if (!text_)
            return;
        const ImVec2 at = text_->points[0];
        const DrawnRect box{at, {at.x + text_->width, at.y + text_height_}};
        text_->clipped = !text_clip_.contains(box);
        text_->clip = text_clip_;
        drawing_.shapes.push_back(std::move(*text_));
        text_.reset();
    }

    static constexpr float kMostSpaces = 3;
    const float thin_;
    Drawing drawing_;
    ImVec2 white_;
    std::map<std::pair<float, float>, Letter> letters_; // by their place in the atlas
    DrawnRect clip_, text_clip_;
    std::optional<DrawnShape> text_; // that letters are still added to
    float pen_ = 0, text_height_ = 0;
};

} // namespace

PlainShapes::PlainShapes()
    : lines_(ImGui::GetStyle().AntiAliasedLines), fill_(ImGui::GetStyle().AntiAliasedFill) {
    ImGui::GetStyle().AntiAliasedLines = ImGui::GetStyle().AntiAliasedFill = false;
}

PlainShapes::~PlainShapes() {
    ImGui::GetStyle().AntiAliasedLines = lines_;
    ImGui::GetStyle().AntiAliasedFill = fill_;
}

Drawing with_margin(Drawing drawing, float pixels) {
    DrawnRect &area = drawing.area;
    area = {{area.low.x - pixels, area.low.y - pixels}, {area.high.x + pixels, area.high.y + pixels}};
    return drawing;
}

Drawing read_drawing(const std::vector<const ImDrawList *> &lists, const DrawnRect &area, const ImVec4 &background,
                     float scale) {
    Reader reader(area, background, scale);
    for (const ImDrawList *list : lists)
        reader.read(*list);
    return reader.finish();
}

} // namespace moescope
