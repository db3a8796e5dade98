#include "profiler/session/throttle.h"

#include <utility>

namespace moescope {

std::string throttle_text(std::uint64_t reasons) {
    constexpr std::pair<std::uint64_t, const char *> kReasons[] = {
        {0x04, "power cap"},
        {0x08, "hardware slowdown"},
        {0x10, "synchronised with slower GPUs"},
        {0x20, "thermal slowdown"},
        {0x40, "thermal slowdown (hardware)"},
        {0x80, "power brake"},
    };
    std::string text;
    for (const auto &[bit, words] : kReasons)
        if (reasons & bit)
            text += (text.empty() ? "" : ", ") + std::string(words);
    return text;
}

} // namespace moescope
