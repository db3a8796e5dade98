#include "app/shell/system_look.h"

#include "app/shell/other_program.h"
#include "app/shell/shell.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;
using namespace std::chrono_literals;

namespace {

// A desktop of the test's own: a bus that is said to be there, and one program that speaks to it.
struct Desktop {
    explicit Desktop(const std::string &program, const std::string &script) {
        if (!program.empty())
            test::write_program(folder.path() / program, script);
    }
    test::TemporaryFolder folder;
    test::Environment path{"PATH", folder.path().string()};
    test::Environment bus{"DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent"};
};

} // namespace

TEST_CASE("the portal's answer is the last number, whichever program prints it", "[look]") {
    CHECK(number_in_answer("(<<uint32 1>>,)\n") == 1);
    CHECK(number_in_answer("v v u 2\n") == 2);
    CHECK(number_in_answer("   variant       variant          uint32 0\n") == 0);
    CHECK_FALSE(number_in_answer(""));
    CHECK_FALSE(number_in_answer("no such interface"));
    CHECK_FALSE(number_in_answer("Error: org.freedesktop.DBus.Error.v2"));
    CHECK_FALSE(number_in_answer("uint32 99999999999999999999"));
}

TEST_CASE("the desktop's wish becomes a theme; without one it is dark", "[look]") {
    CHECK(theme_for({}) == "dark");
    CHECK(theme_for({.dark = false}) == "light");
    CHECK(theme_for({.dark = true, .high_contrast = true}) == "high-contrast");
    CHECK(theme_for({.dark = false, .high_contrast = true}) == "high-contrast-light");
    for (const auto &look : {SystemLook{}, SystemLook{false, false}, SystemLook{true, true}, SystemLook{false, true}})
        CHECK(check_theme(theme_for(look)).ok());
}

TEST_CASE("the desktop is asked through gdbus, busctl or dbus-send, whichever is there", "[look]") {
    const std::string scheme_two = "case \"$*\" in *color-scheme*) echo \"v v u 2\";; *) echo \"v v u 1\";; esac\n";
    for (const char *program : {"gdbus", "busctl", "dbus-send"}) {
        INFO(program);
        const Desktop desktop(program, scheme_two);
        CHECK(ask_system_look({}) == SystemLook{.dark = false, .high_contrast = true});
    }
}

TEST_CASE("a desktop that does not answer has no wish", "[look]") {
    {
        const Desktop desktop("", "");
        CHECK(ask_system_look({}) == SystemLook{});
    }
    {
        const Desktop desktop("gdbus", "echo 'uint32 1'; exit 1\n");
        CHECK(ask_system_look({}) == SystemLook{});
    }
    {
        const Desktop desktop("gdbus", "exec /bin/sleep 60\n");
        const auto before = std::chrono::steady_clock::now();
        CHECK(ask_system_look({}) == SystemLook{});
        CHECK(std::chrono::steady_clock::now() - before < 10s);
    }
}

TEST_CASE("a program is asked for what it prints, and ended when nobody waits any more", "[look]") {
    const test::TemporaryFolder folder;
    const test::Environment path("PATH", folder.path().string() + ":/usr/bin:/bin");
    test::write_program(folder.path() / "talker", "echo one; echo two >&2; echo three; exit 3\n");
    CHECK(has_program("talker"));
    CHECK_FALSE(has_program("talker2"));
    const auto answer = ask_program({"talker"}, 10s, {});
    REQUIRE(answer.ok());
    CHECK(answer->output == "one\nthree\n");
    CHECK(answer->end == "exited with status 3");
    CHECK_FALSE(ask_program({"no-such-program-at-all"}, 1s, {}).ok());
    std::stop_source stop;
    stop.request_stop();
    CHECK(ask_program({"sleep", "60"}, 60s, stop.get_token()).error().why == "it was no longer needed");
    CHECK(ask_program({"sleep", "60"}, 100ms, {}).error().why == "it took too long");
}
