// What the compiler made of a tile kernel, read back by the toolkit's disassembler where there is one.
#include "kernels/jit/compiler.h"
#include "kernels/scatter2scatter/kernel_plan.h"
#include "kernels/scatter2scatter/tile_configs.h"
#include "tests/kernels/jit/temporary_cache.h"
#include "tests/kernels/scatter2scatter/s2s_case.h"

#include <catch2/catch_all.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

using namespace moescope;
using namespace moescope::test;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string output_of(const std::string &command) {
    std::string text;
    FILE *pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    char part[4096];
    while (const std::size_t read = std::fread(part, 1, sizeof part, pipe))
        text.append(part, read);
    REQUIRE(pclose(pipe) == 0);
    return text;
}

std::string sass_of(const scatter2scatter::KernelShape &shape, const char *arch) {
    std::shared_ptr<const jit::Cubin> cubin;
    REQUIRE(jit::compile({.source = scatter2scatter::kernel_source(shape),
                          .kernel = scatter2scatter::kernel_name(shape),
                          .defines = scatter2scatter::kernel_defines(shape),
                          .arch = arch},
                         cubin) == MS_OK);
    const std::filesystem::path file =
        std::filesystem::temp_directory_path() / ("moescope_sass_" + cubin->key + ".cubin");
    std::ofstream(file, std::ios::binary)
        .write(cubin->bytes.data(), std::streamsize(cubin->bytes.size()));
    std::string sass = output_of("nvdisasm -c '" + file.string() + "'");
    std::filesystem::remove(file);
    return sass;
}

} // namespace

TEST_CASE("a tile kernel multiplies on the matrix units, loads asynchronously and touches no stack",
          "[jit][scatter2scatter]") {
    if (std::system("nvdisasm --version >/dev/null 2>&1") != 0)
        SKIP("nvdisasm is not on the path");
    const TemporaryCache cache;
    ms_scatter2scatter_args args = shape_args(
        {.tokens = 1024, .experts = 128, .top_k = 8, .k = 2048, .n = 1536, .rank = 16});
    for (const ms_s2s_variant variant : {MS_S2S_FUSED, MS_S2S_EXTRA_K}) {
        args.variant = variant;
        args.config = scatter2scatter::default_config(args);
        for (const scatter2scatter::KernelShape &shape :
             scatter2scatter::plan_kernels(args, args.config))
            for (const char *arch : {"sm_80", "sm_120"}) {
                INFO(scatter2scatter::kernel_name(shape) << " for " << arch);
                const std::string sass = sass_of(shape, arch);
                CHECK_THAT(sass, ContainsSubstring("HMMA.16816.F32"));  // mma.sync m16n8k16
                CHECK_THAT(sass, ContainsSubstring("LDGSTS.E.BYPASS")); // cp.async.cg: 16 bytes
                CHECK_THAT(sass, ContainsSubstring("LDSM.16"));         // ldmatrix
                CHECK_THAT(sass, !ContainsSubstring("STL"));            // nothing spilt
                CHECK_THAT(sass, !ContainsSubstring("LDL"));
            }
    }
}

TEST_CASE("a Hopper tile multiplies by warpgroups, from what the copy engine fetched",
          "[jit][scatter2scatter][wgmma]") {
    if (std::system("nvdisasm --version >/dev/null 2>&1") != 0)
        SKIP("nvdisasm is not on the path");
    const TemporaryCache cache;
    ms_scatter2scatter_args args = shape_args({.tokens = 1024,
                                               .experts = 128,
                                               .top_k = 8,
                                               .k = 2048,
                                               .n = 1536,
                                               .rank = 16,
                                               .variant = MS_S2S_EXTRA_K});
    args.config = scatter2scatter::default_config(args, "sm_90a");
    REQUIRE(args.config.family == MS_TILE_WGMMA);
    const std::string sass =
        sass_of(scatter2scatter::plan_kernels(args, args.config).back(), "sm_90a");
    CHECK_THAT(sass, ContainsSubstring("HGMMA.64x128x16.F32"));
    CHECK_THAT(sass, ContainsSubstring("UTMALDG.3D"));
    CHECK_THAT(sass, ContainsSubstring("LDGSTS.E.BYPASS"));
    CHECK_THAT(sass, ContainsSubstring("USETMAXREG"));
    CHECK_THAT(sass, !ContainsSubstring("STL"));
    CHECK_THAT(sass, !ContainsSubstring("LDL"));
}
