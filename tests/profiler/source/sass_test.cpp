#include "profiler/source/sass.h"

#include <catch2/catch_test_macros.hpp>

using namespace moescope;

TEST_CASE("instructions know the innermost source line", "[source]") {
    const auto lines = parse_sass(R"(
	.section	.text.k,"ax",@progbits
k:
.text.k:
        /*0000*/                   LDC R1, c[0x0][0x28] ;
	//## File "/folder/kernel.jit.cu", line 2
        /*0010*/                   S2R R5, SR_TID.X ;
	//## File "/folder/ptx.jit.cuh", line 7 inlined at "/folder/kernel.jit.cu", line 3
	//## File "/folder/kernel.jit.cu", line 3
        /*00a0*/              @!P0 IMAD R5, R5, 0x4, R2 ;
.L_x_0:
        /*00b0*/                   BRA `(.L_x_0);
)");
    REQUIRE(lines.size() == 5);
    CHECK(lines[0].text == "LDC R1, c[0x0][0x28]");
    CHECK(lines[0].line == 0);
    CHECK(lines[1] == SassLine{0x10, "S2R R5, SR_TID.X", "kernel.jit.cu", 2, false});
    CHECK(lines[2] == SassLine{0xa0, "@!P0 IMAD R5, R5, 0x4, R2", "ptx.jit.cuh", 7, false});
    CHECK(lines[3].label);
    CHECK(lines[3].text == ".L_x_0:");
    CHECK(lines[4].line == 7);
}

TEST_CASE("what is no listing has no instructions", "[source]") {
    CHECK(parse_sass("").empty());
    CHECK(parse_sass("/**/ x\n/*zz*/ NOP\n/*10\n/* 0x1234 */\nanything").empty());
}
