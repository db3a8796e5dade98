#include "app/shell/fuzzy.h"
#include "app/shell/palette.h"
#include "app/shell/recent.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

using namespace moescope;

namespace {

std::vector<PaletteEntry> some_entries() {
    return {{"View", "Overview", "Where does the time go?", "Ctrl+1", "", [] {}},
            {"View", "Timeline", "What ran when?", "Ctrl+6", "", [] {}},
            {"Run", "Run", "Runs every ticked operator.", "F5", "", [] {}},
            {"Run", "Run on every change", "Runs again.", "Ctrl+L", "", [] {}},
            {"Model", "Qwen3-30B-A3B", "128 experts", "", "", [] {}},
            {"Recent", "run.moescope", "~/sessions", "", "It is not there any more.", [] {}}};
}

std::string best(const std::string &query) {
    const auto entries = some_entries();
    const auto found = matching_entries(entries, query);
    return found.empty() ? "" : entries[found.front()].title;
}

} // namespace

TEST_CASE("letters of a query must be in the text in order, word by word") {
    CHECK(fuzzy_score("tml", "Timeline"));
    CHECK(fuzzy_score("TIME", "timeline"));
    CHECK(fuzzy_score("run tim", "What ran? Timeline run")); // the words in any order
    CHECK_FALSE(fuzzy_score("lmt", "Timeline"));
    CHECK_FALSE(fuzzy_score("timelines", "Timeline"));
    CHECK_FALSE(fuzzy_score("a", ""));
    CHECK(fuzzy_score("", "anything") == 0);
    CHECK(fuzzy_score("  ", "anything") == 0);
}

TEST_CASE("starts of words and letters side by side count most") {
    CHECK(fuzzy_score("ro", "Roofline") > fuzzy_score("ro", "Overview, from"));
    CHECK(fuzzy_score("tv", "Two views") > fuzzy_score("tv", "Native"));
    CHECK(fuzzy_score("over", "Overview") > fuzzy_score("over", "Order of the very end"));
    CHECK(fuzzy_score("run", "Run") > fuzzy_score("run", "Run on every change"));
    // The best placing counts, not the first one: "map" is a word of its own here.
    CHECK(fuzzy_score("map", "m a p map") == fuzzy_score("map", "m, p, map"));
}

TEST_CASE("the palette finds what is meant by a few letters") {
    CHECK(best("time") == "Timeline");
    CHECK(best("run") == "Run");
    CHECK(best("qwen") == "Qwen3-30B-A3B");
    CHECK(best("where time") == "Overview"); // by what is said of it
    CHECK(best("model") == "Qwen3-30B-A3B"); // by its kind
    CHECK(best("xyzzy").empty());
    CHECK(matching_entries(some_entries(), "").size() == some_entries().size());
    CHECK(matching_entries(some_entries(), " ").front() == 0);
}

TEST_CASE("what is said of an entry is found by its words, not by letters here and there") {
    const std::vector<PaletteEntry> entries = {
        {"Window", "Dark theme", "The window's colours. Themes are files of assets/themes.", "", "", [] {}},
        {"Model", "OLMoE-1B-7B", "64 experts", "", "", [] {}}};
    REQUIRE(fuzzy_score("olmoe", entries[0].detail)); // its letters are there
    CHECK(matching_entries(entries, "olmoe") == std::vector<std::size_t>{1});
    CHECK(matching_entries(entries, "assets") == std::vector<std::size_t>{0});
    CHECK(matching_entries(entries, "window colo") == std::vector<std::size_t>{0});
    CHECK(matching_entries(entries, "window pert").empty());
}

TEST_CASE("recent files say which of them are gone") {
    const test::TemporaryFolder folder;
    test::write_bytes(folder / "a.moescope", "x");
    const auto files = recent_files({(folder / "gone.moescope").string(), (folder / "a.moescope").string()});
    REQUIRE(files.size() == 2);
    CHECK(files[0].name == "gone.moescope");
    CHECK_FALSE(files[0].there);
    CHECK(files[1].there);
    CHECK(recent_files({folder.path().string()})[0].there == false); // a folder is no session
}

TEST_CASE("a session file is told by its model, its device and its runs") {
    const std::string file = "mine.moescope";
    SessionGlance glance{.models = {"OLMoE-1B-7B"}, .device = "NVIDIA H200"};
    CHECK(summary_of(glance, file) == "OLMoE-1B-7B on NVIDIA H200");
    glance.tuned = true;
    CHECK(summary_of(glance, file) == "OLMoE-1B-7B on NVIDIA H200, tiles tuned");
    glance.models = {"OLMoE-1B-7B (changed)", "OLMoE-1B-7B"};
    CHECK(summary_of(glance, file) == "OLMoE-1B-7B on NVIDIA H200, 2 runs, tiles tuned");
    CHECK(summary_of(glance, "OLMoE-1B-7B-sweeps.moescope") == "NVIDIA H200, 2 runs, tiles tuned");
    CHECK(summary_of({.models = {"A", "B"}, .ranks = 2}, file) == "A and others, 2 ranks");
    CHECK(summary_of({}, file).empty());
}
