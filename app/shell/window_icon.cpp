#include "app/shell/window_icon.h"

#include "profiler/base/assets.h"

#define GLFW_INCLUDE_NONE
#include <GLFW/glfw3.h>
#include <fmt/format.h>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb/stb_image.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#include <memory>
#include <vector>

namespace moescope {

namespace {

using Pixels = std::unique_ptr<stbi_uc, decltype(&stbi_image_free)>;

// In the source, or where an installation has the desktop's icons.
Pixels read_icon(int size, GLFWimage &image) {
    for (const std::string &place : {fmt::format("icons/moescope-{}.png", size),
                                     fmt::format("../icons/hicolor/{0}x{0}/apps/moescope.png", size)}) {
        Pixels pixels(stbi_load(find_asset(place).c_str(), &image.width, &image.height, nullptr, 4), stbi_image_free);
        image.pixels = pixels.get();
        if (pixels)
            return pixels;
    }
    return Pixels(nullptr, stbi_image_free);
}

} // namespace

void set_window_icon(GLFWwindow *window) {
    if (glfwGetPlatform() != GLFW_PLATFORM_X11) // Wayland takes the desktop entry's
        return;
    std::vector<Pixels> kept;
    std::vector<GLFWimage> images;
    for (const int size : {16, 32, 48, 128}) {
        GLFWimage image{};
        if (Pixels pixels = read_icon(size, image)) {
            kept.push_back(std::move(pixels));
            images.push_back(image);
        }
    }
    if (!images.empty())
        glfwSetWindowIcon(window, int(images.size()), images.data());
}

} // namespace moescope
