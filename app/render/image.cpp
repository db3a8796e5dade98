#include "app/render/image.h"

#include <fmt/format.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb/stb_image_write.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

namespace moescope {

namespace {

void append(void *context, void *data, int size) {
    static_cast<std::ofstream *>(context)->write(static_cast<const char *>(data), size);
}

} // namespace

Status write_png(const Image &image, const std::filesystem::path &path) {
    const std::filesystem::path partial = path.string() + ".tmp";
    const auto failed = [&](const std::string &why) {
        std::error_code ignored;
        std::filesystem::remove(partial, ignored);
        return Error{fmt::format("picture {}", path.string()), why, "choose another path"};
    };
    errno = 0;
    std::ofstream out(partial, std::ios::binary);
    if (!out)
        return failed(fmt::format("it cannot be written ({})", std::strerror(errno)));
    const int encoded = stbi_write_png_to_func(append, &out, image.width, image.height, 4,
                                               image.rgba.data(), image.width * 4);
    out.close();
    if (!encoded || !out)
        return failed("not all of it could be written (is the disk full?)");
    std::error_code problem;
    std::filesystem::rename(partial, path, problem);
    if (problem)
        return failed(problem.message());
    return {};
}

} // namespace moescope
