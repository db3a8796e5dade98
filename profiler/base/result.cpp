#include "profiler/base/result.h"

namespace moescope {

std::string Error::sentence() const { return clause() + "."; }

std::string Error::clause() const {
    std::string text = what;
    if (!why.empty())
        text += ": " + why;
    if (!remedy.empty())
        text += "; " + remedy;
    return text;
}

} // namespace moescope
