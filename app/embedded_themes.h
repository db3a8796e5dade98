// The files of assets/themes as text; the table is made by the build.
#pragma once

namespace moescope {

struct EmbeddedTheme {
    const char *name; // file name without folder
    const char *text;
};
extern const EmbeddedTheme kEmbeddedThemes[];
extern const int kEmbeddedThemeCount;

} // namespace moescope
