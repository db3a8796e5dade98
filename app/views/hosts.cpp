#include "app/views/hosts.h"

#include "app/views/status.h"
#include "app/views/ui.h"

#include <fmt/format.h>
#include <imgui_stdlib.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

namespace moescope {

namespace {

using State = WorkerClient::State;

constexpr const char *kPopup = "hosts";

std::string as_sentence(std::string words) {
    words.front() = char(std::toupper(static_cast<unsigned char>(words.front())));
    return words + ".";
}

class Panel {
  public:
    Panel(const Theme &theme, float scale, HostsState &state, const HostsActions &actions)
        : theme_(theme), scale_(scale), state_(state), actions_(actions) {}

    void draw(const std::vector<HostRow> &hosts);

  private:
    float px(float pixels) const { return std::round(pixels * scale_); }
    void draw_host(std::size_t index, const HostRow &host);
    void draw_title(const HostRow &host);
    void draw_details(const HostRow &host);
    void draw_copy(const HostRow &host);
    void draw_buttons(std::size_t index, const HostRow &host);
    bool button(const char *label, const char *explanation, bool primary = false);
    void close_after(const std::function<void()> &action);
    void draw_entry();
    void draw_known();
    void connect(const std::string &name);

    const Theme &theme_;
    float scale_;
    HostsState &state_;
    const HostsActions &actions_;
    bool first_button_ = true;
};

void Panel::draw_title(const HostRow &host) {
    const float line = ImGui::GetTextLineHeight(), radius = px(4);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    ImGui::GetWindowDrawList()->AddCircleFilled({at.x + radius, at.y + line / 2}, radius,
                                                packed(state_colour(theme_, host)));
    ImGui::Dummy({2 * radius, line});
    ImGui::SameLine(0, px(8));
    ui::heading(title_of(host));
    if (host.shown) {
        ImGui::SameLine(0, px(8));
        ui::badge(theme_, "in use", theme_.accent);
        ui::explain("What is run runs on this host; its live session is what the views show, unless a file is open.");
    }
    if (host.compared) {
        ImGui::SameLine(0, px(8));
        ui::badge(theme_, "compared", theme_.series[1]);
        ui::explain("Its session is the second one of the Compare view, and stays up to date there.");
    }
    ImGui::SameLine(0, px(12));
    ui::right_aligned(state_text(host), state_colour(theme_, host));
}

void Panel::draw_details(const HostRow &host) {
    const ui::FontScope small(ui::small_font());
    std::string known = devices_text(host.progress.devices);
    if (host.runs > 0)
        known += fmt::format("{}{} run{} in its session", known.empty() ? "" : " · ", host.runs, host.runs == 1 ? "" : "s");
    if (!known.empty())
        ui::wrapped(known, theme_.muted);
    const Error &error = host.progress.error;
    if (host.copying.empty() && !error.what.empty() && host.progress.state != State::Ready && host.progress.state != State::Running) {
        const std::string said = error.what + (error.why.empty() ? "" : ": " + error.why);
        const std::string target = host.name.substr(0, host.name.find(':')); // a name is not written otherwise
        ui::wrapped(!target.empty() && said.starts_with(target) ? said + "." : as_sentence(said), theme_.text);
        if (!error.remedy.empty() && !copy_helps(host)) // there is a button for it
            ui::wrapped(as_sentence(error.remedy), theme_.muted);
    }
    if (host.copy_error)
        ui::wrapped(host.copy_error->sentence(), theme_.failure);
}

void Panel::draw_copy(const HostRow &host) {
    const ui::FontScope small(ui::small_font());
    const float width = px(200), height = px(6), line = ImGui::GetTextLineHeight();
    const ImVec2 at = ImGui::GetCursorScreenPos();
    const float top = std::round(at.y + (line - height) / 2);
    auto *draw = ImGui::GetWindowDrawList();
    draw->AddRectFilled({at.x, top}, {at.x + width, top + height}, packed(theme_.raised), height / 2);
    if (host.copied > 0)
        draw->AddRectFilled({at.x, top}, {at.x + width * float(std::min(1.0, host.copied)), top + height}, packed(theme_.accent),
                            height / 2);
    ImGui::Dummy({width, line});
    ImGui::SameLine(0, px(12));
    ui::text(host.copying, theme_.muted);
    ui::explain("moescope-worker and the libraries it needs, over ssh into ~/.local/share/moescope there. Every file's "
                "SHA-256 is checked and the worker is started once before it takes its place.");
}

// What is asked for shows in the window behind.
void Panel::close_after(const std::function<void()> &action) {
    action();
    ImGui::CloseCurrentPopup();
}

// One after the other on a line.
bool Panel::button(const char *label, const char *explanation, bool primary) {
    if (!std::exchange(first_button_, false))
        ImGui::SameLine(0, px(8));
    const bool clicked = primary ? ui::primary_button(theme_, label) : ImGui::Button(label);
    ui::explain(explanation);
    return clicked;
}

void Panel::draw_buttons(std::size_t index, const HostRow &host) {
    const bool usable = host.progress.state == State::Ready || host.progress.state == State::Running;
    const bool remote = !host.name.empty();
    first_button_ = true;
    if (!host.copying.empty()) {
        if (button("Cancel", "Stops copying. Nothing of it stays there."))
            actions_.cancel_copy(index);
        return;
    }
    if (remote && copy_helps(host) &&
        button("Copy the worker there", "Copies this program's worker and its libraries over ssh, and starts it.", true))
        actions_.copy(index);
    if (!host.shown && (usable || host.measured) &&
        button(usable ? "Use" : "Show", "Sends what is run next to this host, and shows its live session in the views."))
        close_after([&] { actions_.show(index); });
    if (!host.shown && host.measured && !host.compared &&
        button("Compare", "Puts its session beside the one that is shown, in the Compare view."))
        close_after([&] { actions_.compare(index); });
    if (host.progress.state == State::Reconnecting && button("Try now", "Connects again without waiting any longer."))
        actions_.reconnect(index);
    if ((host.progress.state == State::Gone || !host.started) &&
        button(host.started ? "Try again" : "Start", remote ? "Connects again." : "Starts this machine's own worker."))
        actions_.reconnect(index);
    if (remote && !host.shown && host.progress.state != State::Running &&
        button("Close", "Ends its worker. What it measured stays in its session file."))
        actions_.remove(index);
}

void Panel::draw_host(std::size_t index, const HostRow &host) {
    ImGui::PushID(int(index));
    ImGui::Separator();
    ImGui::Dummy({0, px(2)});
    draw_title(host);
    ImGui::Indent(px(16));
    draw_details(host);
    if (!host.copying.empty())
        draw_copy(host);
    draw_buttons(index, host);
    ImGui::Unindent(px(16));
    ImGui::Dummy({0, px(2)});
    ImGui::PopID();
}

void Panel::connect(const std::string &name) {
    state_.entry_error.reset();
    actions_.connect(name);
    if (!state_.entry_error)
        state_.entry.clear();
}

void Panel::draw_known() {
    if (state_.known.empty())
        return;
    ImGui::SameLine(0, px(8));
    ImGui::SetNextItemWidth(-FLT_MIN);
    if (ImGui::BeginCombo("##known", "", ImGuiComboFlags_NoPreview | ImGuiComboFlags_HeightLarge)) {
        for (const std::string &name : state_.known)
            if (ImGui::Selectable(name.c_str()))
                connect(name);
        ImGui::EndCombo();
    }
    ui::explain("Hosts of ~/.ssh/config, and those that were used before.");
}

void Panel::draw_entry() {
    ImGui::Dummy({0, px(2)});
    ui::text("Another host", theme_.muted);
    ui::explain("As ssh takes it. Your own keys and ~/.ssh/config apply; no port is opened, and nothing is asked: a host "
                "that wants a password or is not known yet is refused, and the sentence says what helps.");
    const float combo = state_.known.empty() ? 0 : ImGui::GetFrameHeight() + px(8);
    const float connect_width = ImGui::CalcTextSize("Connect").x + 2 * ImGui::GetStyle().FramePadding.x;
    ImGui::SetNextItemWidth(ImGui::GetContentRegionAvail().x - combo - connect_width - px(8));
    const bool entered = ImGui::InputTextWithHint("##host", "user@host, or user@host:/path/to/moescope-worker", &state_.entry,
                                                  ImGuiInputTextFlags_EnterReturnsTrue);
    ImGui::SameLine(0, px(8));
    ImGui::BeginDisabled(state_.entry.empty());
    if ((ImGui::Button("Connect") || entered) && !state_.entry.empty())
        connect(state_.entry);
    ImGui::EndDisabled();
    draw_known();
    if (state_.entry_error) {
        const ui::FontScope small(ui::small_font());
        ui::wrapped(as_sentence(state_.entry_error->clause()), theme_.failure);
    }
    ImGui::Dummy({0, px(2)});
}

void Panel::draw(const std::vector<HostRow> &hosts) {
    ui::heading("Hosts");
    ui::explain("Each host has a worker of its own, which runs the kernels, and a session of its own.");
    ImGui::Separator();
    draw_entry(); // above the rows, which come and go
    for (std::size_t i = 0; i < hosts.size(); ++i)
        draw_host(i, hosts[i]);
}

} // namespace

std::string title_of(const HostRow &host) { return host.name.empty() ? "this machine" : host.name; }

std::string state_text(const HostRow &host) {
    if (!host.copying.empty())
        return "copying the worker";
    if (!host.started)
        return "not started";
    switch (host.progress.state) {
    case State::Starting:
        return host.name.empty() ? "starting" : "connecting";
    case State::Ready:
        return "ready";
    case State::Running:
        return "running";
    case State::Restarting:
        return "restarting";
    case State::Reconnecting:
        return "connection lost, " + waiting_text(host.progress);
    case State::Gone:
        break;
    }
    switch (host.progress.trouble) {
    case RemoteTrouble::NoWorker:
        return "no worker there";
    case RemoteTrouble::OtherVersion:
        return "another version";
    case RemoteTrouble::NoAccess:
        return "no access";
    case RemoteTrouble::Unreachable:
        return "not reached";
    case RemoteTrouble::Lost:
        return "connection lost";
    case RemoteTrouble::None:
    case RemoteTrouble::Other:
        break;
    }
    return "no worker";
}

ImVec4 state_colour(const Theme &theme, const HostRow &host) {
    if (!host.started)
        return theme.muted;
    return host.copying.empty() ? state_colour(theme, host.progress) : theme.accent;
}

std::string devices_text(const std::vector<DeviceInfo> &devices) {
    std::vector<std::string> order;
    std::map<std::string, int> counts;
    for (const DeviceInfo &device : devices)
        if (counts[device.is_cpu() ? "cpu" : device.name]++ == 0)
            order.push_back(device.is_cpu() ? "cpu" : device.name);
    std::string text;
    for (const std::string &name : order)
        text += (text.empty() ? "" : ", ") + (counts[name] > 1 ? fmt::format("{} × ", counts[name]) : "") + name;
    if (!devices.empty() && !devices.front().driver.empty())
        text += " · driver " + devices.front().driver;
    if (!devices.empty() && !devices.front().host.empty())
        text += " · " + devices.front().host;
    return text;
}

bool copy_helps(const HostRow &host) {
    const Result<RemoteHost> named = parse_remote_host(host.name);
    if (named && !named->worker_path.empty()) // a copy is not looked for while a path is named
        return false;
    return host.progress.trouble == RemoteTrouble::NoWorker || host.progress.trouble == RemoteTrouble::OtherVersion;
}

void draw_hosts(const Theme &theme, float scale, HostsState &state, const std::vector<HostRow> &hosts,
                const HostsActions &actions) {
    if (std::exchange(state.wanted, false))
        ImGui::OpenPopup(kPopup);
    const ImVec2 window = ImGui::GetIO().DisplaySize;
    const float width = std::min(window.x - 40 * scale, std::round(600 * scale));
    ImGui::SetNextWindowPos({window.x / 2, window.y * 0.45f}, ImGuiCond_Always, {0.5f, 0.5f});
    ImGui::SetNextWindowSizeConstraints({width, 0}, {width, window.y * 0.8f});
    ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(std::round(16 * scale), std::round(12 * scale)));
    const bool open = ImGui::BeginPopup(kPopup);
    ImGui::PopStyleVar();
    if (!open)
        return;
    Panel(theme, scale, state, actions).draw(hosts);
    ImGui::EndPopup();
}

} // namespace moescope
