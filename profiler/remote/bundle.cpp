#include "profiler/remote/bundle.h"

#include "profiler/base/sha256.h"
#include "profiler/base/try.h"
#include "profiler/remote/run_to_end.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

namespace moescope {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kTarBlock = 512;
constexpr std::size_t kReadBytes = 1 << 20;

Result<BundleFile> bundle_file(const fs::path &source) {
    std::error_code problem;
    const auto bytes = fs::file_size(source, problem);
    if (problem)
        return Error{fmt::format("{} cannot be copied", source.string()), problem.message(), ""};
    return BundleFile{source, source.filename().string(), std::int64_t(bytes)};
}

// NVRTC loads its builtins by name, so that ldd does not know of them.
std::vector<fs::path> companions_of(const fs::path &library) {
    std::vector<fs::path> found;
    if (!library.filename().string().starts_with("libnvrtc.so"))
        return found;
    std::error_code problem;
    const fs::path real = fs::canonical(library, problem);
    for (const fs::path &folder : {library.parent_path(), real.parent_path()})
        for (const auto &entry : fs::directory_iterator(folder, problem)) {
            const std::string name = entry.path().filename().string();
            const bool versioned = std::ranges::count(name.substr(name.find(".so") + 3), '.') == 2; // .so.13.0, by which it is loaded
            const bool known = std::ranges::any_of(found, [&](const fs::path &one) { return one.filename() == name; });
            if (name.starts_with("libnvrtc-builtins.so") && versioned && !known)
                found.push_back(entry.path());
        }
    return found;
}

} // namespace

std::int64_t Bundle::bytes() const {
    std::int64_t sum = 0;
    for (const BundleFile &file : files)
        sum += file.bytes;
    return sum;
}

bool belongs_to_system(std::string_view library) {
    constexpr std::array kSystem = {"linux-vdso.so", "ld-linux",     "libc.so",      "libm.so",    "libpthread.so", "libdl.so",
                                    "librt.so",      "libutil.so",   "libresolv.so", "libcuda.so", "libnvidia-"};
    return std::ranges::any_of(kSystem, [&](const char *name) { return library.starts_with(name); });
}

bool belongs_to_cuda(std::string_view library) {
    return library.starts_with("libnvrtc") || library.starts_with("libcupti");
}

Result<std::vector<fs::path>> libraries_in(std::string_view ldd_output) {
    std::vector<fs::path> found;
    std::istringstream lines{std::string(ldd_output)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string name, arrow, path;
        words >> name >> arrow >> path;
        if (arrow != "=>" || belongs_to_system(name))
            continue;
        if (!path.starts_with("/"))
            return Error{"the worker cannot be bundled", name + " is not found on this machine either",
                         "install it, or build moescope-worker on the other machine"};
        found.push_back(fs::path(path).parent_path() / name);
    }
    return found;
}

Result<Bundle> collect_bundle(const fs::path &worker) {
    const Result<ProgramEnd> ldd = run_to_end({"ldd", worker.string()}, [] { return std::string(); });
    MOESCOPE_TRY(ldd);
    if (ldd->exit_status != 0)
        return Error{"the worker cannot be bundled", "ldd " + worker.string() + ": " + ldd->error, ""};
    const Result<std::vector<fs::path>> libraries = libraries_in(ldd->output);
    MOESCOPE_TRY(libraries);
    std::vector<fs::path> sources{worker};
    for (const fs::path &library : *libraries) {
        sources.push_back(library);
        const std::vector<fs::path> more = companions_of(library);
        sources.insert(sources.end(), more.begin(), more.end());
    }
    Bundle bundle;
    for (const fs::path &source : sources) {
        Result<BundleFile> file = bundle_file(source);
        MOESCOPE_TRY(file);
        const auto is_known = [&](const BundleFile &known) { return known.name == file->name; };
        if (std::ranges::none_of(bundle.files, is_known))
            bundle.files.push_back(std::move(*file));
    }
    bundle.files.front().name = "moescope-worker";
    return bundle;
}

bool is_runtime(std::string_view library) { return library.starts_with("libstdc++.so") || library.starts_with("libgcc_s.so"); }

int wanted_c_library(const Bundle &bundle) {
    constexpr std::string_view kSymbol = "GLIBC_2.";
    constexpr std::size_t kOverlap = kSymbol.size() + 4;
    int newest = 0;
    for (const BundleFile &file : bundle.files) {
        std::ifstream in(is_runtime(file.name) ? fs::path() : file.source, std::ios::binary);
        std::string bytes, piece(kReadBytes, '\0');
        while (in.read(piece.data(), std::streamsize(piece.size())) || in.gcount() > 0) {
            bytes.erase(0, bytes.size() - std::min(bytes.size(), kOverlap)); // a name may lie across two pieces
            bytes.append(piece, 0, std::size_t(in.gcount()));
            for (std::size_t at = bytes.find(kSymbol); at != bytes.npos; at = bytes.find(kSymbol, at + 1)) {
                int version = 0;
                const char *digits = bytes.data() + at + kSymbol.size();
                std::from_chars(digits, std::min<const char *>(digits + 3, bytes.data() + bytes.size()), version);
                newest = std::max(newest, version);
            }
        }
    }
    return newest;
}

Result<std::string> checksums(const Bundle &bundle) {
    std::string text;
    std::string bytes(kReadBytes, '\0');
    for (const BundleFile &file : bundle.files) {
        std::ifstream in(file.source, std::ios::binary);
        Sha256 sum;
        while (in.read(bytes.data(), std::streamsize(bytes.size())) || in.gcount() > 0)
            sum.add({bytes.data(), std::size_t(in.gcount())});
        if (!in.eof())
            return Error{fmt::format("{} cannot be copied", file.source.string()), "it cannot be read", ""};
        text += sum.hex() + "  " + file.name + "\n";
    }
    return text;
}

std::string tar_header(const std::string &name, std::int64_t bytes, bool executable) {
    std::string block(kTarBlock, '\0');
    const auto put = [&](std::size_t at, const std::string &text) { block.replace(at, text.size(), text); };
    put(0, name.substr(0, 100));
    put(100, executable ? "0000755" : "0000644");
    put(108, "0000000"); // owner and group: of who unpacks it
    put(116, "0000000");
    put(124, fmt::format("{:011o}", bytes));
    put(136, "00000000000"); // modified at
    put(148, "        "); // the sum counts its own field as blanks
    put(156, "0");
    put(257, std::string("ustar\0" "00", 8));
    unsigned sum = 0;
    for (const char byte : block)
        sum += static_cast<unsigned char>(byte);
    put(148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
    return block;
}

std::string tar_padding(std::int64_t bytes) {
    return std::string(std::size_t((kTarBlock - std::size_t(bytes) % kTarBlock) % kTarBlock), '\0');
}

std::string tar_end() { return std::string(2 * kTarBlock, '\0'); }

} // namespace moescope
