// wgmma.mma_async m64nNk16 with both operands in shared memory, for every N a tile may have. Generated
// lists: operand lists of inline assembly cannot be written as a loop.
//
// d[64 x N] += a[64 x 16] * b[16 x N] in float32. With g = lane/4, t = lane%4 and w the warp in its
// warpgroup: d[4j] = (16w + g, 8j + 2t), d[4j+1] the column after it, d[4j+2], d[4j+3] the same 8 rows
// below (PTX ISA 8.5, "Register fragments and shared memory matrix layouts").
#pragma once

#include "ptx.jit.cuh"

namespace ptx {

// clang-format off
#define MS_D4 "%0,%1,%2,%3"
#define MS_D8 MS_D4 ",%4,%5,%6,%7"
#define MS_D12 MS_D8 ",%8,%9,%10,%11"
#define MS_D16 MS_D12 ",%12,%13,%14,%15"
#define MS_D20 MS_D16 ",%16,%17,%18,%19"
#define MS_D24 MS_D20 ",%20,%21,%22,%23"
#define MS_D28 MS_D24 ",%24,%25,%26,%27"
#define MS_D32 MS_D28 ",%28,%29,%30,%31"
#define MS_D36 MS_D32 ",%32,%33,%34,%35"
#define MS_D40 MS_D36 ",%36,%37,%38,%39"
#define MS_D44 MS_D40 ",%40,%41,%42,%43"
#define MS_D48 MS_D44 ",%44,%45,%46,%47"
#define MS_D52 MS_D48 ",%48,%49,%50,%51"
#define MS_D56 MS_D52 ",%52,%53,%54,%55"
#define MS_D60 MS_D56 ",%56,%57,%58,%59"
#define MS_D64 MS_D60 ",%60,%61,%62,%63"
#define MS_D68 MS_D64 ",%64,%65,%66,%67"
#define MS_D72 MS_D68 ",%68,%69,%70,%71"
#define MS_D76 MS_D72 ",%72,%73,%74,%75"
#define MS_D80 MS_D76 ",%76,%77,%78,%79"
#define MS_D84 MS_D80 ",%80,%81,%82,%83"
#define MS_D88 MS_D84 ",%84,%85,%86,%87"
#define MS_D92 MS_D88 ",%88,%89,%90,%91"
#define MS_D96 MS_D92 ",%92,%93,%94,%95"
#define MS_D100 MS_D96 ",%96,%97,%98,%99"
#define MS_D104 MS_D100 ",%100,%101,%102,%103"
#define MS_D108 MS_D104 ",%104,%105,%106,%107"
#define MS_D112 MS_D108 ",%108,%109,%110,%111"
#define MS_D116 MS_D112 ",%112,%113,%114,%115"
#define MS_D120 MS_D116 ",%116,%117,%118,%119"
#define MS_D124 MS_D120 ",%120,%121,%122,%123"
#define MS_D128 MS_D124 ",%124,%125,%126,%127"
#define MS_O4 "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
#define MS_O8 MS_O4, "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7])
#define MS_O12 MS_O8, "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11])
#define MS_O16 MS_O12, "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15])
#define MS_O20 MS_O16, "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19])
#define MS_O24 MS_O20, "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23])
#define MS_O28 MS_O24, "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27])
#define MS_O32 MS_O28, "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
#define MS_O36 MS_O32, "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35])
#define MS_O40 MS_O36, "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39])
#define MS_O44 MS_O40, "+f"(d[40]), "+f"(d[41]), "+f"(d[42]), "+f"(d[43])
#define MS_O48 MS_O44, "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47])
#define MS_O52 MS_O48, "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51])
#define MS_O56 MS_O52, "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55])
#define MS_O60 MS_O56, "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59])
#define MS_O64 MS_O60, "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])
#define MS_O68 MS_O64, "+f"(d[64]), "+f"(d[65]), "+f"(d[66]), "+f"(d[67])
#define MS_O72 MS_O68, "+f"(d[68]), "+f"(d[69]), "+f"(d[70]), "+f"(d[71])
#define MS_O76 MS_O72, "+f"(d[72]), "+f"(d[73]), "+f"(d[74]), "+f"(d[75])
#define MS_O80 MS_O76, "+f"(d[76]), "+f"(d[77]), "+f"(d[78]), "+f"(d[79])
#define MS_O84 MS_O80, "+f"(d[80]), "+f"(d[81]), "+f"(d[82]), "+f"(d[83])
#define MS_O88 MS_O84, "+f"(d[84]), "+f"(d[85]), "+f"(d[86]), "+f"(d[87])
#define MS_O92 MS_O88, "+f"(d[88]), "+f"(d[89]), "+f"(d[90]), "+f"(d[91])
#define MS_O96 MS_O92, "+f"(d[92]), "+f"(d[93]), "+f"(d[94]), "+f"(d[95])
#define MS_O100 MS_O96, "+f"(d[96]), "+f"(d[97]), "+f"(d[98]), "+f"(d[99])
#define MS_O104 MS_O100, "+f"(d[100]), "+f"(d[101]), "+f"(d[102]), "+f"(d[103])
#define MS_O108 MS_O104, "+f"(d[104]), "+f"(d[105]), "+f"(d[106]), "+f"(d[107])
#define MS_O112 MS_O108, "+f"(d[108]), "+f"(d[109]), "+f"(d[110]), "+f"(d[111])
#define MS_O116 MS_O112, "+f"(d[112]), "+f"(d[113]), "+f"(d[114]), "+f"(d[115])
#define MS_O120 MS_O116, "+f"(d[116]), "+f"(d[117]), "+f"(d[118]), "+f"(d[119])
#define MS_O124 MS_O120, "+f"(d[120]), "+f"(d[121]), "+f"(d[122]), "+f"(d[123])
#define MS_O128 MS_O124, "+f"(d[124]), "+f"(d[125]), "+f"(d[126]), "+f"(d[127])

#if MS_BF16
#define MS_WGMMA_TYPES ".f32.bf16.bf16 {"
#else
#define MS_WGMMA_TYPES ".f32.f16.f16 {"
#endif

#define MS_WGMMA(N, REGS, A, B, TRANS)                                                               \
    template <bool kTransA>                                                                           \
    __device__ __forceinline__ void wgmma(float (&d)[REGS], u64 a, u64 b) {                           \
        asm volatile("{ .reg .pred p; setp.ne.b32 p, 1, 0;"                                           \
                     "wgmma.mma_async.sync.aligned.m64n" #N "k16" MS_WGMMA_TYPES MS_D##REGS           \
                     "}, " A ", " B ", p, 1, 1, " TRANS ", 0; }"                                      \
                     : MS_O##REGS                                                                     \
                     : "l"(a), "l"(b), "n"(int(kTransA)));                                            \
    }

MS_WGMMA(8, 4, "%4", "%5", "%6")
MS_WGMMA(16, 8, "%8", "%9", "%10")
MS_WGMMA(24, 12, "%12", "%13", "%14")
MS_WGMMA(32, 16, "%16", "%17", "%18")
MS_WGMMA(40, 20, "%20", "%21", "%22")
MS_WGMMA(48, 24, "%24", "%25", "%26")
MS_WGMMA(56, 28, "%28", "%29", "%30")
MS_WGMMA(64, 32, "%32", "%33", "%34")
MS_WGMMA(72, 36, "%36", "%37", "%38")
MS_WGMMA(80, 40, "%40", "%41", "%42")
MS_WGMMA(88, 44, "%44", "%45", "%46")
MS_WGMMA(96, 48, "%48", "%49", "%50")
MS_WGMMA(104, 52, "%52", "%53", "%54")
MS_WGMMA(112, 56, "%56", "%57", "%58")
MS_WGMMA(120, 60, "%60", "%61", "%62")
MS_WGMMA(128, 64, "%64", "%65", "%66")
MS_WGMMA(136, 68, "%68", "%69", "%70")
MS_WGMMA(144, 72, "%72", "%73", "%74")
MS_WGMMA(152, 76, "%76", "%77", "%78")
MS_WGMMA(160, 80, "%80", "%81", "%82")
MS_WGMMA(176, 88, "%88", "%89", "%90")
MS_WGMMA(192, 96, "%96", "%97", "%98")
MS_WGMMA(208, 104, "%104", "%105", "%106")
MS_WGMMA(224, 112, "%112", "%113", "%114")
MS_WGMMA(240, 120, "%120", "%121", "%122")
MS_WGMMA(256, 128, "%128", "%129", "%130")
// clang-format on

} // namespace ptx
