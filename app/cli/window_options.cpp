#include "app/cli/window_options.h"

#include "app/cli/numbers.h"
#include "app/cli/output_file.h"
#include "app/cli/picture_size.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <system_error>

namespace moescope::cli {

namespace {

Status check_file(const std::string &file, const std::vector<std::string> &commands) {
    std::error_code problem;
    if (std::filesystem::is_regular_file(file, problem))
        return {};
    if (std::filesystem::exists(file, problem))
        return Error{
            fmt::format("\"{}\" is not a plain file", file), "the window opens session files", {}};
    return Error{fmt::format("\"{}\" is neither a command nor a file", file),
                 fmt::format("the commands are {}", fmt::join(commands, ", ")),
                 {}};
}

Status read_point(const std::optional<std::string> &given, std::optional<std::pair<int, int>> &to) {
    if (!given)
        return {};
    const std::size_t comma = std::min(given->find(','), given->size());
    const auto x = parse_integer("--point", given->substr(0, comma), 0, 16'384);
    const auto y = parse_integer("--point", given->substr(std::min(comma + 1, given->size())), 0, 16'384);
    if (!x || !y)
        return Error{fmt::format("--point is \"{}\"", *given), "it must be two numbers of pixels, X,Y", ""};
    to = {int(*x), int(*y)};
    return {};
}

} // namespace

void add_window_options(CLI::App &app, WindowArguments &arguments) {
    app.add_option("FILE", arguments.files, "Sessions to open in the window");
    const auto add = [&](const char *name, std::optional<std::string> &to, const char *value,
                         const char *help) {
        app.add_option(name, to, help)->type_name(value)->group("Window");
    };
    add("--remote", arguments.remote, "USER@HOST", "Use this machine's GPU, through ssh");
    add("--view", arguments.view, "NAME", "The view to show first");
    add("--run", arguments.run, "N", "Which of the session's runs to show, counted from 1 (the first one done)");
    add("--theme", arguments.theme, "NAME", "dark, light, high-contrast, high-contrast-light, or system");
    add("--scale", arguments.scale, "F", "Size of text and spacing, 0.5..4 (the monitor's)");
    add("--size", arguments.size, "WxH", "Pixels of the window");
    add("--screenshot", arguments.screenshot, "FILE.png",
        "Write a picture of the window and leave");
    add("--frames", arguments.frames, "N", "Frames drawn before the screenshot (20)");
    add("--do", arguments.actions, "ID,ID", "Commands of the window to begin with, as its menus have them");
    add("--point", arguments.point, "X,Y", "Where the pointer is for the screenshot, in pixels");
}

Result<WindowOptions> make_window_options(const WindowArguments &arguments,
                                          const std::vector<std::string> &commands) {
    WindowOptions request;
    for (const std::string &file : arguments.files) {
        if (const Status status = check_file(file, commands); !status)
            return status.error();
        request.files.emplace_back(file);
    }
    request.remote = arguments.remote.value_or("");
    request.view = arguments.view.value_or("");
    request.theme = arguments.theme.value_or("");
    if (arguments.scale) {
        const auto scale = parse_real("--scale", *arguments.scale, 0.5, 4);
        if (!scale)
            return scale.error();
        request.scale = float(*scale);
    }
    if (const Status status = read_size(arguments.size, request.width, request.height); !status)
        return status.error();
    const auto frames = parse_integer("--frames", arguments.frames.value_or("20"), 1, 100'000);
    if (!frames)
        return frames.error();
    request.frames = int(*frames);
    const auto run = parse_integer("--run", arguments.run.value_or("0"), arguments.run ? 1 : 0, 1'000'000);
    if (!run)
        return run.error();
    request.run = int(*run);
    if (request.run > 0 && request.files.empty())
        return Error{fmt::format("--run is {}", request.run), "it counts a session's runs, and no session is given",
                     "name its file"};
    if (const Status status = read_point(arguments.point, request.point); !status)
        return status.error();
    for (std::string_view rest = arguments.actions ? *arguments.actions : std::string_view(); !rest.empty();) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        request.actions.emplace_back(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    if (arguments.screenshot) {
        request.screenshot = *arguments.screenshot;
        if (const Status status = check_output("--screenshot", request.screenshot); !status)
            return status.error();
    }
    return request;
}

} // namespace moescope::cli
