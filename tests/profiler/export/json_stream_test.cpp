#include "profiler/export/json_stream.h"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <limits>
#include <sstream>

using namespace moescope;

namespace {

template <typename Write> std::string written(Write write) {
    std::ostringstream out;
    JsonStream json(out);
    write(json);
    json.flush();
    return out.str();
}

} // namespace

TEST_CASE("streamed JSON puts commas and lines where they belong") {
    const std::string text = written([](JsonStream &json) {
        json.begin_object();
        json.field("a", 1);
        json.key("b");
        json.begin_array();
        json.line();
        json.value(true);
        json.line();
        json.begin_object();
        json.end_object();
        json.value("x");
        json.end_array();
        json.end_object();
    });
    CHECK(text == "{\"a\": 1, \"b\": [\ntrue,\n{}, \"x\"]}");
}

TEST_CASE("numbers that JSON has not become null, and every double keeps its bits") {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const std::string text = written([&](JsonStream &json) {
        json.begin_array();
        for (const double value :
             {0.1, 1e300, -5e-324, 3.0, kInfinity, -kInfinity, kInfinity - kInfinity})
            json.value(value);
        json.end_array();
    });
    const auto parsed = nlohmann::json::parse(text);
    CHECK(parsed[0].get<double>() == 0.1);
    CHECK(parsed[1].get<double>() == 1e300);
    CHECK(parsed[2].get<double>() == -5e-324);
    for (int at : {4, 5, 6})
        CHECK(parsed[std::size_t(at)].is_null());
}

TEST_CASE("microseconds keep every nanosecond") {
    const std::string text = written([](JsonStream &json) {
        json.begin_array();
        for (const std::int64_t ns :
             {std::int64_t{0}, std::int64_t{7}, std::int64_t{1'790'000'000'000'000'001},
              std::int64_t{-1'001}, std::numeric_limits<std::int64_t>::min()})
            json.microseconds(ns);
        json.end_array();
    });
    CHECK(text == "[0.000, 0.007, 1790000000000000.001, -1.001, -9223372036854775.808]");
}

TEST_CASE("texts are escaped, whatever bytes they hold") {
    std::string every_byte;
    for (int byte = 0; byte < 256; ++byte)
        every_byte += char(byte);
    CHECK(nlohmann::json::accept(json_string(every_byte)));
    CHECK(json_string("a\"b\\c\n\t\x01") == "\"a\\\"b\\\\c\\n\\t\\u0001\"");
}
