// The worker with everything it needs that another machine may not have, to be copied there.
#pragma once

#include "profiler/base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace moescope {

struct BundleFile {
    std::filesystem::path source;
    std::string name; // in the bundle's one folder
    std::int64_t bytes = 0;
    friend bool operator==(const BundleFile &, const BundleFile &) = default;
};

struct Bundle {
    std::vector<BundleFile> files; // the worker first
    std::int64_t bytes() const;
};

// This worker and its libraries, found as the loader finds them. What belongs to the system stays: the
// C library, and the GPU's driver. Errors: a library is missing here too, a file cannot be read.
Result<Bundle> collect_bundle(const std::filesystem::path &worker);

// What ldd prints, "name => path": the libraries to carry.
Result<std::vector<std::filesystem::path>> libraries_in(std::string_view ldd_output);
bool belongs_to_system(std::string_view library);
// CUDA's own user libraries, of which another machine may have equals.
bool belongs_to_cuda(std::string_view library);

// glibc's version 2.N: the N of the newest that the files ask for, by the versions of its symbols that stand in them; 0
// for none. The C++ runtime does not count: a host's own takes its place where it must.
int wanted_c_library(const Bundle &bundle);
bool is_runtime(std::string_view library);

// "HASH  NAME" a line, as sha256sum checks it.
Result<std::string> checksums(const Bundle &bundle);

// The header of a file in a tar archive (POSIX.1-1988 ustar): 512 bytes. Names up to 100 characters.
std::string tar_header(const std::string &name, std::int64_t bytes, bool executable);
// What follows a file's bytes, and what ends the archive.
std::string tar_padding(std::int64_t bytes);
std::string tar_end();

} // namespace moescope
