#include "profiler/base/sha256.h"
#include "profiler/remote/bundle.h"
#include "profiler/remote/remote_worker.h"
#include "profiler/remote/run_to_end.h"
#include "tests/support/program.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <csignal>
#include <fstream>

using namespace moescope;

namespace {

std::string sha256(const std::string &text) {
    Sha256 sum;
    sum.add(text);
    return sum.hex();
}

Bundle made_up_bundle() {
    Bundle bundle;
    for (const char *name : {"moescope-worker", "libfmt.so.9", "libnvrtc.so.13", "libnvrtc-builtins.so.13.0", "libcupti.so.13"})
        bundle.files.push_back({std::string("/here/") + name, name, 1000});
    return bundle;
}

std::vector<std::string> names_of(const Bundle &bundle) {
    std::vector<std::string> names;
    for (const BundleFile &file : bundle.files)
        names.push_back(file.name);
    return names;
}

} // namespace

// FIPS 180-4's examples, from NIST's "Example values" page, and the empty text.
TEST_CASE("SHA-256 is NIST's") {
    CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("SHA-256 of every length round a block is sha256sum's, in whatever pieces it comes") {
    const test::TemporaryFolder folder;
    for (std::size_t size = 50; size < 140; size += 7) {
        std::string text;
        for (std::size_t i = 0; i < size; ++i)
            text += char('a' + i % 23);
        test::write_bytes(folder / "text", text);
        const std::string theirs = test::Program({"sha256sum", folder / "text"}).wait(std::chrono::seconds(10)).output.substr(0, 64);
        Sha256 sum;
        for (std::size_t at = 0; at < size; at += 13)
            sum.add(std::string_view(text).substr(at, 13));
        CHECK(sum.hex() == theirs);
    }
}

TEST_CASE("what ldd names is carried but for the system's own, and a library that is missing is named") {
    const std::string output = "\tlinux-vdso.so.1 (0x00007ffe)\n"
                               "\tlibfmt.so.9 => /lib/x86_64-linux-gnu/libfmt.so.9 (0x00007f01)\n"
                               "\tlibcuda.so.1 => /lib/x86_64-linux-gnu/libcuda.so.1 (0x00007f02)\n"
                               "\tlibcupti.so.13 => /usr/local/cuda/lib/libcupti.so.13 (0x00007f03)\n"
                               "\tlibstdc++.so.6 => /lib/x86_64-linux-gnu/libstdc++.so.6 (0x00007f04)\n"
                               "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f05)\n"
                               "\t/lib64/ld-linux-x86-64.so.2 (0x00007f06)\n";
    const auto found = libraries_in(output);
    REQUIRE(found);
    CHECK(*found == std::vector<std::filesystem::path>{"/lib/x86_64-linux-gnu/libfmt.so.9", "/usr/local/cuda/lib/libcupti.so.13",
                                                       "/lib/x86_64-linux-gnu/libstdc++.so.6"});
    const auto missing = libraries_in("\tlibcupti.so.13 => not found\n");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().why.find("libcupti.so.13") != std::string::npos);
}

TEST_CASE("this worker's bundle has every library but the system's, and its checksums are sha256sum's") {
    const Result<Bundle> bundle = collect_bundle(MOESCOPE_WORKER_PATH);
    REQUIRE(bundle);
    CHECK(bundle->files.front().name == "moescope-worker");
    const std::vector<std::string> names = names_of(*bundle);
    CHECK(std::ranges::count_if(names, [](const std::string &name) { return name.starts_with("libstdc++.so"); }) == 1);
    CHECK(std::ranges::none_of(names, [](const std::string &name) { return belongs_to_system(name); }));
    const bool nvrtc = std::ranges::any_of(names, [](const std::string &name) { return name.starts_with("libnvrtc.so"); });
    const bool builtins = std::ranges::any_of(names, [](const std::string &name) { return name.starts_with("libnvrtc-builtins.so"); });
    CHECK(nvrtc == builtins);
}

TEST_CASE("an archive is what tar unpacks, byte for byte") {
    const test::TemporaryFolder folder;
    const std::string first(700, 'x'), second(1024, 'y');
    const auto file = [](const std::string &name, const std::string &bytes, bool executable) {
        const auto size = std::int64_t(bytes.size());
        return tar_header(name, size, executable) + bytes + tar_padding(size);
    };
    test::write_bytes(folder / "a.tar", file("first", first, true) + file("second", second, false) + tar_end());
    REQUIRE(test::Program({"tar", "-xf", folder / "a.tar", "-C", folder.path()}).wait(std::chrono::seconds(10)).output.empty());
    CHECK(test::read_bytes(folder / "first") == first);
    CHECK(test::read_bytes(folder / "second") == second);
    using std::filesystem::perms;
    CHECK((std::filesystem::status(folder / "first").permissions() & perms::owner_exec) != perms::none);
    CHECK((std::filesystem::status(folder / "second").permissions() & perms::owner_exec) == perms::none);
}

TEST_CASE("CUDA's libraries that the host has are linked to, NVRTC only with its own builtins") {
    RemoteFacts facts;
    facts.libraries = {{"libcupti.so.13", "/usr/local/cuda/lib64/libcupti.so.13"},
                       {"libnvrtc.so.13", "/usr/local/cuda/lib64/libnvrtc.so.13"}};
    Shipment shipment = ship(made_up_bundle(), facts);
    CHECK(names_of(shipment.carried) ==
          std::vector<std::string>{"moescope-worker", "libfmt.so.9", "libnvrtc.so.13", "libnvrtc-builtins.so.13.0"});
    CHECK(shipment.linked.size() == 1);
    facts.libraries["libnvrtc-builtins.so.13.0"] = "/usr/local/cuda/lib64/libnvrtc-builtins.so.13.0";
    shipment = ship(made_up_bundle(), facts);
    CHECK(names_of(shipment.carried) == std::vector<std::string>{"moescope-worker", "libfmt.so.9"});
    CHECK(shipment.linked.size() == 3);
}

TEST_CASE("what a host says of itself is read, whatever its login prints before") {
    const RemoteFacts facts = parse_probe("Welcome to node7\nsystem Linux x86_64\nc_library glibc 2.36\nfolder /home/me/.local/share/moescope\n"
                                          "free_kib 2048\nworker /opt/my tools/moescope-worker\nversion moescope-worker 0.0.9 (protocol 2)\n"
                                          "worker /usr/bin/moescope-worker\nversion \nlibrary libcupti.so.13 /usr/local/cuda/lib64/libcupti.so.13\n"
                                          "gpu GPU 0: NVIDIA H200 (UUID: GPU-1)\nend\n");
    CHECK(facts.system == "Linux");
    CHECK(facts.processor == "x86_64");
    CHECK(facts.c_library == "glibc 2.36");
    CHECK(facts.free_bytes == 2048 * 1024);
    REQUIRE(facts.workers.size() == 2);
    CHECK(facts.workers[0] == RemoteFacts::Worker{"/opt/my tools/moescope-worker", "moescope-worker 0.0.9 (protocol 2)"});
    CHECK(facts.workers[1].version.empty());
    CHECK(facts.libraries.at("libcupti.so.13") == "/usr/local/cuda/lib64/libcupti.so.13");
    CHECK(facts.gpus == std::vector<std::string>{"GPU 0: NVIDIA H200 (UUID: GPU-1)"});
}

TEST_CASE("a host of another processor, or without room, is refused before anything is sent") {
    RemoteFacts facts = parse_probe("system Linux riscv64\nfree_kib 1000000\n");
    Status fits = check_fits(made_up_bundle(), facts, "gpu1");
    REQUIRE_FALSE(fits);
    CHECK(fits.error().why.find("riscv64") != std::string::npos);
    const std::string machine = test::Program({"uname", "-m"}).wait(std::chrono::seconds(10)).output;
    facts.processor = machine.substr(0, machine.find('\n'));
    CHECK(check_fits(made_up_bundle(), facts, "gpu1"));
    facts.free_bytes = 4999;
    fits = check_fits(made_up_bundle(), facts, "gpu1");
    REQUIRE_FALSE(fits);
    CHECK(fits.error().remedy == "make room there");
}

TEST_CASE("a host whose C library is older than the worker's is refused before anything is sent") {
    const test::TemporaryFolder folder;
    // Across the pieces in which a file is read, and cut off by its end.
    test::write_bytes(folder / "worker", std::string((1 << 20) - 9, 'x') + "GLIBC_2.34" + '\0' + "GLIBC_2.17" + '\0' + "GLIBC_2.");
    test::write_bytes(folder / "runtime", std::string("GLIBC_2.36") + '\0');
    Bundle bundle;
    bundle.files = {{folder / "worker", "moescope-worker", 10}, {folder / "runtime", "libstdc++.so.6", 10}};
    CHECK(wanted_c_library(bundle) == 34);
    const std::string machine = test::Program({"uname", "-m"}).wait(std::chrono::seconds(10)).output;
    const auto fits = [&](const std::string &library) {
        return check_fits(bundle, parse_probe("system Linux " + machine + "c_library " + library + "\n"), "gpu1");
    };
    CHECK(fits("glibc 2.34"));
    CHECK(fits("")); // it does not say
    const Status old = fits("glibc 2.31");
    REQUIRE_FALSE(old);
    CHECK(old.error().why == "its C library is glibc 2.31, and this worker needs 2.34 or newer");
    CHECK(wanted_c_library(*collect_bundle(MOESCOPE_WORKER_PATH)) > 0);
}

TEST_CASE("a program that ends before it has read its input is an end, not a signal; one that hangs can be stopped") {
    int pieces = 0;
    const auto plenty = [&] { return ++pieces < 200 ? std::string(65536, 'x') : std::string(); };
    const Result<ProgramEnd> end = run_to_end({"sh", "-c", "echo out; echo err >&2; exit 3"}, plenty);
    REQUIRE(end);
    CHECK(end->exit_status == 3);
    CHECK(end->output == "out\n");
    CHECK(end->error == "err\n");
    const std::atomic<bool> cancelled = true;
    CHECK_FALSE(run_to_end({"sleep", "60"}, [] { return std::string(); }, &cancelled));
    const Result<ProgramEnd> late = run_to_end({"sleep", "60"}, [] { return std::string(); }, nullptr, std::chrono::seconds(1));
    REQUIRE_FALSE(late);
    CHECK(late.error().why == "it did not end within 1 s");
}

TEST_CASE("a program that may ask nothing has no terminal to ask on") {
    const Result<ProgramEnd> end = run_to_end({"sh", "-c", "cut -d ' ' -f 6 /proc/$$/stat; echo $$"}, [] { return std::string(); });
    REQUIRE(end);
    const std::size_t line = end->output.find('\n') + 1; // its session, then itself: the session's leader
    CHECK(end->output.substr(0, line) == end->output.substr(line));
}
