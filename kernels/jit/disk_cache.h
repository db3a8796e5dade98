// Cubins on disk. An entry is two files; the text file is written last and holds the cubin's size
// and checksum, so that a torn or damaged entry reads as absent.
#pragma once

#include "kernels/jit/compiler.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace moescope::jit {

// 64-bit FNV-1a; `seed` gives independent hashes of one text.
std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0);

// Fills bytes, resources and log. False if there is no intact entry.
bool read_cached(const std::string &folder, const std::string &key, Cubin &cubin);

// Best effort: a full disk or a folder that cannot be written leaves no entry, and no damaged one.
void write_cached(const std::string &folder, const Cubin &cubin, const std::string &options);

} // namespace moescope::jit
