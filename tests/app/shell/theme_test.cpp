#include "app/theme.h"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

using namespace moescope;

namespace {

nlohmann::json dark_json() {
    std::ifstream in(MOESCOPE_ASSETS "/themes/dark.json");
    return nlohmann::json::parse(in);
}

Error error_of(const nlohmann::json &json) {
    const auto theme = parse_theme(json.dump(), "t.json");
    REQUIRE_FALSE(theme.ok());
    return theme.error();
}

// Contrast of two colours as WCAG 2 defines it: 1 (none) to 21.
double contrast(const ImVec4 &a, const ImVec4 &b) {
    const auto light = [](const ImVec4 &c) {
        const auto linear = [](float v) {
            return v <= 0.04045f ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
        };
        return 0.2126 * linear(c.x) + 0.7152 * linear(c.y) + 0.0722 * linear(c.z);
    };
    const double x = light(a), y = light(b);
    return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

} // namespace

TEST_CASE("the shipped themes parse, and their text can be read on every ground") {
    for (const char *name : {"dark", "light"}) {
        const auto theme = load_theme(std::string(MOESCOPE_ASSETS "/themes/") + name + ".json");
        INFO(name);
        REQUIRE(theme.ok());
        CHECK(theme->dark == (std::string(name) == "dark"));
        for (const ImVec4 &ground : {theme->background, theme->surface, theme->raised}) {
            CHECK(contrast(theme->text, ground) >= 7);
            CHECK(contrast(theme->muted, ground) >= 4.5);
        }
        for (const ImVec4 &words : {theme->failure, theme->warning, theme->good, theme->accent})
            CHECK(contrast(words, theme->background) >= 4.5);
        for (const ImVec4 &series : theme->series)
            CHECK(contrast(series, theme->background) >= 3);
    }
}

TEST_CASE("the built-in theme is the shipped one") {
    for (const bool dark : {true, false}) {
        const auto shipped = load_theme(dark ? MOESCOPE_ASSETS "/themes/dark.json"
                                             : MOESCOPE_ASSETS "/themes/light.json");
        REQUIRE(shipped.ok());
        const Theme theme = built_in_theme(dark);
        CHECK(packed(theme.background) == packed(shipped->background));
        CHECK(packed(theme.failure) == packed(shipped->failure));
        CHECK(packed(theme.series[7]) == packed(shipped->series[7]));
    }
}

TEST_CASE("a wrong theme gets one sentence that names the key and the value") {
    auto json = dark_json();
    json["accent"] = "#12345";
    CHECK(error_of(json).sentence() ==
          "theme t.json: \"accent\" is \"#12345\"; give a colour as \"#rrggbb\".");
    for (const char *bad :
         {"", "#", "#12345g", "12345678", "#-12345", "# 12345", "#0x1234", "red"}) {
        INFO(bad);
        json["accent"] = bad;
        CHECK(error_of(json).why.find("\"accent\"") == 0);
    }
    json["accent"] = 5;
    CHECK(error_of(json).why == "\"accent\" is 5");
    json.erase("accent");
    CHECK(error_of(json).why == "there is no \"accent\"");
}

TEST_CASE("a theme's series must be eight colours") {
    auto json = dark_json();
    json["series"][3] = "#zzzzzz";
    CHECK(error_of(json).why == "\"series[3]\" is \"#zzzzzz\"");
    json["series"].erase(3);
    CHECK(error_of(json).remedy == "give a list of 8 colours");
    json["series"] = "blue";
    CHECK(error_of(json).remedy == "give a list of 8 colours");
}

TEST_CASE("a theme file that is missing, no JSON or no object is an error") {
    CHECK_FALSE(load_theme("/nonexistent/theme.json").ok());
    CHECK_FALSE(load_theme("/").ok());
    for (const char *text : {"", "{", "[]", "5", "null", "\xff\xfe"}) {
        INFO(text);
        CHECK_FALSE(parse_theme(text, "t.json").ok());
    }
}
