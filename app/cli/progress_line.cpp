#include "app/cli/progress_line.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace moescope::cli {

namespace {

constexpr int kBarWidth = 20;

std::size_t terminal_width() {
    winsize size{};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col - 1u
                                                                            : 79u;
}

} // namespace

std::string progress_text(const std::string &doing, double fraction, std::size_t width) {
    std::string text;
    if (fraction >= 0) {
        const int full = std::clamp(int(fraction * kBarWidth), 0, kBarWidth);
        text = fmt::format("[{}{}] {:3.0f} % ", std::string(std::size_t(full), '#'),
                           std::string(std::size_t(kBarWidth - full), ' '),
                           std::min(fraction, 1.0) * 100);
    }
    text += doing;
    return text.substr(0, width);
}

ProgressLine::ProgressLine() : terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
    if (shown_)
        std::fputs("\r\033[K", stderr);
}

void ProgressLine::show(const std::string &doing, double fraction) {
    if (!terminal_ || doing.empty())
        return;
    std::fprintf(stderr, "\r\033[K%s", progress_text(doing, fraction, terminal_width()).c_str());
    std::fflush(stderr);
    shown_ = true;
}

} // namespace moescope::cli
