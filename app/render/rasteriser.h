// Draws ImGui's triangles into memory: what the window shows, with no display and no OpenGL.
// Rules as OpenGL's: pixel centres at half-integers, top-left fill rule (a shared edge is drawn
// once), bilinear texture sampling, source-alpha blending.
#pragma once

#include "app/render/image.h"

#include <imgui.h>

namespace moescope {

// The one texture of a frame: the font atlas, RGBA8. A view of memory that somebody else owns.
struct Texture {
    const std::uint8_t *rgba = nullptr;
    int width = 0, height = 0;
};

// The texture of the current context's fonts.
Texture atlas_texture();

// Fills the image with an opaque colour.
void clear(Image &image, const ImVec4 &colour);

// Draws every command of a frame; user callbacks are not called. Every command samples `texture`.
void rasterise(const ImDrawData &frame, const Texture &texture, Image &image);

} // namespace moescope
