// What README.md says of the window, held against the window.
#include "app/shell/view_list.h"

#include <catch2/catch_test_macros.hpp>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace moescope;

TEST_CASE("the README has every view, the question it answers and a picture of it") {
    const std::filesystem::path root = std::filesystem::path(MOESCOPE_ASSETS).parent_path();
    std::ifstream in(root / "README.md");
    const std::string readme{std::istreambuf_iterator<char>(in), {}};
    REQUIRE_FALSE(readme.empty());
    for (const View &view : views()) {
        INFO(view.key);
        CHECK(readme.find(fmt::format("| **{}** | {}", view.tab, view.question)) != std::string::npos);
        const std::string picture = fmt::format("assets/pictures/{}.png", view.key);
        CHECK(readme.find("](" + picture + ")") != std::string::npos);
        CHECK(std::filesystem::exists(root / picture));
    }
}
