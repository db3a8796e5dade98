// In an ImGui context of its own, so where ImGui is drawn or in a program without a window: not on another
// thread of one.
// A session as one HTML page that needs nothing else: facts, plots as SVG, tables. Light or dark as
// the reader's system is.
#pragma once

#include "profiler/base/result.h"
#include "profiler/session/session.h"

#include <filesystem>
#include <iosfwd>

namespace moescope {

void write_report(const Session &session, std::ostream &out);
// Written as PATH.tmp and renamed when complete.
Status export_report(const Session &session, const std::filesystem::path &path);

} // namespace moescope
