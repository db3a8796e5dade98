// Answers "which file?": with the desktop's own dialog where there is one, else with the built-in browser.
#pragma once

#include "app/shell/background_task.h"
#include "app/shell/native_dialog.h"
#include "app/theme.h"
#include "app/views/file_browser.h"

#include <functional>
#include <string>

namespace moescope {

class FileDialog {
  public:
    // wake: as the shell's.
    explicit FileDialog(std::function<void()> wake) : wake_(std::move(wake)) {}

    // `then` gets the path, from draw(); nothing when the user changes their mind. One question at a time: another
    // one is not asked while a dialog is open.
    void ask(FileQuestion question, std::function<void(std::string)> then);
    bool is_open() const { return native_.busy() || browser_.is_open(); }
    void draw(const Theme &theme, float scale);

  private:
    std::function<void()> wake_;
    FileQuestion question_;
    std::function<void(std::string)> then_;
    BackgroundTask<Result<std::string>> native_;
    FileBrowser browser_;
};

} // namespace moescope
