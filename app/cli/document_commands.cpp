#include "app/cli/document_commands.h"

#include "app/cli/completions.h"
#include "app/cli/manual.h"
#include "app/cli/say.h"

#include <fmt/format.h>

namespace moescope::cli {

int completions_command(const CLI::App &app, const std::optional<std::string> &shell) {
    const OptionTable table = option_table(app);
    if (shell == "bash")
        show(bash_completions(table));
    else if (shell == "zsh")
        show(zsh_completions(table));
    else if (shell == "fish")
        show(fish_completions(table));
    else
        return complain({shell ? fmt::format("SHELL is \"{}\"", *shell) : "SHELL is missing",
                         "it must be bash, zsh or fish", "moescope completions bash"},
                        kWrongRequest);
    return kDone;
}

int manual_command(const CLI::App &app) {
    show(manual_page(option_table(app)));
    return kDone;
}

} // namespace moescope::cli
