#include "app/cli/manual.h"

#include "app/cli/manual_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iterator>

namespace moescope::cli {

namespace {

// Text that man takes for nothing but text: a line that begins with a dot or a quote is a request.
std::string plain(const std::string &text) {
    std::string out;
    for (const char c : text)
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else if (c == '~')
            out += "\\(ti";
        else if (c == '^')
            out += "\\(ha";
        else
            out += c;
    return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

void add_entry(std::string &out, const OptionRow &option) {
    std::string names;
    for (const std::string &name : option.names)
        names += (names.empty() ? "\\fB" : ", \\fB") + plain(name) + "\\fR";
    if (!option.value.empty() && names.empty())
        names = "\\fI" + plain(option.value) + "\\fR";
    else if (!option.value.empty())
        names += (option.value_optional ? " [\\fI" : " \\fI") + plain(option.value) +
                 (option.value_optional ? "\\fR]" : "\\fR");
    fmt::format_to(std::back_inserter(out), ".TP\n{}\n{}\n", names, plain(option.help));
}

void add_options(std::string &out, const CommandRow &command) {
    for (const OptionRow &positional : command.positionals)
        add_entry(out, positional);
    for (const OptionRow &option : command.options)
        if (option.names.front() != "--help")
            add_entry(out, option);
}

std::string synopsis(const CommandRow &command) {
    std::string line = "\\fBmoescope\\fR";
    if (!command.name.empty())
        line += " \\fB" + plain(command.name) + "\\fR";
    if (!command.options.empty())
        line += " [\\fIoptions\\fR]";
    for (const OptionRow &positional : command.positionals)
        line += fmt::format(" \\fI{}\\fR", plain(positional.value));
    return line;
}

} // namespace

std::string manual_page(const OptionTable &table) {
    std::string out = ".\\\" Made by: moescope manual\n";
    fmt::format_to(std::back_inserter(out), ".TH MOESCOPE 1 \"{}\" \"MoEScope {}\" \"User Commands\"\n",
                   MOESCOPE_DATE, MOESCOPE_VERSION);
    out += ".SH NAME\nmoescope \\- why Mixture\\-of\\-Experts kernels take the time they take\n.SH SYNOPSIS\n";
    out += synopsis(table.window) + "\n";
    for (const CommandRow &command : table.commands)
        out += ".br\n" + synopsis(command) + "\n";
    out += kManualDescription;
    out += ".SH THE WINDOW\n";
    add_options(out, table.window);
    out += ".SH COMMANDS\nEvery command takes \\fB\\-\\-help\\fR.\n";
    for (const CommandRow &command : table.commands) {
        fmt::format_to(std::back_inserter(out), ".SS {}\n{}.\n", plain(command.name), plain(command.help));
        add_options(out, command);
    }
    return out + kManualEnd;
}

} // namespace moescope::cli
