#include "app/shell/file_dialog.h"

namespace moescope {

void FileDialog::ask(FileQuestion question, std::function<void(std::string)> then) {
    if (is_open())
        return;
    question_ = std::move(question);
    then_ = std::move(then);
    if (const auto program = dialog_program())
        native_.start(
            [program = *program, question = question_](const std::stop_token &stop) {
                return ask_native_dialog(program, question, stop);
            },
            wake_);
    else
        browser_.open(question_);
}

void FileDialog::draw(const Theme &theme, float scale) {
    std::optional<std::string> answer;
    if (const auto native = native_.poll()) {
        if (*native)
            answer = **native;
        else
            browser_.open(question_); // the desktop's dialog could not be shown
    }
    if (const auto browsed = browser_.draw(theme, scale))
        answer = browsed;
    if (answer && !answer->empty())
        then_(std::move(*answer));
}

} // namespace moescope
