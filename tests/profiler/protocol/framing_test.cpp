#include "profiler/protocol/framing.h"

#include <catch2/catch_test_macros.hpp>

#include <random>
#include <vector>

using namespace moescope;

namespace {

std::string framed(std::string_view payload) { return frame(payload).value(); }

std::vector<std::string> read_all(FrameReader &reader) {
    std::vector<std::string> payloads;
    while (true) {
        const auto next = reader.next();
        REQUIRE(next.ok());
        if (!*next)
            return payloads;
        payloads.push_back(**next);
    }
}

} // namespace

TEST_CASE("payloads come back whole whatever pieces the bytes arrive in") {
    const std::vector<std::string> payloads = {"", "a", std::string(100000, 'x'), std::string("MoES\0\1", 6)};
    std::string stream;
    for (const std::string &payload : payloads)
        stream += framed(payload);

    for (std::size_t piece : {1, 3, 7, 4096, 1000000}) {
        FrameReader reader;
        std::vector<std::string> received;
        for (std::size_t at = 0; at < stream.size(); at += piece) {
            reader.append(std::string_view(stream).substr(at, piece));
            for (std::string &payload : read_all(reader))
                received.push_back(std::move(payload));
        }
        CHECK(received == payloads);
        CHECK(reader.finish().ok());
    }
}

TEST_CASE("a stream that ends inside a frame is an error at its end") {
    const std::string whole = framed("hello");
    for (std::size_t length = 1; length < whole.size(); ++length) {
        FrameReader reader;
        reader.append(std::string_view(whole).substr(0, length));
        const auto next = reader.next();
        REQUIRE(next.ok());
        CHECK_FALSE(next->has_value());
        CHECK_FALSE(reader.finish().ok());
    }
}

TEST_CASE("bytes that are no frame are an error that quotes them") {
    FrameReader reader;
    reader.append("Welcome to node7\nLast login: never");
    const auto next = reader.next();
    REQUIRE_FALSE(next.ok());
    CHECK(next.error().sentence().find("\"Welcome to node7\"") != std::string::npos);
    CHECK_FALSE(reader.next().ok()); // and it stays one
}

TEST_CASE("a frame longer than allowed is refused before it arrives") {
    FrameReader reader;
    reader.append(std::string("MoES\xff\xff\xff\x7f", 8));
    const auto next = reader.next();
    REQUIRE_FALSE(next.ok());
    CHECK(next.error().why.find(std::to_string(kMaxFrameBytes)) != std::string::npos);

    CHECK_FALSE(frame(std::string(kMaxFrameBytes + 1, 'x')).ok());
}

TEST_CASE("random bytes never give a payload and never crash the reader") {
    std::mt19937 random(7);
    for (int round = 0; round < 2000; ++round) {
        std::string bytes(random() % 64 + kFrameHeaderBytes, '\0');
        for (char &c : bytes)
            c = char(random());
        if (bytes.starts_with("MoES"))
            continue;
        FrameReader reader;
        reader.append(bytes);
        CHECK_FALSE(reader.next().ok());
    }
}

TEST_CASE("garbage after good frames leaves the good ones read") {
    FrameReader reader;
    reader.append(framed("one") + framed("two") + "printf");
    CHECK(reader.next()->value() == "one");
    CHECK(reader.next()->value() == "two");
    CHECK_FALSE(reader.next().ok());
}
