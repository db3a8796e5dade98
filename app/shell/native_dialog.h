// The desktop's own file dialogs, through the programs that desktops bring for this: zenity (GNOME and its
// relatives), kdialog (KDE), or qarma and matedialog, which take zenity's options.
#pragma once

#include "app/views/file_question.h"
#include "profiler/base/result.h"

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace moescope {

// The program to ask on this desktop; nothing where there is none.
std::optional<std::string> dialog_program();
// Its command line for a question.
std::vector<std::string> dialog_command(const std::string &program, const FileQuestion &question);

// Asks and waits for the user. The file's path; "" when the user changed their mind. Errors: the program could
// not show a dialog.
Result<std::string> ask_native_dialog(const std::string &program, const FileQuestion &question,
                                      const std::stop_token &stop);

} // namespace moescope
