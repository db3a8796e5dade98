// What there is to do before anything is measured: run, open, learn.
#pragma once

#include "app/shell/actions.h"
#include "app/shell/recent.h"
#include "app/theme.h"

#include <functional>
#include <string>
#include <vector>

namespace moescope {

struct StartPage {
    std::vector<RecentFile> recent, shipped; // shipped: recorded sessions that come with the program
    std::string tip;                         // "": none
    bool nothing_measured = true;
    std::string host; // on which; "": there is one alone
};

// Fills the current window. True when something was chosen.
bool draw_start_page(const Theme &theme, float scale, const StartPage &page, const Actions &actions,
                     const std::function<void(const std::string &)> &open, const std::function<void()> &next_tip);

} // namespace moescope
