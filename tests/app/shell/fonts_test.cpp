#include "app/shell/fonts.h"

#include <catch2/catch_test_macros.hpp>
#include <fmt/format.h>
#include <imgui_internal.h> // reads UTF-8

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace moescope;

namespace {

namespace fs = std::filesystem;

bool is_loaded(unsigned sign) {
    for (const ImWchar *range = glyph_ranges(); *range != 0; range += 2)
        if (sign >= range[0] && sign <= range[1])
            return true;
    return sign < ' ';
}

// "U+1D40 in line 28", or "".
std::string first_missing(const std::string &text) {
    int line = 1;
    for (const char *at = text.data(), *end = at + text.size(); at < end;) {
        unsigned sign = 0;
        at += ImTextCharFromUtf8(&sign, at, end);
        line += sign == '\n';
        if (sign == IM_UNICODE_CODEPOINT_INVALID || !is_loaded(sign))
            return fmt::format("U+{:04X} in line {}", sign, line);
    }
    return {};
}

} // namespace

TEST_CASE("a sign that is not loaded is found") {
    CHECK(first_missing("\xE1\xB5\x80") == "U+1D40 in line 1");
    CHECK_FALSE(first_missing("a\nb \xF0\x9F\x98\x80").empty()); // beyond what ImGui reads
    CHECK(first_missing("µs · × ≥ … –").empty());
}

TEST_CASE("every sign of the texts that the window shows is loaded") {
    const fs::path tests(MOESCOPE_TEST_DATA);
    int read = 0;
    for (const fs::path &folder : {fs::path(MOESCOPE_ASSETS), tests / "../app", tests / "../profiler"})
        for (const auto &entry : fs::recursive_directory_iterator(folder)) {
            const std::string kind = entry.path().extension().string();
            if (kind != ".json" && kind != ".cpp" && kind != ".h")
                continue;
            std::ifstream file(entry.path(), std::ios::binary);
            INFO(entry.path());
            CHECK(first_missing({std::istreambuf_iterator<char>(file), {}}).empty());
            ++read;
        }
    CHECK(read > 100);
}
