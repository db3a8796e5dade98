#include "kernels/jit/compiler.h"
#include "kernels/jit/disk_cache.h"
#include "kernels/scatter2scatter/kernel_plan.h"
#include "tests/kernels/jit/temporary_cache.h"
#include "tests/kernels/scatter2scatter/s2s_case.h"

#include <catch2/catch_all.hpp>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace moescope;
using namespace moescope::test;
using Catch::Matchers::ContainsSubstring;

namespace {

namespace fs = std::filesystem;

jit::Request small_request() {
    const ms_scatter2scatter_args args = shape_args({.k = 8, .n = 8});
    const auto shape = scatter2scatter::plan_kernels(args, {16, 32, 16, 1, 2}).front();
    return {.source = "scatter2scatter.jit.cu",
            .kernel = scatter2scatter::kernel_name(shape),
            .defines = scatter2scatter::kernel_defines(shape),
            .arch = "sm_80"};
}

std::shared_ptr<const jit::Cubin> compile(const jit::Request &request) {
    std::shared_ptr<const jit::Cubin> cubin;
    const ms_status status = jit::compile(request, cubin);
    INFO(ms_last_error());
    REQUIRE(status == MS_OK);
    return cubin;
}

// As another process would: only the disk remembers.
std::shared_ptr<const jit::Cubin> compile_afresh(const jit::Request &request) {
    jit::forget_compiled_kernels();
    return compile(request);
}

void overwrite(const fs::path &path, const std::string &content) {
    std::ofstream(path, std::ios::binary) << content;
}

} // namespace

TEST_CASE("ptxas' resource report is read from the program log", "[jit]") {
    const std::string log =
        "ptxas info    : 122 bytes gmem, 256 bytes cmem[4]\n"
        "ptxas info    : Compiling entry function 'f' for 'sm_90a'\n"
        "ptxas info    : Function properties for f\n"
        "ptxas         .     56 bytes stack frame, 52 bytes spill stores, 160 bytes spill loads\n"
        "ptxas info    : Used 255 registers, used 1 barriers, 1024 bytes smem, 488 bytes cmem[0]\n";
    jit::ResourceReport report;
    REQUIRE(jit::parse_resource_report(log, report));
    CHECK(report.registers == 255);
    CHECK(report.spill_bytes == 212);
    CHECK(report.stack_bytes == 56);
    CHECK(report.static_smem_bytes == 1024);
    CHECK_FALSE(jit::parse_resource_report("", report));
    CHECK_FALSE(jit::parse_resource_report("ptxas info    : 122 bytes gmem", report));
}

TEST_CASE("a kernel is compiled once, and then comes from the disk", "[jit]") {
    const TemporaryCache cache;
    const auto first = compile_afresh(small_request());
    CHECK_FALSE(first->from_cache);
    CHECK(first->compile_ms > 0);
    CHECK(first->resources.registers > 0);
    CHECK(compile(small_request()) == first); // this process remembers it

    const auto second = compile_afresh(small_request());
    CHECK(second->from_cache);
    CHECK(second->compile_ms == 0);
    CHECK(second->bytes == first->bytes);
    CHECK(second->kernel == first->kernel);
    CHECK(second->log == first->log);
    CHECK(second->resources.registers == first->resources.registers);
    CHECK(second->resources.spill_bytes == first->resources.spill_bytes);

    jit::Request other = small_request();
    other.arch = "sm_90a";
    CHECK_FALSE(compile(other)->from_cache);
    CHECK(compile(other)->key != first->key);
}

TEST_CASE("a damaged cache entry is compiled again and repaired", "[jit]") {
    const TemporaryCache cache;
    const auto first = compile_afresh(small_request());
    const fs::path cubin = cache.folder() / (first->key + ".cubin"),
                   report = cache.folder() / (first->key + ".txt");
    REQUIRE(fs::exists(cubin));
    REQUIRE(fs::exists(report));
    const auto damage = GENERATE(0, 1, 2, 3, 4);
    CAPTURE(damage);
    switch (damage) {
    case 0: // truncated, as by a full disk
        fs::resize_file(cubin, first->bytes.size() / 2);
        break;
    case 1: { // one bit
        std::fstream file(cubin, std::ios::binary | std::ios::in | std::ios::out);
        file.seekp(std::streamoff(first->bytes.size() / 2));
        file.put(char(first->bytes[first->bytes.size() / 2] ^ 1));
        break;
    }
    case 2:
        overwrite(report, "moescope cubin 1\nkernel");
        break;
    case 3:
        overwrite(report, "");
        break;
    case 4:
        fs::remove(cubin);
        break;
    }
    const auto again = compile_afresh(small_request());
    CHECK_FALSE(again->from_cache);
    CHECK(again->resources.registers == first->resources.registers);
    CHECK(compile_afresh(small_request())->from_cache);
}

TEST_CASE("a cache folder that cannot be made costs time and nothing else", "[jit]") {
    const TemporaryCache cache;
    overwrite(cache.folder() / "file", "");
    cache.point_at(cache.folder() / "file" / "below");
    CHECK_FALSE(compile_afresh(small_request())->from_cache);
    CHECK_FALSE(compile_afresh(small_request())->from_cache);
}

TEST_CASE("many threads that want one kernel compile it once", "[jit]") {
    const TemporaryCache cache;
    jit::forget_compiled_kernels();
    std::vector<std::shared_ptr<const jit::Cubin>> cubins(8);
    {
        std::vector<std::jthread> threads;
        for (auto &cubin : cubins)
            threads.emplace_back([&cubin] { jit::compile(small_request(), cubin); });
    }
    REQUIRE(cubins[0]);
    for (const auto &cubin : cubins)
        CHECK(cubin == cubins[0]);
}

TEST_CASE("a kernel that another process compiles is waited for and read", "[jit]") {
    const TemporaryCache cache, elsewhere;
    const auto first = compile_afresh(small_request()); // in the folder elsewhere
    cache.point_at(cache.folder());
    jit::forget_compiled_kernels();
    std::shared_ptr<const jit::Cubin> second;
    std::jthread waiting;
    {
        const jit::EntryLock other(cache.folder(), first->key);
        REQUIRE(other.held());
        waiting = std::jthread([&] { jit::compile(small_request(), second); });
        std::this_thread::sleep_for(std::chrono::milliseconds(200)); // it finds no entry, and the lock held
        jit::write_cached(cache.folder(), *first, "");
    }
    waiting.join();
    REQUIRE(second);
    CHECK(second->from_cache);
    CHECK(second->bytes == first->bytes);
    CHECK_FALSE(fs::exists(cache.folder() / (first->key + ".lock")));
}

TEST_CASE("a lock is waited for as long as is allowed, and nowhere where nothing can be locked", "[jit]") {
    const TemporaryCache cache;
    const jit::EntryLock first(cache.folder(), "key");
    CHECK(first.held());
    CHECK_FALSE(first.waited());
    const jit::EntryLock second(cache.folder(), "key", std::chrono::milliseconds(50));
    CHECK_FALSE(second.held());
    CHECK(second.waited());
    const jit::EntryLock other(cache.folder(), "another");
    CHECK(other.held());
    const jit::EntryLock nowhere("/proc/none", "key");
    CHECK_FALSE(nowhere.held());
    CHECK_FALSE(nowhere.waited());
}

TEST_CASE("what the compiler refuses is reported in its own words", "[jit]") {
    const TemporaryCache cache;
    std::shared_ptr<const jit::Cubin> cubin;
    jit::Request request = small_request();
    request.defines.push_back("uint4=no_such_type");
    CHECK(jit::compile(request, cubin) == MS_COMPILE_ERROR);
    CHECK_THAT(ms_last_error(),
               ContainsSubstring(request.kernel) && ContainsSubstring("no_such_type"));
    CHECK_FALSE(cubin);
    CHECK(fs::is_empty(cache.folder()));

    request = small_request();
    request.arch = "sm_12345";
    CHECK(jit::compile(request, cubin) == MS_COMPILE_ERROR);
    CHECK_THAT(ms_last_error(), ContainsSubstring("sm_12345"));

    request = small_request();
    request.source = "absent.jit.cu";
    CHECK(jit::compile(request, cubin) == MS_COMPILE_ERROR);
    CHECK_THAT(ms_last_error(), ContainsSubstring("absent.jit.cu"));
}

TEST_CASE("edited sources are what a thread compiles while they live, and never reach the disk", "[jit]") {
    const TemporaryCache cache;
    const jit::Request request = small_request();
    const auto original = compile(request);
    const std::string text = "extern \"C\" __global__ void " + request.kernel + "(int *out) { *out = 7; }\n";
    {
        const jit::EditedSources edited({{request.source, text}});
        CHECK(jit::edition() != "");
        const auto cubin = compile(request);
        CHECK(cubin->key != original->key);
        CHECK(cubin->bytes != original->bytes);
        CHECK(compile(request) == cubin); // kept in this process
        CHECK_FALSE(compile_afresh(request)->from_cache);

        std::thread([&] { // another thread has the sources as they are
            CHECK(jit::edition().empty());
            CHECK(compile(request)->key == original->key);
        }).join();
    }
    CHECK(jit::edition().empty());
    CHECK(compile_afresh(request)->key == original->key);
    CHECK(compile_afresh(request)->from_cache);
}

TEST_CASE("edited sources that do not compile say so where they are used, and nothing else fails", "[jit]") {
    const TemporaryCache cache;
    const jit::Request request = small_request();
    std::shared_ptr<const jit::Cubin> cubin;
    {
        const jit::EditedSources edited({{request.source, "int x = ;\n"}});
        CHECK(jit::compile(request, cubin) == MS_COMPILE_ERROR);
        CHECK_THAT(ms_last_error(), ContainsSubstring(request.source + "(1)"));
    }
    CHECK(jit::compile(request, cubin) == MS_OK);
}
