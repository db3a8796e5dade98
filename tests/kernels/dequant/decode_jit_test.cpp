#include "kernels/jit/embedded_sources.h"

#include <catch2/catch_all.hpp>
#include <nvrtc.h>

#include <string>

using namespace moescope;

namespace {

constexpr const char *kUser = R"(
#include "decode.jit.cuh"
using namespace moescope::decode;
extern "C" __global__ void decode_all(const unsigned *words, const float *code, const unsigned char *e8m0, unsigned *out) {
    __shared__ CodeTable table;
    table.fill(code, int(threadIdx.x));
    __syncthreads();
    float nf4[8], mxfp4[8], lanes[8], fp8[4];
    const unsigned lane_bytes = threadIdx.x % 32 * 4, word = words[threadIdx.x];
    four_bit_values<NibbleOrder::HighFirst>(word, nested_scale(code[0], code[1], 0.5f), table, lane_bytes, nf4);
    four_bit_values<NibbleOrder::LowFirst>(word, e8m0_value(e8m0[threadIdx.x]), table, lane_bytes, mxfp4);
    four_bit_values<NibbleOrder::LowFirst>(word, 1.0f, LaneCodes{code[threadIdx.x % kCodes]}, 0, lanes);
    e4m3_values(word, 2.0f, fp8);
    out[threadIdx.x] = bf16_pair(nf4[0] + mxfp4[7], fp8[3] + lanes[1]) ^ f16_pair(e4m3_value(word & 255), nf4[5]);
}
)";

std::string embedded(const std::string &name) {
    for (int i = 0; i < kEmbeddedSourceCount; ++i)
        if (name == kEmbeddedSources[i].name)
            return kEmbeddedSources[i].text;
    return "";
}

} // namespace

TEST_CASE("the decoders of quantised weights compile at run time, with no header of the toolkit", "[jit][dequant]") {
    const std::string header = embedded("decode.jit.cuh");
    REQUIRE_FALSE(header.empty());
    const char *text = header.c_str(), *name = "decode.jit.cuh";
    for (const char *arch : {"--gpu-architecture=sm_80", "--gpu-architecture=sm_89", "--gpu-architecture=sm_90a"}) {
        INFO(arch);
        nvrtcProgram program{};
        REQUIRE(nvrtcCreateProgram(&program, kUser, "user.cu", 1, &text, &name) == NVRTC_SUCCESS);
        const char *options[] = {arch, "--std=c++20"};
        const nvrtcResult result = nvrtcCompileProgram(program, 2, options);
        std::size_t size = 0;
        nvrtcGetProgramLogSize(program, &size);
        std::string log(size, '\0');
        nvrtcGetProgramLog(program, log.data());
        INFO(log);
        CHECK(result == NVRTC_SUCCESS);
        nvrtcDestroyProgram(&program);
    }
}
