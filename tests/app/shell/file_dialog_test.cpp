#include "app/shell/file_dialog.h"

#include "tests/app/no_backend.h"
#include "tests/support/program.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_all.hpp>

#include <chrono>
#include <thread>

using namespace moescope;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

const FileQuestion kOpen{.kind = FileQuestion::Kind::Open,
                         .title = "Open a session",
                         .start = "/",
                         .what = "Sessions",
                         .suffixes = {".moescope"}};

FileQuestion saving(fs::path start) {
    return {.kind = FileQuestion::Kind::Save,
            .title = "Save",
            .start = std::move(start),
            .what = "Traces",
            .suffixes = {".json", ".json.gz"}};
}

std::vector<std::string> names_in(const fs::path &folder, const FolderFilter &filter = {}) {
    const auto entries = list_folder(folder, filter);
    REQUIRE(entries.ok());
    std::vector<std::string> names;
    for (const FolderEntry &entry : *entries)
        names.push_back(entry.name + (entry.folder ? "/" : ""));
    return names;
}

// A window without a display, with the dialog in it and nothing else.
class Desk {
  public:
    Desk() : imgui_(ImGui::CreateContext()) {
        ImGui::GetIO().IniFilename = nullptr;
        test::use_no_backend({1000, 700});
        apply(theme_, 1);
    }
    ~Desk() { ImGui::DestroyContext(imgui_); }
    Desk(const Desk &) = delete;
    Desk &operator=(const Desk &) = delete;

    FileDialog dialog{nullptr};
    std::string answer;

    void ask(const FileQuestion &question) {
        dialog.ask(question, [this](std::string path) { answer = std::move(path); });
    }
    void frame() {
        ImGui::GetIO().DeltaTime = 0.4f;
        ImGui::NewFrame();
        dialog.draw(theme_, 1);
        ImGui::Render();
    }
    void key(ImGuiKey which) {
        for (const bool down : {true, false}) {
            ImGui::GetIO().AddKeyEvent(which, down);
            frame();
        }
    }
    void type(const char *text) {
        ImGui::GetIO().AddInputCharactersUTF8(text);
        frame();
    }
    void settle() {
        for (int i = 0; i < 4; ++i)
            frame();
    }
    void until_closed() {
        for (int i = 0; i < 500 && dialog.is_open(); ++i) {
            frame();
            std::this_thread::sleep_for(10ms);
        }
    }

  private:
    Theme theme_ = built_in_theme(true);
    ImGuiContext *imgui_;
};

} // namespace

TEST_CASE("the desktop's dialogs are asked in their own words", "[look]") {
    CHECK(dialog_command("zenity", kOpen) == Words{"zenity", "--file-selection", "--title=Open a session",
                                                   "--filename=/", "--file-filter=Sessions | *.moescope",
                                                   "--file-filter=All files | *"});
    CHECK(dialog_command("zenity", saving("/x/a b.json")) ==
          Words{"zenity", "--file-selection", "--title=Save", "--filename=/x/a b.json", "--save",
                "--confirm-overwrite", "--file-filter=Traces | *.json *.json.gz", "--file-filter=All files | *"});
    CHECK(dialog_command("qarma", {.kind = FileQuestion::Kind::Folder, .title = "T", .start = "/tmp"}) ==
          Words{"qarma", "--file-selection", "--title=T", "--filename=/tmp/", "--directory"});
    CHECK(dialog_command("kdialog", kOpen) ==
          Words{"kdialog", "--title", "Open a session", "--getopenfilename", "/", "Sessions (*.moescope)"});
    CHECK(dialog_command("kdialog", {.kind = FileQuestion::Kind::Save, .title = "T"}) ==
          Words{"kdialog", "--title", "T", "--getsavefilename", "."});
}

TEST_CASE("KDE's own dialog goes first on KDE, zenity elsewhere, and none is no error", "[look]") {
    const test::TemporaryFolder folder;
    const test::Environment path("PATH", folder.path().string());
    const test::Environment gnome("XDG_CURRENT_DESKTOP", "ubuntu:GNOME");
    CHECK_FALSE(dialog_program());
    test::write_program(folder / "kdialog", "");
    CHECK(dialog_program() == "kdialog");
    test::write_program(folder / "zenity", "");
    CHECK(dialog_program() == "zenity");
    const test::Environment kde("XDG_CURRENT_DESKTOP", "KDE");
    CHECK(dialog_program() == "kdialog");
}

TEST_CASE("what the desktop's dialog prints is the file; cancelling is no file", "[look]") {
    const test::TemporaryFolder folder;
    const test::Environment path("PATH", folder.path().string());
    test::write_program(folder / "zenity", "echo '/some where/ü.moescope'\n");
    auto answer = ask_native_dialog("zenity", kOpen, {});
    REQUIRE(answer.ok());
    CHECK(*answer == "/some where/ü.moescope");
    test::write_program(folder / "zenity", "exit 1\n");
    answer = ask_native_dialog("zenity", kOpen, {});
    REQUIRE(answer.ok());
    CHECK(answer->empty());
    test::write_program(folder / "zenity", "echo 'cannot open display' >&2; exit 255\n");
    CHECK(ask_native_dialog("zenity", kOpen, {}).error().sentence() ==
          "zenity could not show a file dialog: it exited with status 255.");
}

TEST_CASE("the answer of the desktop's dialog arrives in a later frame", "[look]") {
    const test::TemporaryFolder folder;
    const test::Environment path("PATH", folder.path().string());
    test::write_program(folder / "zenity", "echo /chosen.moescope\n");
    Desk desk;
    desk.ask(kOpen);
    CHECK(desk.dialog.is_open());
    desk.until_closed();
    CHECK(desk.answer == "/chosen.moescope");
}

TEST_CASE("where the desktop's dialog cannot be shown, the built-in one opens", "[look]") {
    const test::TemporaryFolder folder;
    test::write_bytes(folder / "mine.moescope", "x");
    const test::Environment path("PATH", folder.path().string());
    test::write_program(folder / "zenity", "exit 7\n");
    Desk desk;
    FileQuestion question = kOpen;
    question.start = folder.path();
    desk.ask(question);
    for (int i = 0; i < 300; ++i) {
        desk.frame();
        std::this_thread::sleep_for(5ms);
        if (ImGui::GetIO().WantTextInput)
            break;
    }
    REQUIRE(ImGui::GetIO().WantTextInput);
    desk.type("mine.moescope");
    desk.key(ImGuiKey_Enter);
    desk.settle();
    CHECK(desk.answer == (folder / "mine.moescope").string());
    CHECK_FALSE(desk.dialog.is_open());
}

TEST_CASE("the built-in dialog saves under a typed name and asks before it saves over a file", "[look]") {
    const test::TemporaryFolder folder, empty;
    const test::Environment path("PATH", empty.path().string());
    test::write_bytes(folder / "old.json", "x");
    Desk desk;
    desk.ask(saving(folder / "old.json"));
    desk.settle();
    desk.key(ImGuiKey_Enter); // the suggested name: there already
    desk.settle();
    CHECK(desk.answer.empty());
    REQUIRE(desk.dialog.is_open());
    desk.key(ImGuiKey_Escape);
    desk.settle();
    CHECK_FALSE(desk.dialog.is_open());
    CHECK(desk.answer.empty());

    desk.ask(saving(folder / "new"));
    desk.settle();
    desk.key(ImGuiKey_Enter);
    desk.settle();
    CHECK(desk.answer == (folder / "new.json").string());
}

TEST_CASE("a folder is listed as people sort it, what fits and nothing hidden", "[look]") {
    const test::TemporaryFolder folder;
    for (const char *name : {"run10.moescope", "run2.moescope", "Run1.moescope", "notes.txt", ".hidden.moescope"})
        test::write_bytes(folder / name, "12345");
    fs::create_directories(folder / "zoo");
    fs::create_directories(folder / "Alpha");
    const std::vector<std::string> sessions = {".moescope"};
    CHECK(names_in(folder.path(), {.suffixes = sessions}) ==
          Words{"Alpha/", "zoo/", "Run1.moescope", "run2.moescope", "run10.moescope"});
    CHECK(names_in(folder.path()) ==
          Words{"Alpha/", "zoo/", "notes.txt", "Run1.moescope", "run2.moescope", "run10.moescope"});
    CHECK(names_in(folder.path(), {.suffixes = sessions, .hidden = true}).size() == 6);
    CHECK(names_in(folder.path(), {.files = false}) == Words{"Alpha/", "zoo/"});
    CHECK(list_folder(folder.path(), {})->back().bytes == 5);
    CHECK(list_folder(folder.path(), {})->back().changed_ns > 0);
    CHECK_FALSE(list_folder(folder / "nowhere", {}).ok());
}

TEST_CASE("a typed name is absolute, from home or within the folder, and gets its suffix to be saved", "[look]") {
    const test::Environment home("HOME", "/home/me");
    CHECK(meant_path("/a/b", "c.moescope", kOpen) == "/a/b/c.moescope");
    CHECK(meant_path("/a/b", "../c", kOpen) == "/a/c");
    CHECK(meant_path("/a/b", "/c", kOpen) == "/c");
    CHECK(meant_path("/a/b", "~/c", kOpen) == "/home/me/c");
    CHECK(meant_path("/a/b", "c", saving("")) == "/a/b/c.json");
    CHECK(meant_path("/a/b", "c.json.gz", saving("")) == "/a/b/c.json.gz");
    CHECK(meant_path("/a/b", "c.txt", saving("")) == "/a/b/c.txt.json");
}

TEST_CASE("one question at a time, and a dialog left open ends with the window", "[look]") {
    const test::TemporaryFolder folder;
    const test::Environment path("PATH", folder.path().string());
    test::write_program(folder / "zenity", "exec /bin/sleep 600\n");
    const auto before = std::chrono::steady_clock::now();
    {
        Desk desk;
        desk.ask(kOpen);
        desk.ask(saving("/x"));
        desk.frame();
        CHECK(desk.dialog.is_open());
    }
    CHECK(std::chrono::steady_clock::now() - before < 10s);
}
