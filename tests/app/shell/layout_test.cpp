#include "app/shell/layout.h"

#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace moescope;

namespace {

std::vector<Rect> panes(const Layout &l) {
    return {l.menu,   l.banner,         l.workload,       l.left_splitter, l.first, l.middle_splitter,
            l.second, l.right_splitter, l.inspector,     l.status};
}

void check_tiling(const Layout &layout, float width, float height) {
    double area = 0;
    const auto all = panes(layout);
    for (std::size_t i = 0; i < all.size(); ++i) {
        CHECK(all[i].width >= 0);
        CHECK(all[i].height >= 0);
        CHECK(all[i].x >= 0);
        CHECK(all[i].right() <= width + 0.01f);
        CHECK(all[i].bottom() <= height + 0.01f);
        for (std::size_t j = i + 1; j < all.size(); ++j)
            CHECK_FALSE(all[i].overlaps(all[j]));
        area += double(all[i].width) * double(all[i].height);
    }
    CHECK(std::abs(area - double(width) * double(height)) < 1);
}

} // namespace

TEST_CASE("panes tile the window without overlapping, at every size and scale") {
    for (const float scale : {1.0f, 1.5f, 2.0f})
        for (const float width :
             {320.0f, 640.0f, 900.0f, 1280.0f, 1700.0f, 1920.0f, 2560.0f, 3840.0f})
            for (const float height : {200.0f, 768.0f, 1440.0f})
                for (const Split split : {Split::Automatic, Split::On, Split::Off})
                    for (const bool banner : {false, true}) {
                        LayoutChoices choices;
                        choices.split = split;
                        INFO(width << " x " << height << " at " << scale);
                        check_tiling(lay_out(width, height, scale, choices, banner), width, height);
                    }
}

TEST_CASE("two views stand side by side where there is room") {
    const LayoutChoices standard;
    CHECK(lay_out(1720, 900, 1, standard, false).split());
    CHECK_FALSE(lay_out(1440, 900, 1, standard, false).split());
    CHECK_FALSE(lay_out(1720, 900, 2, standard, false).split());
    CHECK(lay_out(3440, 1800, 2, standard, false).split());
    LayoutChoices on = standard, off = standard;
    on.split = Split::On;
    off.split = Split::Off;
    CHECK(lay_out(1440, 900, 1, on, false).split());
    CHECK_FALSE(lay_out(3000, 900, 1, off, false).split());
}

TEST_CASE("a narrow window gives up the inspector first, then the workload, never the views") {
    const LayoutChoices standard;
    const Layout narrow = lay_out(800, 600, 1, standard, false);
    CHECK(narrow.inspector.empty());
    CHECK_FALSE(narrow.workload.empty());
    const Layout narrower = lay_out(480, 600, 1, standard, false);
    CHECK(narrower.workload.empty());
    CHECK(narrower.first.width == 480);
}

TEST_CASE("splitters move their panes and stop at what is usable") {
    const LayoutChoices standard;
    CHECK(move_left(standard, 40, 2).workload_width == standard.workload_width + 20);
    CHECK(move_right(standard, 40, 2).inspector_width == standard.inspector_width - 20);
    CHECK(move_left(standard, -1e6f, 1).workload_width > 200);
    CHECK(move_left(standard, 1e6f, 1).workload_width < 600);
    const Layout layout = lay_out(2000, 900, 1, standard, false);
    CHECK(move_middle(standard, 100, layout).split_ratio > 0.5f);
    CHECK(move_middle(standard, -1e6f, layout).split_ratio == 0.2f);
}

TEST_CASE("sizes from a broken settings file become usable ones") {
    LayoutChoices broken;
    broken.workload_width = std::numeric_limits<float>::quiet_NaN();
    broken.inspector_width = -5;
    broken.split_ratio = std::numeric_limits<float>::infinity();
    const LayoutChoices fixed = usable(broken);
    CHECK(fixed.workload_width == LayoutChoices{}.workload_width);
    CHECK(fixed.inspector_width > 200);
    CHECK(fixed.split_ratio == 0.5f);
}
