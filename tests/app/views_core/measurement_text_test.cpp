#include "app/views/measurement_text.h"

#include <catch2/catch_test_macros.hpp>

#include <vector>

using namespace moescope;

namespace {

Measurement timed(const std::vector<float> &samples) {
    Measurement m;
    m.state = Measurement::State::Done;
    m.samples_ns = samples;
    m.time = summarize(samples);
    m.warmup = 1;
    return m;
}

} // namespace

TEST_CASE("± is half the median's interval, and too few samples have none") {
    CHECK(spread_text(timed({100}).time) == "1 sample");
    CHECK(spread_text(timed({90, 100, 100, 100, 110}).time) == "5 samples");
    CHECK(spread_text(timed({90, 100, 100, 100, 100, 110}).time) == "±10.0 %");
    CHECK(time_text(timed({100}).time) == "100 ns, 1 sample");
    CHECK(time_text(timed({90, 100, 100, 100, 100, 110}).time) == "100 ns ±10.0 %");
}

TEST_CASE("a median that is known to no better than a fifth is doubtful") {
    CHECK_FALSE(is_doubtful(timed({90, 100, 100, 100, 100, 110}).time));
    CHECK(is_doubtful(timed({70, 100, 100, 100, 100, 130}).time));
    CHECK_FALSE(is_doubtful(timed({1, 1000}).time)); // nothing is known of it
    CHECK(explain_time(timed({70, 100, 100, 100, 100, 130})).find("little can be said") != std::string::npos);
}

TEST_CASE("numbers of things are written in their number") {
    const std::string one = explain_time(timed({100})), more = explain_time(timed({100, 101}));
    CHECK(one.find("One sample by ") == 0);
    CHECK(one.find("after 1 warm-up.") != std::string::npos);
    CHECK(one.find("±") == std::string::npos);
    CHECK(more.find("Median of 2 samples by ") == 0);
    CHECK(more.find("takes 6 of them") != std::string::npos);
}
