#include "app/views/source_colours.h"

#include <catch2/catch_test_macros.hpp>

#include <string>

using namespace moescope;
using Kind = CodePiece::Kind;

TEST_CASE("code is coloured by keywords, numbers, strings and comments", "[source]") {
    bool in_comment = false;
    const auto pieces = code_pieces("  int x = 0x10; // \"ten\"", in_comment);
    REQUIRE(pieces.size() == 6);
    CHECK(pieces[1] == CodePiece{Kind::Keyword, "int"});
    CHECK(pieces[2] == CodePiece{Kind::Plain, " x = "});
    CHECK(pieces[3] == CodePiece{Kind::Number, "0x10"});
    CHECK(pieces[5] == CodePiece{Kind::Comment, "// \"ten\""});
    CHECK(code_pieces("#include \"a.cuh\"", in_comment).front() == CodePiece{Kind::Directive, "#include"});
    CHECK(code_pieces("f(\"a\\\"/*b\")", in_comment)[1] == CodePiece{Kind::String, "\"a\\\"/*b\""});
    CHECK_FALSE(in_comment);
}

TEST_CASE("a comment may go on over lines", "[source]") {
    bool in_comment = false;
    CHECK(code_pieces("a /* b", in_comment).back().kind == Kind::Comment);
    CHECK(in_comment);
    CHECK(code_pieces("int c", in_comment) == std::vector<CodePiece>{{Kind::Comment, "int c"}});
    const auto end = code_pieces("d */ int", in_comment);
    CHECK_FALSE(in_comment);
    CHECK(end.front() == CodePiece{Kind::Comment, "d */"});
    CHECK(end.back() == CodePiece{Kind::Keyword, "int"});
}

TEST_CASE("pieces add up to the line, whatever it holds", "[source]") {
    for (const char *line : {"", "\"open", "'\\", "#", "  # define X", "a\"b\\", "/*/", "\xff\xfe"}) {
        bool in_comment = false;
        std::string whole;
        for (const CodePiece &piece : code_pieces(line, in_comment))
            whole += piece.text;
        CHECK(whole == line);
    }
    CHECK(lines_of("a\n\nb\n") == std::vector<std::string_view>{"a", "", "b"});
}
