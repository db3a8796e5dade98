#include "app/theme.h"

#include "app/colour.h"
#include "app/embedded_themes.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

using namespace moescope;

namespace {

constexpr const char *kFolder = MOESCOPE_ASSETS "/themes";

nlohmann::json dark_json() {
    std::ifstream in(MOESCOPE_ASSETS "/themes/dark.json");
    return nlohmann::json::parse(in);
}

Error error_of(const nlohmann::json &json) {
    const auto theme = parse_theme(json.dump(), "t.json");
    REQUIRE_FALSE(theme.ok());
    return theme.error();
}

// Every theme of the assets folder; a file that cannot be read fails the test.
std::map<std::string, Theme> shipped() {
    std::map<std::string, Theme> themes;
    for (const auto &entry : std::filesystem::directory_iterator(kFolder)) {
        auto theme = load_theme(entry.path());
        INFO(entry.path() << ": " << (theme ? "" : theme.error().sentence()));
        REQUIRE(theme.ok());
        themes[entry.path().stem().string()] = *theme;
    }
    return themes;
}

} // namespace

TEST_CASE("dark, light and high-contrast themes are shipped", "[look]") {
    const auto themes = shipped();
    for (const auto &[key, dark, high_contrast] :
         {std::tuple("dark", true, false), std::tuple("light", false, false),
          std::tuple("high-contrast", true, true), std::tuple("high-contrast-light", false, true)}) {
        INFO(key);
        REQUIRE(themes.contains(key));
        CHECK(themes.at(key).dark == dark);
        CHECK(themes.at(key).high_contrast == high_contrast);
        CHECK((contrast(themes.at(key).background, {0, 0, 0, 1}) < 3) == dark);
    }
}

TEST_CASE("text can be read on every ground of every theme: 4.5 to 1, with high contrast 7 to 1", "[look]") {
    for (const auto &[key, theme] : shipped()) {
        const float least = theme.high_contrast ? 7 : 4.5f;
        INFO(key);
        for (const ImVec4 &ground : {theme.background, theme.surface, theme.raised}) {
            CHECK(contrast(theme.text, ground) >= 7);
            CHECK(contrast(theme.muted, ground) >= least);
        }
        for (const ImVec4 &words : {theme.failure, theme.warning, theme.good, theme.accent})
            for (const ImVec4 &ground : {theme.background, theme.surface})
                CHECK(contrast(words, ground) >= least);
    }
}

TEST_CASE("what is drawn without words stands out from its ground: 3 to 1, with high contrast 4.5 to 1", "[look]") {
    for (const auto &[key, theme] : shipped()) {
        const float least = theme.high_contrast ? 4.5f : 3;
        for (std::size_t i = 0; i < theme.series.size(); ++i) {
            INFO(key << " series " << i);
            CHECK(contrast(theme.series[i], theme.background) >= least);
            CHECK(contrast(theme.series[i], theme.surface) >= least);
        }
        if (theme.high_contrast)
            CHECK(contrast(theme.line, theme.background) >= least);
    }
}

TEST_CASE("the colours of variants can be told apart with every kind of colour vision", "[look]") {
    // 0.02 is just noticeable side by side; bars of a chart are not side by side.
    constexpr float kLeast = 0.085f;
    for (const auto &[key, theme] : shipped())
        for (const Vision vision :
             {Vision::Usual, Vision::Protanopia, Vision::Deuteranopia, Vision::Tritanopia})
            for (std::size_t i = 0; i < theme.series.size(); ++i)
                for (std::size_t k = 0; k < i; ++k) {
                    INFO(key << " vision " << int(vision) << " series " << k << " and " << i);
                    CHECK(distance(as_seen(theme.series[i], vision), as_seen(theme.series[k], vision)) >= kLeast);
                }
}

TEST_CASE("no variant looks like a failure", "[look]") {
    for (const auto &[key, theme] : shipped())
        for (const ImVec4 &series : theme.series) {
            INFO(key);
            CHECK(distance(series, theme.failure) > 0.1f);
        }
}

TEST_CASE("good, warning and failure can be told apart with every kind of colour vision", "[look]") {
    for (const auto &[key, theme] : shipped())
        for (const Vision vision :
             {Vision::Usual, Vision::Protanopia, Vision::Deuteranopia, Vision::Tritanopia}) {
            INFO(key << " vision " << int(vision));
            const ImVec4 failure = as_seen(theme.failure, vision), warning = as_seen(theme.warning, vision),
                         good = as_seen(theme.good, vision);
            CHECK(distance(failure, warning) > 0.05f);
            CHECK(distance(failure, good) > 0.05f);
            CHECK(distance(warning, good) > 0.05f);
        }
}

TEST_CASE("the program carries the shipped themes inside", "[look]") {
    std::map<std::string, std::string> embedded;
    for (int i = 0; i < kEmbeddedThemeCount; ++i)
        embedded[kEmbeddedThemes[i].name] = kEmbeddedThemes[i].text;
    for (const auto &entry : std::filesystem::directory_iterator(kFolder)) {
        std::ifstream in(entry.path());
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        CHECK(embedded[entry.path().filename().string()] == text);
    }
    for (const bool dark : {true, false}) {
        const Theme theme = built_in_theme(dark);
        CHECK(theme.name == (dark ? "Dark" : "Light"));
        CHECK(theme.dark == dark);
    }
}

TEST_CASE("a folder's themes are listed plain before high contrast, and broken ones are left out", "[look]") {
    const test::TemporaryFolder folder;
    std::filesystem::copy(kFolder, folder.path(), std::filesystem::copy_options::recursive);
    std::ofstream(folder.path() / "broken.json") << "{";
    std::ofstream(folder.path() / "notes.txt") << "no theme";
    std::vector<std::string> keys;
    for (const ThemeChoice &choice : themes_in(folder.path()))
        keys.push_back(choice.key);
    CHECK(keys == std::vector<std::string>{"dark", "light", "high-contrast", "high-contrast-light"});
    CHECK(themes_in(folder.path() / "nowhere").empty());
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

TEST_CASE("a key that no theme has is named, so that a misspelt colour is found", "[look]") {
    auto json = dark_json();
    json["acent"] = "#123456";
    CHECK(error_of(json).why == "there is no colour \"acent\"");
    json = dark_json();
    json["high_contrast"] = "yes";
    CHECK(error_of(json).sentence() == "theme t.json: \"high_contrast\" is \"yes\"; give true or false.");
}

TEST_CASE("a theme's series must be eight colours, its scale at least two") {
    auto json = dark_json();
    json["series"][3] = "#zzzzzz";
    CHECK(error_of(json).why == "\"series[3]\" is \"#zzzzzz\"");
    json["series"].erase(3);
    CHECK(error_of(json).remedy == "give a list of 8 colours");
    json["series"] = "blue";
    CHECK(error_of(json).remedy == "give a list of 8 colours");
    json = dark_json();
    json["scale"] = {"#000000"};
    CHECK(error_of(json).remedy == "give a list of 2 to 256 colours");
    json["scale"] = {"#000000", 5};
    CHECK(error_of(json).why == "\"scale[1]\" is 5");
}

TEST_CASE("a theme file that is missing, no JSON or no object is an error") {
    CHECK_FALSE(load_theme("/nonexistent/theme.json").ok());
    CHECK_FALSE(load_theme("/").ok());
    for (const char *text : {"", "{", "[]", "5", "null", "\xff\xfe"}) {
        INFO(text);
        CHECK_FALSE(parse_theme(text, "t.json").ok());
    }
}

TEST_CASE("no colour of the controls is ImGui's own", "[look]") {
    ImGuiContext *const before = ImGui::GetCurrentContext();
    ImGuiContext *const context = ImGui::CreateContext();
    ImGui::SetCurrentContext(context);
    ImGuiStyle standard;
    ImGui::StyleColorsDark(&standard);
    apply(built_in_theme(true), 1);
    for (int i = 0; i < ImGuiCol_COUNT; ++i) {
        const ImVec4 &ours = ImGui::GetStyle().Colors[i], &theirs = standard.Colors[i];
        INFO(ImGui::GetStyleColorName(i));
        if (i != ImGuiCol_BorderShadow) // there is none
            CHECK(packed(ours) != packed(theirs));
    }
    ImGui::DestroyContext(context);
    ImGui::SetCurrentContext(before);
}
