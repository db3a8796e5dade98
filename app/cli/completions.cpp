#include "app/cli/completions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

namespace moescope::cli {

namespace {

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
    return text;
}

// As one word of bash or zsh.
std::string quoted(const std::string &text) { return "'" + replaced(text, "'", "'\\''") + "'"; }

std::string all_names(const CommandRow &command) {
    std::vector<std::string> names;
    for (const OptionRow &option : command.options)
        names.insert(names.end(), option.names.begin(), option.names.end());
    return fmt::format("{}", fmt::join(names, " "));
}

std::string command_names(const OptionTable &table) {
    std::vector<std::string> names;
    for (const CommandRow &command : table.commands)
        names.push_back(command.name);
    return fmt::format("{}", fmt::join(names, " "));
}

// What bash calls to complete a value; "": nothing is known about it.
std::string bash_action(const OptionRow &option) {
    const std::string words = quoted(fmt::format("{}", fmt::join(option.choices, " ")));
    switch (option.kind) {
    case ValueKind::Choice:
        return "_moescope_words " + words;
    case ValueKind::List:
        return "_moescope_list " + words;
    case ValueKind::File:
        return "_moescope_files" + (option.choices.empty() ? "" : " " + words);
    case ValueKind::Folder:
        return "_moescope_folders";
    case ValueKind::Host:
        return "_moescope_hosts";
    case ValueKind::Text:
        return "return 0"; // any word: no options are offered in its place
    case ValueKind::None:
        break;
    }
    return {};
}

constexpr const char *kBashHelpers = R"(# bash completion for moescope, made by: moescope completions bash
_moescope_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}
_moescope_list() {
    local before=
    [[ $cur == *,* ]] && before=${cur%,*},
    mapfile -t COMPREPLY < <(compgen -W "$1" -P "$before" -- "${cur##*,}")
    compopt -o nospace
}
_moescope_files() {
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$cur"; [[ -n ${1-} ]] && compgen -W "$1" -- "$cur")
}
_moescope_folders() {
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -d -- "$cur")
}
_moescope_hosts() {
    local before=
    [[ $cur == *@* ]] && before=${cur%@*}@
    mapfile -t COMPREPLY < <(compgen -A hostname -P "$before" -- "${cur##*@}")
}
)";

void bash_values(std::string &out, const CommandRow &command) {
    for (const OptionRow &option : command.options)
        if (const std::string action = bash_action(option); !action.empty())
            fmt::format_to(std::back_inserter(out), "    \"{} {}\") {}; return ;;\n", command.name,
                           fmt::join(option.names, fmt::format("\" | \"{} ", command.name)), action);
}

// "[what it does]" in a specification of zsh's _arguments.
std::string zsh_help(std::string text) {
    for (const char *sign : {"\\", "[", "]", ":"})
        text = replaced(text, sign, std::string("\\") + sign);
    return text;
}

std::string zsh_value(const OptionRow &option) {
    const std::string words = fmt::format("({})", fmt::join(option.choices, " "));
    switch (option.kind) {
    case ValueKind::Choice:
        return ":" + words;
    case ValueKind::List:
        return ":_values -s , value " + fmt::format("{}", fmt::join(option.choices, " "));
    case ValueKind::File:
        return option.choices.empty() ? ":_files" : ":_alternative 'names:name:" + words + "' 'files:file:_files'";
    case ValueKind::Folder:
        return ":_files -/";
    case ValueKind::Host:
        return ":_hosts";
    default:
        return ": ";
    }
}

void zsh_option(std::string &out, const OptionRow &option) {
    const std::string value =
        option.value.empty() ? ""
                             : fmt::format("{}{}{}", option.value_optional ? "::" : ":",
                                           zsh_help(option.value), zsh_value(option));
    for (const std::string &name : option.names)
        fmt::format_to(std::back_inserter(out), "            {} \\\n",
                       quoted(fmt::format("{}[{}]{}", name, zsh_help(option.help), value)));
}

void zsh_command(std::string &out, const CommandRow &command) {
    fmt::format_to(std::back_inserter(out), "        {})\n          _arguments \\\n", command.name);
    for (const OptionRow &option : command.options)
        zsh_option(out, option);
    out += command.positionals.empty() ? "            && return 0\n" : "            '*:file:_files' && return 0\n";
    out += "          ;;\n";
}

void fish_option(std::string &out, const OptionRow &option, const std::string &condition) {
    std::string line = "complete -c moescope -n " + quoted(condition);
    for (const std::string &name : option.names)
        line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    const std::string words = fmt::format("{}", fmt::join(option.choices, " "));
    switch (option.kind) {
    case ValueKind::None:
        break;
    case ValueKind::Choice:
        line += " -x -a " + quoted(words);
        break;
    case ValueKind::List:
        line += " -x -a " + quoted("(__fish_append , " + words + ")");
        break;
    case ValueKind::File:
        line += " -r -F" + (words.empty() ? "" : " -a " + quoted(words));
        break;
    case ValueKind::Folder:
        line += " -x -a '(__fish_complete_directories)'";
        break;
    case ValueKind::Host:
        line += " -x -a '(__fish_complete_user_at_hosts)'";
        break;
    case ValueKind::Text:
        line += " -x";
        break;
    }
    out += line + " -d " + quoted(option.help) + "\n";
}

} // namespace

std::string bash_completions(const OptionTable &table) {
    std::string out = kBashHelpers;
    fmt::format_to(std::back_inserter(out), R"(_moescope() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} command= word
    COMPREPLY=()
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case " {} " in *" $word "*) command=$word; break ;; esac
    done
    case "$command $prev" in
)",
                   command_names(table));
    bash_values(out, table.window);
    for (const CommandRow &command : table.commands)
        bash_values(out, command);
    out += "    esac\n    case \"$command\" in\n";
    for (const CommandRow &command : table.commands) {
        fmt::format_to(std::back_inserter(out), "    {})\n        if [[ $cur == -* ]]; then _moescope_words {}\n",
                       command.name, quoted(all_names(command)));
        if (!command.positionals.empty()) {
            const std::string action = bash_action(command.positionals.front());
            fmt::format_to(std::back_inserter(out), "        else {}\n", action);
        }
        out += "        fi ;;\n";
    }
    fmt::format_to(std::back_inserter(out), R"(    *)
        if [[ $cur == -* ]]; then _moescope_words {}
        else _moescope_files {}
        fi ;;
    esac
}}
complete -F _moescope moescope
)",
                   quoted(all_names(table.window)), quoted(command_names(table)));
    return out;
}

std::string zsh_completions(const OptionTable &table) {
    std::string out = "#compdef moescope\n# zsh completion for moescope, made by: moescope completions zsh\n"
                      "_moescope() {\n    local curcontext=\"$curcontext\" state line ret=1\n"
                      "    local -a commands\n    commands=(\n";
    for (const CommandRow &command : table.commands)
        fmt::format_to(std::back_inserter(out), "        {}\n",
                       quoted(command.name + ":" + replaced(command.help, ":", "\\:")));
    out += "    )\n    _arguments -C \\\n";
    for (const OptionRow &option : table.window.options)
        zsh_option(out, option);
    out += "            '1: :->first' '*:: :->rest' && ret=0\n"
           "    case $state in\n"
           "    first)\n        _describe command commands && ret=0\n"
           "        _files -g '*.moescope' && ret=0\n        ;;\n"
           "    rest)\n        case $words[1] in\n";
    for (const CommandRow &command : table.commands)
        zsh_command(out, command);
    out += "        *) _files -g '*.moescope' && ret=0 ;;\n        esac\n        ;;\n    esac\n"
           "    return ret\n}\n_moescope \"$@\"\n";
    return out;
}

std::string fish_completions(const OptionTable &table) {
    std::string out = "# fish completion for moescope, made by: moescope completions fish\n"
                      "complete -c moescope -f\n";
    const std::string names = command_names(table);
    const std::string none = "not __fish_seen_subcommand_from " + names;
    fmt::format_to(std::back_inserter(out), "complete -c moescope -n {} -F\n", quoted(none));
    for (const OptionRow &option : table.window.options)
        fish_option(out, option, none);
    for (const CommandRow &command : table.commands) {
        fmt::format_to(std::back_inserter(out), "complete -c moescope -n {} -a {} -d {}\n", quoted(none),
                       command.name, quoted(command.help));
        const std::string here = "__fish_seen_subcommand_from " + command.name;
        for (const OptionRow &option : command.options)
            fish_option(out, option, here);
        for (const OptionRow &positional : command.positionals)
            if (positional.kind == ValueKind::File)
                fmt::format_to(std::back_inserter(out), "complete -c moescope -n {} -F\n", quoted(here));
            else if (!positional.choices.empty())
                fmt::format_to(std::back_inserter(out), "complete -c moescope -n {} -x -a {}\n", quoted(here),
                               quoted(fmt::format("{}", fmt::join(positional.choices, " "))));
    }
    return out;
}

} // namespace moescope::cli
