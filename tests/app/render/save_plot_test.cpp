// Plots of the views as files.
#include "app/render/picture.h"
#include "profiler/compare/comparison.h"
#include "tests/support/grid_session.h"
#include "tests/support/sample_session.h"
#include "tests/support/sweep_session.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace moescope;

namespace {

struct Shown {
    const char *view;
    SessionPtr session;
    const char *words; // that its plot has
    const char *header; // that its data begin with
};

std::vector<Shown> shown() {
    return {{"roofline", test::sample_session(), "Intensity: FLOP a byte", "operator,variant,tile,median_ns"},
            {"dispatch", test::sample_session(), "split", "operator,variant,median_ns,kernel"},
            {"autotune", test::sample_session(), "best", "operator,variant,block_m"},
            {"routing", test::sample_session(), "slots an expert", "expert,slots"},
            {"timeline", test::sample_session(), "Kernels", "start_ns,duration_ns,kernel"},
            {"memory", test::sample_session(), "peak", "after_start_ns,change_bytes"},
            {"sweep", test::sweep_session(), "fused", "operator,variant,tokens,median_ns"},
            {"crossover", test::grid_session(), "fitted boundary", "operator,experts,weight_elements"},
            {"compare", test::sweep_session(), "B / A", "operator,a_variant,b_variant"}};
}

std::string read(const std::filesystem::path &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

PictureOptions options_of(const Shown &each) {
    PictureOptions options;
    options.view = each.view;
    options.theme = "light";
    options.run = RunId{0};
    if (each.view == std::string("compare"))
        options.other = test::sweep_session(1.3);
    return options;
}

// Kept for a person to look at, where MOESCOPE_PICTURES names a folder.
void keep(const std::filesystem::path &path) {
    if (const char *folder = std::getenv("MOESCOPE_PICTURES"))
        std::filesystem::copy_file(path, std::filesystem::path(folder) / path.filename(),
                                   std::filesystem::copy_options::overwrite_existing);
}

} // namespace

TEST_CASE("a plot of every view is saved as SVG with its words, as PNG and as its data", "[plots]") {
    const test::TemporaryFolder folder;
    for (const Shown &each : shown()) {
        INFO(each.view);
        const std::filesystem::path base = folder.path() / (std::string("plot-") + each.view);
        const std::filesystem::path svg = base.string() + ".svg", png = base.string() + ".png", csv = base.string() + ".csv";
        const Status drawn = save_plot(each.session, svg, options_of(each), "", PlotFormat::Svg);
        INFO(drawn.error().sentence());
        REQUIRE(drawn.ok());
        const std::string text = read(svg);
        CHECK(text.find(each.words) != std::string::npos);
        CHECK(text.find("<line") != std::string::npos);
        CHECK(std::count(text.begin(), text.end(), '\n') > 20);
        keep(svg);

        REQUIRE(save_plot(each.session, png, options_of(each), "", PlotFormat::Png).ok());
        CHECK(read(png).substr(1, 3) == "PNG");
        CHECK(std::filesystem::file_size(png) > 4000);
        keep(png);

        REQUIRE(save_plot(each.session, csv, options_of(each), "", PlotFormat::Csv).ok());
        const std::string data = read(csv);
        CHECK(data.starts_with(each.header));
        CHECK(std::count(data.begin(), data.end(), '\n') > 2);
    }
}

TEST_CASE("one of several plots is chosen by its name, and a wrong name is answered with those there are", "[plots]") {
    const test::TemporaryFolder folder;
    PictureOptions options{.view = "routing", .run = RunId{0}};
    const std::filesystem::path path = folder.path() / "tiles.svg";
    REQUIRE(save_plot(test::sample_session(), path, options, "routing-tiles", PlotFormat::Svg).ok());
    CHECK(read(path).find("row tiles of") != std::string::npos);
    const Status wrong = save_plot(test::sample_session(), path, options, "nothing", PlotFormat::Svg);
    REQUIRE_FALSE(wrong.ok());
    CHECK(wrong.error().why == "the routing view shows routing, routing-tiles");
    options.view = "session";
    const Status none = save_plot(test::sample_session(), path, options, "", PlotFormat::Svg);
    REQUIRE_FALSE(none.ok());
    CHECK(none.error().what == "the session view shows no plot");
}
