// A picture in memory, and as a PNG file.
#pragma once

#include "profiler/base/result.h"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace moescope {

// 8-bit RGBA rows from the top, opaque pictures have alpha 255.
struct Image {
    int width = 0, height = 0;
    std::vector<std::uint8_t> rgba; // [height * width * 4]

    Image() = default;
    Image(int width, int height)
        : width(width), height(height), rgba(std::size_t(width) * std::size_t(height) * 4) {}
    const std::uint8_t *pixel(int x, int y) const {
        return &rgba[(std::size_t(y) * width + x) * 4];
    }
    std::uint8_t *pixel(int x, int y) { return &rgba[(std::size_t(y) * width + x) * 4]; }
};

// Written as PATH.tmp and renamed when complete. Errors: unwritable path, full disk.
Status write_png(const Image &image, const std::filesystem::path &path);

} // namespace moescope
